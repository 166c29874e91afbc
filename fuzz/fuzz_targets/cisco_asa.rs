//! The `cisco_asa` parser.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| haidang_fuzz::parser("cisco_asa", bytes));
