# The few commands. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PROFILE := release
BIN := target/release/haidang
ENGINE := deploy/engine/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so

.PHONY: help demo test soak check build package bench fuzz clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: build ## Install what is missing, build, start everything on loopback with a simulated province
	@deploy/demo

test: tools-test build ## Install what the tests need and run them all
	@deploy/test

check: tools dashboards/dist/index.html ## Formatting, lints, licences: the gate before a commit
	@command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny
	cargo deny --log-level error check licenses bans sources
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --release -- -D warnings
	cd dashboards && npm run --silent check

build: tools $(ENGINE) dashboards/dist/index.html ## The binary, with dashboards and engine
	@echo "== building $(BIN) (the first time takes some minutes)"
	@cargo build --release

bench: build ## The benchmarks whose figures ARCHITECTURE.md gives
	@deploy/bench

soak: tools-test build ## The faults at length: each alone, more lines, longer troubles
	@HAIDANG_SOAK=1 cargo test --release --test main faults -- --nocapture --test-threads 1

package: build ## Debian packages in target/package
	@deploy/package

fuzz: tools ## Every fuzz target for a minute each (SECONDS_EACH=60)
	@deploy/fuzz

clean: ## Remove what was built; data stays
	rm -rf target dashboards/dist dashboards/node_modules deploy/engine/node_modules

.PHONY: tools tools-test
tools:
	@deploy/install build

tools-test:
	@deploy/install test

$(ENGINE): deploy/engine/package-lock.json
	@echo "== fetching the ClickHouse engine (178 MB, once)"
	@npm ci --silent --prefix deploy/engine
	@touch $@

dashboards/dist/index.html: dashboards/package-lock.json $(shell find dashboards/src dashboards/public dashboards/index.html dashboards/vite.config.ts -type f 2>/dev/null)
	@echo "== building the dashboards"
	@npm ci --silent --prefix dashboards
	@npm run --silent --prefix dashboards build
	@touch $@
