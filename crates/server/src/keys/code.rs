//! The join code of a closed class: a few characters with which a pupil's device is let in as a headset.
//!
//! It exists in the memory of the hub only, from when joining is opened until it is closed or the hub ends.

use super::secret;
use std::sync::{Mutex, MutexGuard, PoisonError};
use subtle::ConstantTimeEq as _;

/// Characters of a code: few enough to type from a wall. It has 30 random bits, which is little for a program that tries; so an address
/// with too many wrong ones is not even heard for a while ([`super::failures`]).
const CODE_LEN: usize = 6;

/// What a code is made of: nothing that looks like something else (0 O, 1 I L).
const ALPHABET: &[u8; 31] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789";

/// Random bytes that are asked for at once. Most codes need no second helping.
const RANDOM_LEN: usize = 16;

/// Whether joining is open, and with which code.
#[derive(Default)]
pub(crate) struct JoinCode {
    code: Mutex<Option<String>>,
}

impl std::fmt::Debug for JoinCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JoinCode")
    }
}

impl JoinCode {
    /// The code; `None` while joining is closed.
    pub(crate) fn current(&self) -> Option<String> {
        self.lock().clone()
    }

    /// Opens joining; one that is open keeps its code. Gives whether it was closed before.
    ///
    /// # Errors
    ///
    /// The system gives no random bytes.
    pub(crate) fn open(&self) -> Result<bool, getrandom::Error> {
        let mut code = self.lock();
        if code.is_some() {
            return Ok(false);
        }
        *code = Some(new_code()?);
        Ok(true)
    }

    /// Closes joining: the code is worth nothing from now on. Gives whether it was open before.
    pub(crate) fn close(&self) -> bool {
        self.lock().take().is_some()
    }

    /// Is this the code, in capitals or not? Takes the same time however much of it is right.
    pub(super) fn is(&self, shown: &[u8]) -> bool {
        let code = self.current();
        let code_hash = secret::hash(code.as_deref().unwrap_or_default().as_bytes());
        let shown_hash = secret::hash(&shown.to_ascii_uppercase());
        let is_equal = bool::from(code_hash[..].ct_eq(&shown_hash[..]));
        is_equal && code.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.code.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new code, each as likely as every other.
fn new_code() -> Result<String, getrandom::Error> {
    let mut code = String::with_capacity(CODE_LEN);
    while code.len() < CODE_LEN {
        let mut random = [0; RANDOM_LEN];
        getrandom::fill(&mut random)?;
        // Five bits each; the one number of them that stands for no character is thrown away.
        let signs = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 0x1F)));
        code.extend(signs.take(CODE_LEN - code.len()).map(|sign| char::from(*sign)));
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_six_characters_that_nobody_takes_for_others() {
        let codes: Vec<String> = (0..500).map(|_| new_code().unwrap()).collect();
        for code in &codes {
            assert_eq!(code.len(), 6, "{code}");
            assert!(code.bytes().all(|sign| ALPHABET.contains(&sign)), "{code}");
            assert!(!code.contains(['0', 'O', '1', 'I', 'L']), "{code}");
        }
        let used: std::collections::BTreeSet<u8> = codes.iter().flat_map(|code| code.bytes()).collect();
        assert_eq!(used.len(), ALPHABET.len(), "every character is used");
        assert_ne!(codes[0], codes[1]);
    }

    #[test]
    fn a_code_is_kept_while_joining_is_open_and_worth_nothing_afterwards() {
        let join = JoinCode::default();
        assert!(!join.is(b"") && !join.close());
        assert!(join.open().unwrap());
        let code = join.current().unwrap();
        assert!(!join.open().unwrap(), "it is open already");
        assert_eq!(join.current().as_deref(), Some(code.as_str()));
        assert!(join.is(code.as_bytes()) && join.is(code.to_lowercase().as_bytes()));
        assert!(!join.is(b"") && !join.is(&code.as_bytes()[..5]) && !join.is(format!("{code}A").as_bytes()));
        assert!(!format!("{join:?}").contains(&code));
        assert!(join.close());
        assert!(!join.is(code.as_bytes()) && join.current().is_none());
        assert!(join.open().unwrap());
        assert_ne!(join.current().unwrap(), code);
    }
}
