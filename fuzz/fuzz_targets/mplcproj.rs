//! The reader and writer of project files with several contexts.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstie_ladder::fuzz::mplcproj(data));
