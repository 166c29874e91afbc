//! The condition's grammar.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| haidang_fuzz::rules::condition(bytes));
