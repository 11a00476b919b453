//! The reader of scan tables, and their run.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstie_ladder::fuzz::scan_table(data));
