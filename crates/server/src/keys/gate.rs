//! The gate: one question, asked before any handshake and any operation: who is it, and what may it do?
//!
//! ```text
//!   a key is shown   it must be in the ring                                           else 401, 429 when that happens often
//!   no key is shown  no keys exist, a peer on this machine: "this machine", engineer
//!                    the listener is open: "anonymous"
//!                    a headset of this machine, or of an open class: "headset"         else 401
//!   a join code      a headset of a closed class, while joining is open: "join code"   else 401, 429 when that happens often
//! ```

use super::code::JoinCode;
use super::failures::Failures;
use super::file::{self, KeysFile};
use super::shown::{Shown, code_of, shown};
use super::{Key, secret};
use crate::config::Diagnostic;
use axum::http::{HeaderMap, HeaderName, Uri};
use crosstie_hub::Input;
use crosstie_hub::access::{Access, JOIN_CODE, Role, Scope};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What stands in the place of a key for peers on this machine while no keys exist: it is revoked by the first key.
const THIS_MACHINE: &str = "machine";

/// Headers that a reverse proxy adds: whoever stands behind one is not on this machine.
const FORWARDING: [HeaderName; 4] = [
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("via"),
];

/// Where somebody comes in without a key, and what they may do there when it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// The page, the API and the live channel.
    Web {
        /// `allow_unauthenticated` of this listener.
        is_open: bool,
    },
    /// A session of an endpoint, on its own port or at its path on the web port.
    Endpoint {
        /// `allow_unauthenticated` of this endpoint.
        is_open: bool,
    },
    /// A headset of the classroom, on its own port or at its path on the web port: the app can show no key.
    Headset {
        /// Other machines may take part.
        is_open: bool,
    },
}

/// The class takes part on this machine only.
const CLOSED_CLASS: Entrance = Entrance::Headset { is_open: false };

/// Why somebody is not let in. The texts name no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// None is shown where one is wanted.
    #[error("a key is wanted: send it as Authorization: Bearer, X-API-Key, ?access_token= or ?apikey=")]
    NoKey,
    /// No keys exist, but this is another machine.
    #[error(
        "this hub answers its own machine only: make a key for others (crosstie key add), or set allow_unauthenticated \
         on this listener"
    )]
    NotThisMachine,
    /// A headset of another machine shows neither, and the class is closed.
    #[error(
        "a headset of another machine needs the class's join code (?code=, which the page Classroom shows while joining is open) or \
         the key of an engineer"
    )]
    NoCode,
    /// It is not the one that is valid now.
    #[error(
        "this join code is not valid: it is mistyped, or joining was closed since; ask the teacher for the one of now"
    )]
    WrongCode,
    /// It is in no ring: mistyped, revoked, of another hub.
    #[error("this key is not valid here: it is mistyped, revoked or for another hub")]
    WrongKey,
    /// The key is right and not that of an engineer, and the class is for headsets of this machine: those may have GAMA carry out
    /// every expression.
    #[error(
        "a headset of another machine needs the key of an engineer, or a [headset] whose `bind` other machines reach or that \
         says allow_unauthenticated"
    )]
    NoHeadset,
    /// Several places hold different keys.
    #[error("different keys in one request: send one")]
    SeveralKeys,
    /// Wrong keys or codes came from this address again and again.
    #[error("too many wrong keys or join codes from this address: try again in a minute")]
    TooOften,
}

/// The keys in force, and who has come with them.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The state folder of the project.
    folder: PathBuf,
    /// When the hub was started.
    started: Instant,
    ring: Mutex<Arc<Ring>>,
    /// Held while the file is read again, so that of two reloads the later reading wins and nobody waits for a disk at the ring.
    reloading: Mutex<()>,
    failures: Mutex<Failures>,
    /// Lets headsets into a closed class while joining is open.
    join: JoinCode,
    /// For the peers that the hub itself starts; it is kept nowhere.
    house_key: HouseKey,
}

/// A key that only this process knows.
struct HouseKey {
    secret: String,
    sha256: [u8; 32],
}

impl std::fmt::Debug for HouseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HouseKey")
    }
}

/// One state of the keys.
#[derive(Debug)]
pub(crate) struct Ring {
    /// Counts up with every change.
    number: u64,
    keys: Vec<Key>,
    /// The rights of each key, in the same order.
    access: Vec<Arc<Access>>,
    /// When each was last used, in milliseconds of the hub plus one, 0 for never; in the same order.
    used: Vec<Arc<AtomicU64>>,
    /// The rights of this machine, when there are no keys.
    this_machine: Arc<Access>,
    /// The file was there.
    had_file: bool,
}

impl Ring {
    fn new(number: u64, file: Option<KeysFile>, before: Option<&Ring>) -> Ring {
        let had_file = file.is_some();
        let keys = file.unwrap_or_default().keys;
        let used: HashMap<&str, &Arc<AtomicU64>> = before
            .into_iter()
            .flat_map(|before| before.keys.iter().map(|key| key.id.as_str()).zip(&before.used))
            .collect();
        let this_machine = Arc::new(Access {
            key: Some(THIS_MACHINE.into()),
            ring: number,
            who: "this machine".into(),
            role: Role::Engineer,
            view: Scope::All,
            write: Scope::All,
        });
        Ring {
            number,
            access: keys.iter().map(|key| key.access(number)).collect(),
            used: keys
                .iter()
                .map(|key| {
                    used.get(key.id.as_str())
                        .map(|used| Arc::clone(used))
                        .unwrap_or_default()
                })
                .collect(),
            keys,
            this_machine,
            had_file,
        }
    }

    /// The keys, each with the hub's time in milliseconds when it was last used.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&Key, Option<u64>)> {
        let used = self.used.iter().map(|used| used.load(Ordering::Relaxed).checked_sub(1));
        self.keys.iter().zip(used)
    }

    /// The key of this id.
    pub(crate) fn key(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// No keys exist.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The file was there when this was read.
    pub(crate) fn had_file(&self) -> bool {
        self.had_file
    }
}

/// The id of the key behind some rights, as people know it.
pub(crate) fn key_id(access: &Access) -> Option<&str> {
    access.key.as_deref().filter(|key| *key != THIS_MACHINE)
}

impl Gate {
    /// The gate with the keys of a state folder.
    ///
    /// # Errors
    ///
    /// What is wrong with the file: without its keys nobody can be let in.
    pub(crate) fn new(folder: &Path, started: Instant) -> Result<Gate, Vec<Diagnostic>> {
        let file = file::read(folder)?;
        // Without random bytes there is no such key, and the hub's own peers have to do without.
        let secret = secret::new_secret().unwrap_or_default();
        Ok(Gate {
            folder: folder.to_owned(),
            started,
            ring: Mutex::new(Arc::new(Ring::new(1, file, None))),
            reloading: Mutex::default(),
            failures: Mutex::default(),
            join: JoinCode::default(),
            house_key: HouseKey {
                sha256: secret::hash(secret.as_bytes()),
                secret,
            },
        })
    }

    /// The state folder of the project.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The keys in force.
    pub(crate) fn ring(&self) -> Arc<Ring> {
        Arc::clone(&lock(&self.ring))
    }

    /// The join code of the class.
    pub(crate) fn join(&self) -> &JoinCode {
        &self.join
    }

    /// A key for the peers that the hub itself starts. It ends with the process.
    pub(crate) fn house_key(&self) -> &str {
        &self.house_key.secret
    }

    /// Reads the file again and takes what stands there; gives what the hub has to hear. The keys that are in force stay so when
    /// the file is damaged.
    ///
    /// # Errors
    ///
    /// What is wrong with the file; nothing when it has vanished although there was one.
    pub(crate) fn reload(&self) -> Result<Vec<Input>, Vec<Diagnostic>> {
        let _alone = lock(&self.reloading);
        let ring = self.ring();
        let file = file::read(&self.folder)?;
        if file.is_none() && ring.had_file {
            return Err(Vec::new());
        }
        let keys = file.as_ref().map(|file| file.keys.as_slice()).unwrap_or_default();
        if keys == ring.keys && file.is_some() == ring.had_file {
            return Ok(Vec::new());
        }
        let number = ring.number + 1;
        let mut gone: Vec<Box<str>> = ring
            .keys
            .iter()
            .filter(|old| !keys.contains(old))
            .map(|old| old.id.as_str().into())
            .collect();
        if ring.is_empty() && !keys.is_empty() {
            gone.push(THIS_MACHINE.into());
        }
        *lock(&self.ring) = Arc::new(Ring::new(number, file, Some(&ring)));
        Ok(gone
            .into_iter()
            .map(|key| Input::Revoked { key, ring: number })
            .collect())
    }

    /// Finds out who sends a request.
    ///
    /// # Errors
    ///
    /// [`Refusal`].
    pub(crate) fn authenticate(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        peer: SocketAddr,
        entrance: Entrance,
    ) -> Result<Arc<Access>, Refusal> {
        let ring = self.ring();
        let who = match shown(uri, headers) {
            Shown::Several => Err(Refusal::SeveralKeys),
            Shown::Key(key) => {
                let access = self.with_key(&ring, &key).ok_or(Refusal::WrongKey);
                access.and_then(|access| as_headset(access, headers, peer.ip(), entrance))
            }
            Shown::Nothing => match code_of(uri).filter(|_| entrance == CLOSED_CLASS) {
                Some(code) => self.with_code(&code, peer.ip()),
                None => without_key(&ring, headers, peer.ip(), entrance),
            },
        };
        who.map_err(|refusal| self.note(refusal, peer.ip()))
    }

    fn with_key(&self, ring: &Ring, key: &[u8]) -> Option<Arc<Access>> {
        let hash = secret::hash(key);
        if let Some(index) = secret::position(&ring.keys, &hash) {
            let millis = self.started.elapsed().as_millis() as u64;
            ring.used[index].store(millis + 1, Ordering::Relaxed);
            return Some(Arc::clone(&ring.access[index]));
        }
        let is_house = bool::from(subtle::ConstantTimeEq::ct_eq(&self.house_key.sha256[..], &hash[..]));
        (is_house && !key.is_empty()).then(|| open_access("practice twin", Role::Operator))
    }

    /// A code is short. So an address that has tried too many waits, also with the right one: otherwise it would find it.
    fn with_code(&self, code: &[u8], address: IpAddr) -> Result<Arc<Access>, Refusal> {
        if lock(&self.failures).waits(address, Instant::now()) {
            return Err(Refusal::TooOften);
        }
        match self.join.is(code) {
            true => Ok(headset_access(JOIN_CODE)),
            false => Err(Refusal::WrongCode),
        }
    }

    /// Counts a refusal, and says it once a minute for each address.
    fn note(&self, refusal: Refusal, address: IpAddr) -> Refusal {
        let mut failures = lock(&self.failures);
        let now = Instant::now();
        let verdict = match refusal {
            Refusal::NoKey | Refusal::NotThisMachine | Refusal::NoHeadset | Refusal::NoCode => {
                failures.without_key(address, now)
            }
            Refusal::WrongKey | Refusal::WrongCode | Refusal::SeveralKeys | Refusal::TooOften => {
                failures.wrong_key(address, now)
            }
        };
        drop(failures);
        if verdict.is_news {
            tracing::warn!(%address, reason = %refusal, "refused; further refusals of this address are not logged for a minute");
        }
        if verdict.is_too_often {
            Refusal::TooOften
        } else {
            refusal
        }
    }
}

/// It is on this machine, and no proxy speaks for somebody else.
fn is_here(headers: &HeaderMap, address: IpAddr) -> bool {
    address.to_canonical().is_loopback() && !FORWARDING.iter().any(|name| headers.contains_key(name))
}

/// A key that is shown must be valid everywhere, and there where the class is for this machine it must be one that may do what the
/// headsets of this machine may.
fn as_headset(
    access: Arc<Access>,
    headers: &HeaderMap,
    address: IpAddr,
    entrance: Entrance,
) -> Result<Arc<Access>, Refusal> {
    match entrance {
        Entrance::Headset { is_open: false } if access.role < Role::Engineer && !is_here(headers, address) => {
            Err(Refusal::NoHeadset)
        }
        _ => Ok(access),
    }
}

fn without_key(ring: &Ring, headers: &HeaderMap, address: IpAddr, entrance: Entrance) -> Result<Arc<Access>, Refusal> {
    let is_here = is_here(headers, address);
    match entrance {
        // With keys or without: a headset sees no signal, and what it may ask of GAMA is the classroom's to say.
        Entrance::Headset { is_open } if is_open || is_here => Ok(headset_access("headset")),
        Entrance::Headset { .. } => Err(Refusal::NoCode),
        _ if ring.is_empty() && is_here => Ok(Arc::clone(&ring.this_machine)),
        Entrance::Web { is_open: true } => Ok(open_access("anonymous", Role::Viewer)),
        Entrance::Endpoint { is_open: true } => Ok(open_access("anonymous", Role::Operator)),
        _ if ring.is_empty() => Err(Refusal::NotThisMachine),
        _ => Err(Refusal::NoKey),
    }
}

/// A player, and nothing else.
fn headset_access(who: &str) -> Arc<Access> {
    Arc::new(Access {
        key: None,
        ring: 0,
        who: who.into(),
        role: Role::Viewer,
        view: Scope::new(Some(&[])),
        write: Scope::new(Some(&[])),
    })
}

fn open_access(who: &str, role: Role) -> Arc<Access> {
    Arc::new(Access {
        key: None,
        ring: 0,
        who: who.into(),
        role,
        view: Scope::All,
        write: Scope::All,
    })
}

/// Where a request comes from, for people: the address, and before it what a reverse proxy says about its own client. Anybody can
/// write that header, so nothing is decided by it.
pub(crate) fn origin_of(headers: &HeaderMap, peer: SocketAddr) -> Box<str> {
    let last = headers.get_all("x-forwarded-for").iter().next_back();
    let named = last.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    match named {
        Some(client) => format!("{client} via {peer}").into(),
        None => peer.to_string().into(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::{NewKey, add, revoke};
    use super::*;
    use axum::http::HeaderValue;

    const HERE: &str = "127.0.0.1:5000";
    const THERE: &str = "192.168.1.20:5000";
    const WEB: Entrance = Entrance::Web { is_open: false };
    const OPEN_WEB: Entrance = Entrance::Web { is_open: true };
    const OPEN_ENDPOINT: Entrance = Entrance::Endpoint { is_open: true };

    struct Story {
        folder: tempfile::TempDir,
        gate: Gate,
    }

    impl Story {
        fn begin() -> Story {
            let folder = tempfile::tempdir().unwrap();
            let gate = Gate::new(folder.path(), Instant::now()).unwrap();
            Story { folder, gate }
        }

        fn add(&self, role: Role) -> String {
            let new = NewKey {
                name: role.word().to_owned(),
                role,
                view: None,
                write: None,
            };
            add(self.folder.path(), new, false, |_| Ok(())).unwrap().1
        }

        /// Who somebody at this address is, with a key or without.
        fn ask(
            &self,
            peer: &str,
            entrance: Entrance,
            key: Option<&str>,
            header: Option<&str>,
        ) -> Result<String, Refusal> {
            let mut headers = HeaderMap::new();
            if let Some(name) = header {
                headers.insert(
                    name.parse::<HeaderName>().unwrap(),
                    HeaderValue::from_static("10.0.0.1"),
                );
            }
            let uri = key.map_or(String::from("/"), |key| format!("/?apikey={key}"));
            let access = self
                .gate
                .authenticate(&uri.parse().unwrap(), &headers, peer.parse().unwrap(), entrance)?;
            Ok(format!("{} {}", access.who, access.role.word()))
        }
    }

    #[test]
    fn without_keys_this_machine_may_everything_and_others_what_is_open() {
        let story = Story::begin();
        let machine = || Ok(String::from("this machine engineer"));
        assert_eq!(story.ask(HERE, WEB, None, None), machine());
        assert_eq!(story.ask("[::1]:1", OPEN_ENDPOINT, None, None), machine());
        assert_eq!(story.ask("[::ffff:127.0.0.1]:1", WEB, None, None), machine());
        assert_eq!(story.ask(THERE, WEB, None, None), Err(Refusal::NotThisMachine));
        assert_eq!(
            story.ask(THERE, OPEN_WEB, None, None),
            Ok(String::from("anonymous viewer"))
        );
        assert_eq!(
            story.ask(THERE, OPEN_ENDPOINT, None, None),
            Ok(String::from("anonymous operator"))
        );
        for header in ["forwarded", "x-forwarded-for", "x-real-ip", "via"] {
            assert_eq!(
                story.ask(HERE, WEB, None, Some(header)),
                Err(Refusal::NotThisMachine),
                "{header}"
            );
        }
        assert_eq!(story.ask(HERE, WEB, Some("ct_x"), None), Err(Refusal::WrongKey));
        assert_eq!(story.ask(HERE, OPEN_WEB, Some(""), None), Err(Refusal::WrongKey));
    }

    #[test]
    fn with_keys_everybody_shows_one_and_a_shown_one_is_valid_everywhere() {
        let story = Story::begin();
        let engineer = story.add(Role::Engineer);
        let viewer = story.add(Role::Viewer);
        let gone = story.gate.reload().unwrap();
        assert!(
            matches!(&gone[..], [Input::Revoked { key, ring: 2 }] if **key == *THIS_MACHINE),
            "{gone:?}"
        );
        for (peer, entrance) in [(HERE, WEB), (THERE, OPEN_WEB), (THERE, OPEN_ENDPOINT)] {
            assert_eq!(
                story.ask(peer, entrance, Some(&engineer), None),
                Ok(String::from("engineer engineer"))
            );
            assert_eq!(
                story.ask(peer, entrance, Some(&viewer), None),
                Ok(String::from("viewer viewer"))
            );
            assert_eq!(story.ask(peer, entrance, Some("ct_x"), None), Err(Refusal::WrongKey));
        }
        assert_eq!(story.ask(HERE, WEB, None, None), Err(Refusal::NoKey));
        assert_eq!(
            story.ask(HERE, OPEN_WEB, None, None),
            Ok(String::from("anonymous viewer"))
        );
        let used: Vec<bool> = story.gate.ring().keys().map(|(_, used)| used.is_some()).collect();
        assert_eq!(used, [true, true]);
        let house_key = story.gate.house_key().to_owned();
        assert_eq!(
            story.ask(HERE, WEB, Some(&house_key), None),
            Ok(String::from("practice twin operator"))
        );
    }

    #[test]
    fn si40_a_headset_needs_no_key_on_this_machine_or_where_the_class_is_open() {
        const CLASS: Entrance = Entrance::Headset { is_open: false };
        const OPEN_CLASS: Entrance = Entrance::Headset { is_open: true };
        let story = Story::begin();
        let headset = || Ok(String::from("headset viewer"));
        let check = |expected: Refusal| {
            assert_eq!(story.ask(HERE, CLASS, None, None), headset());
            assert_eq!(story.ask(THERE, OPEN_CLASS, None, None), headset());
            assert_eq!(story.ask(THERE, CLASS, None, None), Err(expected));
            assert_eq!(story.ask(HERE, CLASS, None, Some("via")), Err(expected));
            assert_eq!(story.ask(THERE, OPEN_CLASS, Some("ct_x"), None), Err(Refusal::WrongKey));
        };
        check(Refusal::NoCode);
        let engineer = story.add(Role::Engineer);
        let operator = story.add(Role::Operator);
        story.gate.reload().unwrap();
        check(Refusal::NoCode);
        let operator = Some(operator.as_str());
        assert_eq!(story.ask(THERE, CLASS, operator, None), Err(Refusal::NoHeadset));
        assert_eq!(
            story.ask(THERE, OPEN_CLASS, operator, None),
            Ok(String::from("operator operator"))
        );
        assert_eq!(
            story.ask(HERE, CLASS, operator, None),
            Ok(String::from("operator operator"))
        );
        assert_eq!(
            story.ask(THERE, CLASS, Some(&engineer), None),
            Ok(String::from("engineer engineer"))
        );
        assert!(!headset_access("headset").sees("sim/state"));
    }

    #[test]
    fn si40_a_join_code_is_heard_at_the_door_of_a_closed_class_only_and_few_wrong_ones_are() {
        const CLASS: Entrance = CLOSED_CLASS;
        let story = Story::begin();
        let ask = |peer: &str, entrance, query: &str| {
            let uri = format!("/headset?{query}").parse().unwrap();
            let access = story
                .gate
                .authenticate(&uri, &HeaderMap::new(), peer.parse().unwrap(), entrance)?;
            Ok::<_, Refusal>(format!("{} {}", access.who, access.role.word()))
        };
        let joined = || Ok(String::from("join code viewer"));
        assert_eq!(
            ask(THERE, CLASS, "code=K7QF3M"),
            Err(Refusal::WrongCode),
            "joining is closed"
        );
        story.gate.join().open().unwrap();
        let code = story.gate.join().current().unwrap();
        let shown = format!("code={code}");
        assert_eq!(ask(THERE, CLASS, &shown), joined());
        assert_eq!(ask(THERE, CLASS, &shown.replace(&code, &code.to_lowercase())), joined());
        assert_eq!(ask(HERE, CLASS, &shown), joined());
        assert_eq!(ask(HERE, CLASS, "code=K7QF3"), Err(Refusal::WrongCode));
        assert_eq!(ask(THERE, CLASS, "code="), Err(Refusal::NoCode));
        assert_eq!(ask(HERE, CLASS, "code"), Ok(String::from("headset viewer")));
        // Nowhere else it means anything.
        let open_class = Entrance::Headset { is_open: true };
        assert_eq!(ask(THERE, open_class, "code=wrong"), Ok(String::from("headset viewer")));
        assert_eq!(ask(THERE, WEB, &shown), Err(Refusal::NotThisMachine));
        assert_eq!(
            ask(THERE, Entrance::Endpoint { is_open: false }, &shown),
            Err(Refusal::NotThisMachine)
        );
        assert_eq!(
            ask(THERE, CLASS, &format!("{shown}&apikey=ct_x")),
            Err(Refusal::WrongKey)
        );
        let other = "192.168.1.21:5000";
        for _ in 0..20 {
            assert_eq!(ask(other, CLASS, "code=K7QF3"), Err(Refusal::WrongCode));
        }
        assert_eq!(ask(other, CLASS, "code=K7QF3"), Err(Refusal::TooOften));
        assert_eq!(
            ask(other, CLASS, &shown),
            Err(Refusal::TooOften),
            "too many tries to be heard"
        );
        assert_eq!(ask(THERE, CLASS, &shown), joined());
        story.gate.join().close();
        assert_eq!(ask(THERE, CLASS, &shown), Err(Refusal::WrongCode));
    }

    #[test]
    fn a_changed_file_revokes_what_has_changed_and_nothing_else() {
        let story = Story::begin();
        let engineer = story.add(Role::Engineer);
        story.add(Role::Viewer);
        story.gate.reload().unwrap();
        revoke(story.folder.path(), "k2", |_| Ok(())).unwrap();
        let gone = story.gate.reload().unwrap();
        assert!(
            matches!(&gone[..], [Input::Revoked { key, ring: 3 }] if **key == *"k2"),
            "{gone:?}"
        );
        assert!(story.gate.reload().unwrap().is_empty());

        let path = story.folder.path().join(super::super::FILE_NAME);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, "next_id = ").unwrap();
        assert!(!story.gate.reload().unwrap_err().is_empty());
        assert!(
            story.ask(HERE, WEB, Some(&engineer), None).is_ok(),
            "the last good keys stay"
        );
        std::fs::remove_file(&path).unwrap();
        assert!(story.gate.reload().unwrap_err().is_empty());
        assert_eq!(
            story.ask(HERE, WEB, None, None),
            Err(Refusal::NoKey),
            "no file is not no keys"
        );
        std::fs::write(&path, text.replace("engineer", "operator")).unwrap();
        let gone = story.gate.reload().unwrap();
        assert!(
            matches!(&gone[..], [Input::Revoked { key, ring: 4 }] if **key == *"k1"),
            "{gone:?}"
        );
    }

    #[test]
    fn wrong_keys_are_told_to_wait_and_right_ones_are_not() {
        let story = Story::begin();
        let key = story.add(Role::Engineer);
        story.gate.reload().unwrap();
        for _ in 0..20 {
            assert_eq!(story.ask(THERE, WEB, Some("ct_x"), None), Err(Refusal::WrongKey));
        }
        assert_eq!(story.ask(THERE, WEB, Some("ct_x"), None), Err(Refusal::TooOften));
        assert_eq!(story.ask(THERE, WEB, None, None), Err(Refusal::NoKey));
        assert!(story.ask(THERE, WEB, Some(&key), None).is_ok());
        assert_eq!(story.ask(HERE, WEB, Some("ct_x"), None), Err(Refusal::WrongKey));
    }
}
