//! The keys themselves: making one, and knowing one again by its hash.

use super::Key;
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

/// What every key begins with, so that people and scanners know one when they see it.
const PREFIX: &str = "ct_";

/// Random bytes of a key: nobody guesses it.
const RANDOM_LEN: usize = 32;

/// A new key.
///
/// # Errors
///
/// The system gives no random bytes.
pub(super) fn new_secret() -> Result<String, getrandom::Error> {
    let mut random = [0; RANDOM_LEN];
    getrandom::fill(&mut random)?;
    Ok(format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&random)))
}

/// What is kept of a key.
pub(super) fn hash(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// The position of the key with this hash. Takes the same time whichever it is, and if it is none.
pub(super) fn position(keys: &[Key], hash: &[u8; 32]) -> Option<usize> {
    let mut found = Choice::from(0);
    let mut at = 0_u32;
    for (index, key) in keys.iter().enumerate() {
        let is_this = key.sha256.ct_eq(hash);
        at.conditional_assign(&(index as u32), is_this);
        found |= is_this;
    }
    bool::from(found).then_some(at as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstie_hub::access::Role;

    #[test]
    fn a_key_is_known_again_by_its_hash_alone() {
        let secrets: Vec<String> = (0..3).map(|_| new_secret().unwrap()).collect();
        let keys: Vec<Key> = secrets
            .iter()
            .map(|secret| Key {
                id: String::from("k1"),
                name: String::from("HMI"),
                role: Role::Viewer,
                view: None,
                write: None,
                sha256: hash(secret.as_bytes()),
                created: String::new(),
            })
            .collect();
        for (index, secret) in secrets.iter().enumerate() {
            assert!(secret.len() == 46 && secret.starts_with("ct_"), "{}", secret.len());
            assert_eq!(position(&keys, &hash(secret.as_bytes())), Some(index));
        }
        assert_ne!(secrets[0], secrets[1]);
        assert_eq!(position(&keys, &hash(b"ct_")), None);
        assert_eq!(position(&[], &hash(b"ct_")), None);
    }
}
