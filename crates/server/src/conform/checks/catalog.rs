//! The conversation's beginning: init, the catalog, the request path.

use crate::conform::message::{Message, shortened};
use crate::conform::peer::{Pace, Peer};
use crate::conform::rig::{Kind, Rig, Stop, ensure};
use serde_json::{Map, Value};

/// Paths that clients of the field use (RV-20).
const PATHS: [&str; 4] = ["/", "/ws", "/ctrlx-rv-bridge/ws", "/any/where/else"];

/// RV-1: the view of a client survives a second and a third init.
pub(super) async fn repeated_init(rig: &mut Rig) -> Result<(), Stop> {
    let (subject, other) = rig.pair()?;
    let mut watcher = rig.member("watcher", &[&subject.name]).await?;
    let mut writer = rig.member("writer", &[]).await?;
    let seen = watcher.log().len();
    watcher.init().await?;
    watcher.init().await?;
    rig.settle(&mut watcher).await?;

    // A write outside the view first: had the view been reset, it would come before the one inside.
    let outside = rig.fresh(&other);
    writer.write(&other.name, &outside).await?;
    rig.settle(&mut writer).await?;
    let inside = rig.fresh(&subject);
    writer.write(&subject.name, &inside).await?;
    watcher.until(&subject.name, &inside).await?;

    for message in &watcher.log()[seen..] {
        let only_the_view =
            message.kind != "data" || message.signal_tokens()?.iter().all(|(name, _)| *name == subject.name);
        ensure(
            only_the_view,
            format!("data holds {} only", subject.name),
            shortened(&message.text),
        )?;
    }
    Ok(())
}

/// RV-3: shape of the import_answer.
pub(super) async fn types(rig: &mut Rig) -> Result<(), Stop> {
    let catalog = catalog(rig).await?;
    let (signals, types) = (object(&catalog, "signals")?, object(&catalog, "signalTypes")?);
    for (name, value) in signals {
        let kind = types.get(name).and_then(Value::as_str).and_then(Kind::of_type);
        ensure(
            kind.is_some(),
            format!("signalTypes gives {name} a type"),
            format!("{:?}", types.get(name)),
        )?;
        let fits = kind.is_some_and(|kind| kind.fits(value));
        ensure(fits, format!("the value of {name} fits {}", types[name]), value)?;
    }
    Ok(())
}

/// RV-40: the strings of the contract and no others.
pub(super) async fn type_strings(rig: &mut Rig) -> Result<(), Stop> {
    let catalog = catalog(rig).await?;
    for (name, text) in object(&catalog, "signalTypes")? {
        let known = text.as_str().and_then(Kind::of_type).is_some();
        ensure(
            known,
            "PLCInput…, PLCOutput… or a neutral type",
            format!("{name} is {text}"),
        )?;
    }
    Ok(())
}

/// RV-15: clients enumerate `signals`, so nothing may be in the types alone.
pub(super) async fn signals(rig: &mut Rig) -> Result<(), Stop> {
    let catalog = catalog(rig).await?;
    let signals = object(&catalog, "signals")?;
    for name in object(&catalog, "signalTypes")?.keys() {
        ensure(
            signals.contains_key(name),
            format!("{name} is in `signals`"),
            "it is in `signalTypes` only",
        )?;
    }
    Ok(())
}

/// RV-15: two clients and two requests see one order.
pub(super) async fn order(rig: &mut Rig) -> Result<(), Stop> {
    let mut first = rig.peer("first").await?;
    let mut second = rig.peer("second").await?;
    let once = names(&first.catalog().await?)?;
    for again in [names(&first.catalog().await?)?, names(&second.catalog().await?)?] {
        ensure(once == again, format!("the order {}", start(&once)), start(&again))?;
    }
    Ok(())
}

/// RV-20: every path of the field leads to the same server.
pub(super) async fn path(rig: &mut Rig) -> Result<(), Stop> {
    let (origin, own_path, query) = split_url(&rig.url);
    for path in PATHS {
        let url = format!("{origin}{path}{query}");
        match Peer::connect(&url, "visitor", Pace::Usual, rig.limit, &rig.transcript).await {
            Ok(mut visitor) => visitor.catalog().await.map(drop)?,
            // A path in the address under test may be there because the server accepts no other.
            Err(_) if !matches!(own_path, "" | "/") => {
                return Err(Stop::skipped(format!(
                    "{path} is refused, and a path is configured: {own_path}"
                )));
            }
            Err(stop) => return Err(stop),
        }
    }
    Ok(())
}

async fn catalog(rig: &Rig) -> Result<Message, Stop> {
    rig.peer("reader").await?.catalog().await
}

fn object<'a>(message: &'a Message, field: &str) -> Result<&'a Map<String, Value>, Stop> {
    let found = message.body.get(field).and_then(Value::as_object);
    found.ok_or_else(|| {
        Stop::failed(
            format!("{} has an object `{field}`", message.kind),
            shortened(&message.text),
        )
    })
}

fn names(catalog: &Message) -> Result<Vec<String>, Stop> {
    Ok(catalog.signal_tokens()?.into_iter().map(|(name, _)| name).collect())
}

fn start(names: &[String]) -> String {
    shortened(&names.join(", "))
}

/// Splits an address into `ws://host:port`, the path and the query with its question mark.
fn split_url(url: &str) -> (&str, &str, &str) {
    let (address, query) = url.find('?').map_or((url, ""), |at| url.split_at(at));
    let host = address.find("://").map_or(0, |at| at + 3);
    let (origin, path) = address[host..]
        .find('/')
        .map_or((address, ""), |at| address.split_at(host + at));
    (origin, path, query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_split_at_path_and_query() {
        assert_eq!(split_url("ws://h:1"), ("ws://h:1", "", ""));
        assert_eq!(split_url("ws://h:1/"), ("ws://h:1", "/", ""));
        assert_eq!(
            split_url("ws://h:1/a/b?apikey=x/y"),
            ("ws://h:1", "/a/b", "?apikey=x/y")
        );
        assert_eq!(split_url("ws://h:1?apikey=x"), ("ws://h:1", "", "?apikey=x"));
    }
}
