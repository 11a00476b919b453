//! Who may do what: the rights that stand behind every connection and every request.
//!
//! The driver finds out *who* somebody is (a key, this machine, an open listener); the hub decides what follows from that.

use crate::signal::Pattern;
use std::sync::Arc;

/// What a person or program may do, each role with everything before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Writes signals, connects and disconnects links, starts and stops PLC programs, acknowledges problems.
    Operator,
    /// Changes routes, settings, signals, keys, PLC programs and the log; forces.
    Engineer,
}

impl Role {
    /// The word of the API and of the files.
    pub const fn word(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Engineer => "engineer",
        }
    }

    /// The role of a word.
    pub fn from_word(word: &str) -> Option<Role> {
        [Role::Viewer, Role::Operator, Role::Engineer]
            .into_iter()
            .find(|role| role.word() == word)
    }
}

/// A set of signals by name patterns.
#[derive(Clone, Debug)]
pub enum Scope {
    /// Every signal.
    All,
    /// Those that fit one of the patterns; none when there is no pattern.
    Patterns(Vec<Pattern>),
}

impl Scope {
    /// The scope of these texts; `None` stands for every signal.
    pub fn new(patterns: Option<&[String]>) -> Scope {
        match patterns {
            None => Scope::All,
            Some(patterns) => Scope::Patterns(patterns.iter().map(|text| Pattern::new(text)).collect()),
        }
    }

    /// Is a signal of this name in it?
    pub fn holds(&self, name: &str) -> bool {
        match self {
            Scope::All => true,
            Scope::Patterns(patterns) => Pattern::any_fits(patterns, name),
        }
    }

    /// Every signal is in it.
    pub fn is_all(&self) -> bool {
        matches!(self, Scope::All)
    }
}

/// Who somebody is that was let in by the class's join code, for people.
pub const JOIN_CODE: &str = "join code";

/// What stands behind a connection or a request.
#[derive(Clone, Debug)]
pub struct Access {
    /// Id of the key that was shown, or of what stands in its place and can be revoked like one; `None` for open listeners.
    pub key: Option<Box<str>>,
    /// Number of the key ring that vouched for it: a revocation ends what an older ring has let in.
    pub ring: u64,
    /// Who that is, for people: the name of the key, `this machine`, `anonymous`, [`JOIN_CODE`].
    pub who: Box<str>,
    /// What it may do.
    pub role: Role,
    /// The signals that it may see.
    pub view: Scope,
    /// The signals that it may write, among those that it may see.
    pub write: Scope,
}

impl Access {
    /// Everything, without a key: somebody on this machine while no keys exist, and the hub's own links.
    pub fn full(who: &str) -> Arc<Access> {
        Arc::new(Access {
            key: None,
            ring: 0,
            who: who.into(),
            role: Role::Engineer,
            view: Scope::All,
            write: Scope::All,
        })
    }

    /// Was it let in by the class's join code? A key may have the same name.
    pub fn is_by_code(&self) -> bool {
        self.key.is_none() && &*self.who == JOIN_CODE
    }

    /// May it see a signal of this name?
    pub fn sees(&self, name: &str) -> bool {
        self.view.holds(name)
    }

    /// May it write a signal of this name?
    pub fn writes(&self, name: &str) -> bool {
        self.role >= Role::Operator && self.sees(name) && self.write.holds(name)
    }
}

/// Who asks, and from where.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Its rights.
    pub access: Arc<Access>,
    /// Address and port, or what else says where it comes from.
    pub from: Box<str>,
}

impl Actor {
    /// The hub itself and the tests of its rooms.
    pub fn full(who: &str, from: &str) -> Actor {
        Actor {
            access: Access::full(who),
            from: from.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_to_write_needs_the_role_and_both_scopes() {
        let access = |role, view: Option<&[String]>, write: Option<&[String]>| Access {
            key: Some("k1".into()),
            ring: 1,
            who: "HMI".into(),
            role,
            view: Scope::new(view),
            write: Scope::new(write),
        };
        let line = [String::from("twin/line/**")];
        let start = [String::from("twin/*/Start")];
        let hmi = access(Role::Operator, Some(&line), Some(&start));
        assert!(hmi.sees("twin/line/Speed") && !hmi.sees("twin/other/Start"));
        assert!(hmi.writes("twin/line/Start"));
        assert!(!hmi.writes("twin/line/Speed") && !hmi.writes("twin/other/Start"));
        assert!(!access(Role::Viewer, None, None).writes("twin/line/Start"));
        assert!(access(Role::Engineer, None, None).writes("anything"));
        assert!(!access(Role::Engineer, None, Some(&[])).writes("anything"));
    }

    #[test]
    fn roles_are_ordered_and_have_one_word_each() {
        assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Engineer);
        for role in [Role::Viewer, Role::Operator, Role::Engineer] {
            assert_eq!(Role::from_word(role.word()), Some(role));
        }
        assert_eq!(Role::from_word("root"), None);
    }
}
