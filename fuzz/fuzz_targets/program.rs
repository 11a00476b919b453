//! The text form of programs: it reads back, compiles and runs without a panic.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstie_ladder::fuzz::program(data));
