//! The decoder of the live channel, held against `serde_json`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstie_wire::fuzz::live(data));
