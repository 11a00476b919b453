//! The reader of I/O configurations, and their wire form.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstie_ladder::fuzz::ioconfig(data));
