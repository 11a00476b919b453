//! Drops of every sort, servers that do not answer, and how the client comes back.

use super::opening::is_whole_init;
use crate::conform::client::door;
use crate::conform::client::link::{list_of, signals_of};
use crate::conform::client::stand::Stand;
use crate::conform::message::shortened;
use crate::conform::rig::{Stop, ensure};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Close code "going away".
const GOING_AWAY: u16 = 1001;
/// Close code "internal error".
const SERVER_ERROR: u16 = 1011;
/// So many attempts …
const HURRIED_ATTEMPTS: usize = 5;
/// … within less than this are faster than four per second, with a tenth for the clocks of two machines.
const HURRIED_WITHIN: Duration = Duration::from_millis(900);

/// RV-33: the verdict over every drop of the run.
pub(super) async fn comes_back(stand: &mut Stand) -> Result<(), Stop> {
    let (connections, wait) = (stand.connections, stand.options.wait);
    ensure(
        !stand.lost,
        format!("the client connects again within {wait:?} after each drop"),
        format!("nobody came after connection {connections} had ended"),
    )?;
    if connections < 2 {
        return Err(Stop::skipped("the client was not dropped"));
    }
    Ok(())
}

/// RV-33: the first data after a reconnect holds everything.
pub(super) async fn full(stand: &mut Stand) -> Result<(), Stop> {
    if stand.full().is_empty() {
        return Err(Stop::skipped("the client writes nothing by itself"));
    }
    stand.opened().await?.leave().await;
    whole_again(stand).await
}

/// RV-33: the way of a pulled cable on the other side.
pub(super) async fn reset(stand: &mut Stand) -> Result<(), Stop> {
    stand.opened().await?.reset()?;
    whole_again(stand).await
}

/// RV-33: a server that is stopped.
pub(super) async fn going_away(stand: &mut Stand) -> Result<(), Stop> {
    stand.opened().await?.close(GOING_AWAY).await?;
    whole_again(stand).await
}

/// RV-33: a server in trouble.
pub(super) async fn server_error(stand: &mut Stand) -> Result<(), Stop> {
    stand.opened().await?.close(SERVER_ERROR).await?;
    whole_again(stand).await
}

/// RV-33: nobody listens for a while.
pub(super) async fn refused(stand: &mut Stand) -> Result<(), Stop> {
    let link = stand.opened().await?;
    stand.door.shut();
    link.leave().await;
    sleep(stand.options.pauses.shut).await;
    if let Err(error) = stand.door.open() {
        stand.lost = true;
        return Err(Stop::skipped(format!(
            "the port of the suite was taken by somebody else: {error}"
        )));
    }
    whole_again(stand).await
}

/// RV-33: attempts are counted by turning each away before its upgrade.
pub(super) async fn pace(stand: &mut Stand) -> Result<(), Stop> {
    stand.opened().await?.leave().await;
    let deadline = Instant::now() + stand.options.pauses.pace;
    let mut attempts = Vec::new();
    while let Ok(accepted) = timeout_at(deadline, stand.door.accept()).await {
        let turned_away = accepted.and_then(|stream| door::reset(&stream));
        turned_away.map_err(|error| Stop::failed("the port of the suite takes connections", error))?;
        attempts.push(Instant::now());
        if let Some(earlier) = attempts.len().checked_sub(HURRIED_ATTEMPTS) {
            let within = attempts[attempts.len() - 1] - attempts[earlier];
            ensure(
                within >= HURRIED_WITHIN,
                "attempts are not faster than four per second",
                format!("{HURRIED_ATTEMPTS} within {} ms", within.as_millis()),
            )?;
        }
    }
    whole_again(stand).await
}

/// RV-33: a connection that is open and dead.
pub(super) async fn half_open(stand: &mut Stand) -> Result<(), Stop> {
    let pause = stand.options.pauses.half_open;
    stand.only_when_slow(pause)?;
    // Held and not read: its pings are not answered, and nothing comes from it.
    let dead = stand.opened().await?;
    let wait = stand.options.wait;
    stand.options.wait = pause + wait;
    let again = whole_again(stand).await;
    stand.options.wait = wait;
    drop(dead);
    if stand.lost {
        // It stayed on the dead connection, which has ended now, so it is not lost for the checks that follow.
        stand.lost = false;
        return Err(Stop::failed(
            "a client leaves a server that answers nothing and connects again",
            format!("it held on to the dead connection for {:?}", pause + wait),
        ));
    }
    again
}

/// RV-32: a server that has no catalog still streams.
pub(super) async fn no_answer(stand: &mut Stand) -> Result<(), Stop> {
    let pause = stand.options.pauses.no_answer;
    stand.only_when_slow(pause)?;
    if !stand.profile.imports {
        return Err(Stop::skipped("the client does not ask for the catalog"));
    }
    let mut link = stand.next_link().await?;
    link.expect("import_request", 0).await?;
    link.listen(pause).await?;
    link.ping().await?;
    if let Some(name) = stand.shown_all().into_iter().next() {
        let value = stand.fresh(&name);
        stand.write(&mut link, &name, &value).await?;
        stand.shows(&mut link, &name, &value).await?;
    }
    // Better late than never: it is an unasked catalog by now.
    stand.serve(&mut link).await?;
    stand.goes_on(&mut link).await?;
    link.leave().await;
    Ok(())
}

/// RV-34: an option of the client, so its absence is no fault.
pub(super) async fn keep_alive(stand: &mut Stand) -> Result<(), Stop> {
    let pause = stand.options.pauses.keep_alive;
    stand.only_when_slow(pause)?;
    let mut link = stand.opened().await?;
    let first = link.expect("init", 0).await?;
    let from = link.log().len();
    link.listen(pause).await?;
    let again: Vec<_> = link.log()[from..]
        .iter()
        .filter(|message| message.kind == "init")
        .collect();
    if again.is_empty() {
        return Err(Stop::skipped(format!(
            "no second init came within {} s: keep_alive is off, or not kept",
            pause.as_secs()
        )));
    }
    for init in again {
        is_whole_init(init)?;
        ensure(
            init.body.get("name") == first.body.get("name"),
            "a repeated `init` has the same name",
            shortened(&init.text),
        )?;
    }
    link.leave().await;
    Ok(())
}

/// The next connection, with everything that the first one had: handshake, subscription, full data.
async fn whole_again(stand: &mut Stand) -> Result<(), Stop> {
    let mut link = stand.next_link().await?;
    let first = link.await_message(0, |_| true).await?;
    ensure(
        first.as_ref().is_some_and(|first| first.kind == "init"),
        "a new connection begins with `init`",
        first.map_or_else(|| "nothing".to_owned(), |first| shortened(&first.text)),
    )?;
    link.expect("import_request", 0).await?;
    stand.serve(&mut link).await?;
    if stand.profile.subscribes {
        let subscribe = link.expect("subscribe", 0).await?;
        let asked: Option<BTreeSet<String>> = list_of(&subscribe).map(BTreeSet::from_iter);
        let before: BTreeSet<String> = stand.profile.reads.iter().cloned().collect();
        ensure(
            asked.as_ref().is_none_or(|asked| asked.is_superset(&before)),
            "a new connection subscribes to all that the first one did",
            shortened(&subscribe.text),
        )?;
    }
    let full = stand.full();
    if !full.is_empty() {
        let holds_own = |signals: &serde_json::Map<_, _>| signals.keys().any(|name| full.contains(name));
        let data = link
            .await_message(0, |message| {
                message.kind == "data" && signals_of(message).is_some_and(holds_own)
            })
            .await?;
        let missing = full
            .iter()
            .find(|name| data.as_ref().is_none_or(|data| data.signal(name).is_none()));
        ensure(
            missing.is_none(),
            "the first `data` of a new connection holds everything that the client writes",
            format!("{:?} is not in it", missing.cloned().unwrap_or_default()),
        )?;
    }
    link.leave().await;
    Ok(())
}
