//! What one run knows of the client under test, and the means that its checks share.
//!
//! The stand is black box. The first connections show which names the client asks for, which it writes, and what it has itself
//! (RV-36); its own names are served from then on, so that a client with a fixed list finds what it looks for. Every check takes
//! the next connection: that the client comes back is what the suite lives on.

use super::ClientOptions;
use super::catalog::Catalog;
use super::door::{Door, upgrade};
use super::link::{Link, Means, Notes, Shared, list_of, signals_of};
use crate::conform::message::{Message, Transcript, same_value, without_keys};
use crate::conform::rig::{Kind, Stop};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout_at};

/// How long more is listened to after the first `data`, to learn what the client writes.
const LEARN_MORE: Duration = Duration::from_millis(300);
/// Pause between two looks at the client's catalog while a value is on its way.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// Where the numbers begin that the suite makes up; halves of this size are exact at single precision.
const FRESH_FIRST: i64 = 7_000;

/// What was learnt of the client.
#[derive(Default)]
pub(super) struct Profile {
    /// Path and query that it asked for last. The values of the query may be keys.
    pub(super) target: String,
    /// It asks for the catalog.
    pub(super) imports: bool,
    /// It subscribes after an `import_answer`.
    pub(super) subscribes: bool,
    /// The names that it asked for, in its order; all of the catalog when it asked for everything.
    pub(super) reads: Vec<String>,
    /// The names that it writes for certain, and not only returns.
    pub(super) writes: BTreeSet<String>,
    /// The names of its first `data`.
    pub(super) full: BTreeSet<String>,
    /// Its own catalog, when it answers `import_request`.
    pub(super) own: Option<Message>,
}

/// One run of the suite.
pub(super) struct Stand {
    /// The listener.
    pub(super) door: Door,
    /// How the run is made.
    pub(super) options: ClientOptions,
    /// What went both ways in the running check.
    pub(super) transcript: Transcript,
    /// What is judged elsewhere than where it is seen.
    pub(super) notes: Notes,
    /// What is served.
    pub(super) catalog: Shared,
    /// What was learnt.
    pub(super) profile: Profile,
    /// Connections so far.
    pub(super) connections: usize,
    /// The client did not come back: there is nothing more to check.
    pub(super) lost: bool,
    /// Names that the suite wrote; a client may have given those up.
    touched: BTreeSet<String>,
    next_fresh: i64,
}

impl Stand {
    /// A stand that has learnt nothing yet.
    ///
    /// # Errors
    /// Fails when the system does not know the address of the listener.
    pub(super) fn new(listener: TcpListener, options: &ClientOptions) -> std::io::Result<Stand> {
        let catalog = Shared::default();
        catalog.with(|catalog| *catalog = options.catalog.clone().unwrap_or_else(Catalog::built_in));
        Ok(Stand {
            door: Door::new(listener)?,
            options: options.clone(),
            transcript: Transcript::default(),
            notes: Notes::default(),
            catalog,
            profile: Profile::default(),
            connections: 0,
            lost: false,
            touched: BTreeSet::new(),
            next_fresh: FRESH_FIRST,
        })
    }

    /// Where the client was awaited, and what it asked for there, without keys.
    pub(super) fn url(&self) -> String {
        let target = match self.profile.target.as_str() {
            "" => "/",
            target => target,
        };
        format!("ws://{}{}", self.door.address(), without_keys(target))
    }

    /// The next connection, after its upgrade.
    ///
    /// # Errors
    /// Fails when the very first does not come, skips when a later one does not, and fails when the upgrade is wrong.
    pub(super) async fn next_link(&mut self) -> Result<Link, Stop> {
        let wait = self.options.wait;
        let stream = match timeout_at(Instant::now() + wait, self.door.accept()).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(Stop::failed("the port of the suite takes connections", error)),
            Err(_) => {
                self.lost = true;
                let url = self.url();
                return Err(match self.connections {
                    0 => Stop::failed(format!("a client connects to {url}"), format!("none within {wait:?}")),
                    _ => Stop::skipped(super::LOST),
                });
            }
        };
        let unmasked = self.notes.read().unmasked;
        let upgraded = upgrade(stream, unmasked, self.options.limit).await?;
        self.connections += 1;
        self.profile.target = upgraded.target;
        let means = Means {
            transcript: self.transcript.clone(),
            notes: self.notes.clone(),
            catalog: self.catalog.clone(),
            limit: self.options.limit,
        };
        Ok(Link::new(upgraded.socket, means))
    }

    /// The next connection with its handshake done, as far as this client was seen to make one; it is served from here on.
    pub(super) async fn opened(&mut self) -> Result<Link, Stop> {
        let mut link = self.next_link().await?;
        if self.profile.imports {
            link.expect("import_request", 0).await?;
        }
        self.serve(&mut link).await?;
        Ok(link)
    }

    /// The rest of a handshake from the `import_answer` on.
    pub(super) async fn serve(&mut self, link: &mut Link) -> Result<(), Stop> {
        link.answer_import().await?;
        if self.profile.subscribes {
            let subscribe = link.expect("subscribe", 0).await?;
            link.answer_subscribe(&subscribe).await?;
        }
        link.serve(true);
        Ok(())
    }

    /// Looks at the client for the first time, and a second time when its own catalog has names that were not served before.
    pub(super) async fn learn(&mut self) -> Result<(), Stop> {
        let mut learnt = self.look().await;
        if learnt.is_err() && self.notes.read().unmasked {
            // That one fault is the matter of its own check; the others go on without masks.
            learnt = self.look().await;
        }
        if learnt? {
            self.look().await?;
        }
        Ok(())
    }

    /// One connection to learn from; `true` when more names are served after it.
    async fn look(&mut self) -> Result<bool, Stop> {
        let mut link = self.next_link().await?;
        let limit = self.options.limit;
        if link.next_before(Instant::now() + limit).await?.is_none() {
            return Err(Stop::failed(
                "the client says something after the upgrade",
                format!("nothing within {limit:?}"),
            ));
        }
        self.profile.imports = link.await_kind("import_request", 0).await?.is_some();
        let told = self.catalog.with(|catalog| catalog.clone());
        link.answer_import().await?;
        let subscribe = link.await_kind("subscribe", 0).await?;
        self.profile.subscribes = subscribe.is_some();
        self.profile.reads = Vec::new();
        if let Some(subscribe) = &subscribe {
            let all = || told.names().cloned().collect();
            self.profile.reads = list_of(subscribe).unwrap_or_else(all);
            link.answer_subscribe(subscribe).await?;
        }
        link.serve(true);
        if link.await_kind("data", 0).await?.is_some() {
            link.listen(LEARN_MORE).await?;
        }
        self.learn_writes(link.log(), &told);

        let from = link.log().len();
        link.say_json(&json!({"type": "import_request", "version": 2})).await?;
        // A client that ends the connection over it has no catalog to work with; its own check says what happened.
        self.profile.own = link.await_kind("import_answer", from).await.unwrap_or_default();
        link.leave().await;
        Ok(self.learn_names())
    }

    /// Sorts what the client wrote from what it only returned: a value as it was told of a name that it reads.
    fn learn_writes(&mut self, log: &[Message], told: &Catalog) {
        let profile = &mut self.profile;
        let data = || {
            log.iter()
                .filter(|message| message.kind == "data")
                .filter_map(signals_of)
        };
        for (name, value) in data().flatten() {
            let returned = profile.reads.contains(name) && told.value(name).is_some_and(|told| same_value(told, value));
            if !returned {
                profile.writes.insert(name.clone());
            }
        }
        let first = data().find(|signals| signals.keys().any(|name| profile.writes.contains(name)));
        let names = first.into_iter().flat_map(Map::keys);
        profile
            .full
            .extend(names.filter(|name| profile.writes.contains(*name)).cloned());
    }

    /// Takes the client's names into what is served; `true` when there were new ones.
    fn learn_names(&mut self) -> bool {
        let own = self.profile.own.as_ref();
        let types = own.and_then(|own| own.body.get("signalTypes")?.as_object());
        let signals = own.and_then(signals_of);
        match (signals, types) {
            (Some(signals), Some(types)) => self.catalog.with(|catalog| catalog.learn(signals, types)),
            _ => false,
        }
    }

    /// Names that the client reads and does not write: the suite may write those. Outputs of the server come first.
    pub(super) fn readable(&self, is_fit: impl Fn(&Catalog, &str) -> bool) -> Vec<String> {
        let profile = &self.profile;
        self.catalog.with(|catalog| {
            let mut names: Vec<String> = profile
                .reads
                .iter()
                .filter(|name| catalog.has(name) && !profile.writes.contains(*name) && is_fit(catalog, name))
                .cloned()
                .collect();
            names.sort_by_key(|name| !catalog.is_output(name));
            names
        })
    }

    /// A name that the suite may write.
    pub(super) fn one(&self) -> Result<String, Stop> {
        let found = self.readable(|_, _| true).into_iter().next();
        found.ok_or_else(|| {
            Stop::skipped("the client subscribes to no name of the catalog that it does not write itself")
        })
    }

    /// A name of this kind that the suite may write and whose value the client's own catalog shows.
    pub(super) fn shown(&self, kind: Kind) -> Result<String, Stop> {
        let found = self.shown_all().into_iter();
        let mut found = found.filter(|name| self.kind(name) == Some(kind));
        found.next().ok_or_else(|| {
            Stop::skipped(format!(
                "the client's own catalog shows no {kind} that it reads, so what it holds cannot be seen"
            ))
        })
    }

    /// The names that the suite may write and whose values the client's own catalog shows.
    pub(super) fn shown_all(&self) -> Vec<String> {
        let own = self.profile.own.as_ref();
        self.readable(|_, name| own.is_some_and(|own| own.signal(name).is_some()))
    }

    /// Kind of a served signal.
    pub(super) fn kind(&self, name: &str) -> Option<Kind> {
        self.catalog.with(|catalog| catalog.kind(name))
    }

    /// A value for this signal that it does not hold now.
    pub(super) fn fresh(&mut self, name: &str) -> Value {
        self.next_fresh += 1;
        let number = self.next_fresh;
        let stands = self.catalog.with(|catalog| catalog.value(name).cloned());
        match self.kind(name) {
            Some(Kind::Bool) => json!(stands != Some(json!(true))),
            Some(Kind::Int) | None => json!(number),
            Some(Kind::Float) => json!(number as f64 + 0.5),
            Some(Kind::Text) => json!(format!("conform {number}")),
        }
    }

    /// Writes one signal to the client.
    pub(super) async fn write(&mut self, link: &mut Link, name: &str, value: &Value) -> Result<(), Stop> {
        self.catalog.with(|catalog| catalog.store(name, value));
        let key = Value::from(name);
        self.write_text(link, &[name], &format!("{key}:{value}")).await
    }

    /// Writes signals to the client by JSON text; `names` are those that the text holds.
    pub(super) async fn write_text(&mut self, link: &mut Link, names: &[&str], text: &str) -> Result<(), Stop> {
        self.touched.extend(names.iter().map(|&name| name.to_owned()));
        link.write_text(text).await
    }

    /// Asks for the client's catalog until it shows this value.
    pub(super) async fn shows(&self, link: &mut Link, name: &str, value: &Value) -> Result<(), Stop> {
        let deadline = Instant::now() + self.options.limit;
        loop {
            let own = link.import().await?;
            let held = own.signal(name);
            if held.is_some_and(|held| same_value(held, value)) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let held = held.map_or_else(|| "nothing".to_owned(), Value::to_string);
                return Err(Stop::failed(
                    format!("the client holds {name} = {value}"),
                    format!("its catalog shows {held} after {:?}", self.options.limit),
                ));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Makes sure that the client is connected, has handled everything so far, and goes on.
    pub(super) async fn goes_on(&self, link: &mut Link) -> Result<(), Stop> {
        link.ping().await?;
        // A pong may come from below the protocol, from a client that handles no message any more.
        if self.profile.own.is_some() {
            link.import().await?;
        } else if self.profile.subscribes {
            let from = link.log().len();
            link.answer_import().await?;
            link.expect("subscribe", from).await?;
        }
        Ok(())
    }

    /// The same, and a value that is written arrives where that can be seen.
    pub(super) async fn flows(&mut self, link: &mut Link) -> Result<(), Stop> {
        self.goes_on(link).await?;
        if let Some(name) = self.shown_all().into_iter().next() {
            let value = self.fresh(&name);
            self.write(link, &name, &value).await?;
            self.shows(link, &name, &value).await?;
        }
        Ok(())
    }

    /// Skips a check that takes long unless those are asked for.
    pub(super) fn only_when_slow(&self, takes: Duration) -> Result<(), Stop> {
        if self.options.slow {
            return Ok(());
        }
        Err(Stop::skipped(format!(
            "it takes {} s; --slow makes it",
            takes.as_secs()
        )))
    }

    /// The names that every first `data` has to hold: those of the first one, without what the suite has written since, because a
    /// client may have given that up to the other writer.
    pub(super) fn full(&self) -> BTreeSet<String> {
        self.profile.full.difference(&self.touched).cloned().collect()
    }
}
