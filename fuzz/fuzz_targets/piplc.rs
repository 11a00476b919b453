//! The decoders of PiPLC's text and frames, held against `serde_json` and their own encoders.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crosstie_wire::fuzz::piplc(data));
