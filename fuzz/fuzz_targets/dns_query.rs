//! The `dns_query` parser.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| haidang_fuzz::parser("dns_query", bytes));
