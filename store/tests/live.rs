//! A real engine in a temporary folder.

use std::path::{Path, PathBuf};
use store::engine::{Config, Program, ServeOptions, Supervisor};
use store::events::{self, Events, Target};
use tempfile::TempDir;

pub(crate) struct Live {
    pub(crate) supervisor: Option<Supervisor>,
    pub(crate) options: ServeOptions,
    pub(crate) events: Events,
    pub(crate) _folder: TempDir,
}

/// `examples/engine.rs`, which `cargo test` builds beside the tests.
pub(crate) fn program() -> Program {
    let test = std::env::current_exe().unwrap();
    let executable = test.parent().and_then(Path::parent).unwrap().join("examples/engine");
    assert!(executable.is_file(), "{} is missing: run `cargo test -p store`", executable.display());
    Program { executable, arguments: Vec::new() }
}

pub(crate) fn library() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("deploy/engine/node_modules/@chdb/lib-linux-x64-gnu/libchdb.so")
}

pub(crate) fn config() -> Config {
    Config { library: Some(library()), ..Config::default() }
}

impl Live {
    pub(crate) async fn start() -> Live {
        Live::start_with(config()).await
    }

    /// With moments of long ago in its tests, or they would be over one day.
    pub(crate) async fn start_with(config: Config) -> Live {
        Live::start_keeping(config, events::Config { keep_days: [36_500; 6], ..events::Config::default() })
            .await
    }

    pub(crate) async fn start_keeping(config: Config, keeping: events::Config) -> Live {
        let folder = tempfile::tempdir().unwrap();
        let options = ServeOptions::within(folder.path(), &config);
        let supervisor = match Supervisor::start(program(), &options).await {
            Ok(supervisor) => supervisor,
            Err(error) => panic!("{error}"),
        };
        let events = Events::connect(Target::Socket(options.socket.clone()), keeping);
        Live { supervisor: Some(supervisor), options, events, _folder: folder }
    }

    pub(crate) fn client(&self) -> clickhouse::Client {
        self.events.client().clone().with_database("default")
    }

    pub(crate) async fn stop(mut self) {
        self.supervisor.take().unwrap().stop().await;
    }
}
