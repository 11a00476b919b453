//! What the reader of addresses promises for any input, as a plain function that a fuzzer and the tests call.

use crate::address::{Address, Symbol};

/// Panics when an address is read that does not read back from its own text, or that is a symbol too.
pub fn address(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let is_symbol = Symbol::is_valid(&text);
    match Address::parse(&text) {
        Ok(address) => {
            assert!(!is_symbol, "{text} is an address and a symbol");
            assert_eq!(Address::parse(&address.to_string()), Ok(address));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
