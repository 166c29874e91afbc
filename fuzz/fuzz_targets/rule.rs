//! Rules, and rules against objects: no panic, no long time.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| haidang_fuzz::rules::rule(bytes));
