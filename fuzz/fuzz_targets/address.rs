//! The reader of PLC addresses, held against its own text.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstie_ladder::fuzz::address(data));
