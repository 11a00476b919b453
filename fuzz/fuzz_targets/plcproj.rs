//! The reader and writer of project files: what is read reads back from what is written.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstie_ladder::fuzz::plcproj(data));
