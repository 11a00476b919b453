//! The realvirtual decoder, held against `serde_json` and its own encoder.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstie_wire::fuzz::realvirtual(data));
