//! Wazuh's XML, converted: what comes out loads.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| haidang_fuzz::rules::wazuh(bytes));
