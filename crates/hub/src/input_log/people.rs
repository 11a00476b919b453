//! Who is behind a connection or a request, as it is kept. There is no secret in it: a key is known by its id.

use crate::access::{Access, Actor, Role, Scope};
use crate::signal::Pattern;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Writes down what somebody may do.
pub(super) fn encode_access(access: &Access) -> Json {
    json!({
        "key": access.key,
        "ring": access.ring,
        "who": access.who,
        "role": access.role.word(),
        "view": encode_scope(&access.view),
        "write": encode_scope(&access.write),
    })
}

/// Writes down who asks, and from where.
pub(super) fn encode_actor(actor: &Actor) -> Json {
    json!({"access": encode_access(&actor.access), "from": actor.from})
}

fn encode_scope(scope: &Scope) -> Option<Vec<String>> {
    match scope {
        Scope::All => None,
        Scope::Patterns(patterns) => Some(patterns.iter().map(Pattern::to_string).collect()),
    }
}

/// What was written down of it.
#[derive(Deserialize)]
pub(super) struct KeptAccess {
    key: Option<Box<str>>,
    ring: u64,
    who: Box<str>,
    role: String,
    view: Option<Vec<String>>,
    write: Option<Vec<String>>,
}

impl From<KeptAccess> for Arc<Access> {
    fn from(kept: KeptAccess) -> Arc<Access> {
        Arc::new(Access {
            key: kept.key,
            ring: kept.ring,
            who: kept.who,
            // A role that nobody knows may do the least.
            role: Role::from_word(&kept.role).unwrap_or(Role::Viewer),
            view: Scope::new(kept.view.as_deref()),
            write: Scope::new(kept.write.as_deref()),
        })
    }
}

/// What was written down of whoever asked.
#[derive(Deserialize)]
pub(super) struct KeptActor {
    access: KeptAccess,
    from: Box<str>,
}

impl From<KeptActor> for Actor {
    fn from(kept: KeptActor) -> Actor {
        Actor {
            access: kept.access.into(),
            from: kept.from,
        }
    }
}
