//! Access keys: who may come in, as what, and how that is found out.
//!
//! ```text
//!   state/keys.toml ─ file ─▶ Ring ─ gate ─▶ Access, or a refusal     (web port and protocol ports, before any upgrade)
//!                       ▲       └──────────▶ Input::Revoked            (a key is gone: its connections end)
//!   API, command line ──┘  watch looks at the file every second
//! ```
//!
//! A key is `ct_` and 43 characters of base64url: 32 random bytes. Only its SHA-256 is kept, so nobody can read a key back from
//! the file. A file that is damaged never means that there are no keys: a hub does not start with it, and one that runs
//! keeps the keys that it has and says so.

pub(crate) mod gate;

mod code;
mod failures;
mod file;
mod secret;
mod shown;
mod watch;

pub(crate) use file::{KeysError, add, read, revoke};
pub(crate) use gate::{Entrance, Gate, Refusal};
pub(crate) use shown::decoded;
pub(crate) use watch::{take_over, watch};

use crosstie_hub::access::{Access, Role, Scope};
use std::sync::Arc;

/// Name of the file with the keys, in the state folder.
pub(crate) const FILE_NAME: &str = "keys.toml";

/// Keys of one project. A further one is refused: every request is compared with each of them.
pub(crate) const KEYS_MAX: usize = 1_000;

/// Bytes of a key's name. A longer one is refused.
pub(crate) const NAME_LEN_MAX: usize = 64;

/// Patterns of one scope of a key. One more is refused: every name is compared with each of them.
pub(crate) const PATTERNS_MAX: usize = 64;

/// Bytes of one pattern. A longer one is refused; no name of a signal is longer.
pub(crate) const PATTERN_LEN_MAX: usize = 1_024;

/// What is kept of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// `k1`, `k2`, …: never given a second time.
    pub(crate) id: String,
    /// What people call whoever holds it.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) role: Role,
    /// Patterns of the signals that it may see; `None` for all.
    pub(crate) view: Option<Vec<String>>,
    /// Patterns of the signals that it may write, among those that it may see; `None` for all.
    pub(crate) write: Option<Vec<String>>,
    /// SHA-256 of the key.
    pub(crate) sha256: [u8; 32],
    /// When it was made, RFC 3339.
    pub(crate) created: String,
}

/// What somebody wants of a new key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewKey {
    /// What people call whoever holds it.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) role: Role,
    /// Patterns of the signals that it may see; `None` for all.
    pub(crate) view: Option<Vec<String>>,
    /// Patterns of the signals that it may write; `None` for all.
    pub(crate) write: Option<Vec<String>>,
}

impl Key {
    /// The rights that come with it.
    fn access(&self, ring: u64) -> Arc<Access> {
        Arc::new(Access {
            key: Some(self.id.as_str().into()),
            ring,
            who: self.name.as_str().into(),
            role: self.role,
            view: Scope::new(self.view.as_deref()),
            write: Scope::new(self.write.as_deref()),
        })
    }

    /// What the audit log says of it: everything but the key.
    pub(crate) fn described(&self) -> serde_json::Value {
        serde_json::json!({
            "name": self.name, "role": self.role.word(), "view": self.view, "write": self.write,
        })
    }
}
