//! The syslog header, and the whole of `parse` behind it.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| haidang_fuzz::line(bytes));
