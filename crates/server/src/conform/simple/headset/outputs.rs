//! What the simulation shows its players (SI-38, SI-39).

use crate::conform::message::shortened;
use crate::conform::peer::Pace;
use crate::conform::rig::{Stop, ensure};
use crate::conform::simple::peer::{Heard, How, Peer};
use crate::conform::simple::rig::{CALM_HEARTBEAT_MS, Player, Rig, in_game, settle_headset};
use serde_json::json;

/// Worlds for the slow headset: together far more than the system keeps for a socket.
const WORLDS: usize = 120;
/// Length of each of them, in bytes.
const WORLD_LEN: usize = 256 * 1024;
/// Worlds between two pings of the slow headset.
const WORLDS_PER_PING: usize = 10;

/// Contents that a parser would write otherwise than they stand here.
const CONTENTS: &[&str] = &[
    r#"{"precision":1000,"world":[1,2]}"#,
    r#"{ "zeta" : 1.0 , "alpha":[ 1e3,-0.0,1E-7 ] }"#,
    r#"{"b":1,"a":2,"b":3}"#,
    r#"{"text":"\u00e9\/é\u2028","empty":""}"#,
    r#"{"big":12345678901234567890,"exact":0.1000000000000000055511151231257827}"#,
    "null",
    "[1, 2 ,3]",
    r#""text""#,
    "{}",
    "{\"pointsLoc\":[\n\t{\"c\":[1,2,3]}\n]}",
];

fn is_output(heard: &Heard) -> bool {
    heard.kind() == "json_output"
}

/// The text of an output whose contents are these.
fn output_of(contents: &str) -> String {
    format!(r#"{{"contents":{contents},"type":"json_output"}}"#)
}

/// The next output is exactly this one.
async fn gets(player: &mut Player, contents: &str) -> Result<(), Stop> {
    let heard = player.peer.next("json_output", is_output).await?;
    let expected = output_of(contents);
    ensure(heard.text == expected, shortened(&expected), shortened(&heard.text))
}

/// The next output is that which closes a check: nothing came before it.
async fn only_mark(rig: &Rig, player: &mut Player) -> Result<(), Stop> {
    let mark = r#"{"mark":true}"#;
    let id = json!(player.id);
    rig.stage()?
        .output(&format!(r#"{{"contents":[{{"id":[{id}],"contents":{mark}}}]}}"#))
        .await?;
    gets(player, mark).await
}

/// SI-38: nothing is written anew.
pub(super) async fn bytes(rig: &mut Rig) -> Result<(), Stop> {
    let (_monitor, mut player) = rig.game().await?;
    let id = json!(player.id);
    for contents in CONTENTS {
        rig.stage()?
            .output(&format!(
                r#"{{"type":"output","contents":[{{"id":[{id}],"contents":{contents}}}]}}"#
            ))
            .await?;
        gets(&mut player, contents).await?;
    }
    Ok(())
}

/// SI-38: who gets what, and when.
pub(super) async fn order(rig: &mut Rig) -> Result<(), Stop> {
    if rig.by_address {
        rig.own_address()?;
    }
    let (_monitor, mut first) = rig.game().await?;
    let mut second = rig.player("second").await?;
    in_game(&mut second, true).await?;
    let (one, two) = (json!(first.id), json!(second.id));
    let content = format!(
        r#"{{"contents":[{{"id":[{one}],"contents":{{"n":1}}}},{{"contents":{{"n":2}},"id":[{two},{one},"nobody"]}},{{"id":[],"contents":{{"n":3}}}},{{"id":["nobody"],"contents":{{"n":4}}}},{{"id":[{one},{two}],"contents":{{"n":5}}}}]}}"#
    );
    rig.stage()?.output(&content).await?;
    for contents in [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":5}"#] {
        gets(&mut first, contents).await?;
    }
    for contents in [r#"{"n":2}"#, r#"{"n":5}"#] {
        gets(&mut second, contents).await?;
    }
    only_mark(rig, &mut first).await?;
    only_mark(rig, &mut second).await
}

/// SI-38, GA-7: what cannot be read.
pub(super) async fn spoiled(rig: &mut Rig) -> Result<(), Stop> {
    let (_monitor, mut player) = rig.game().await?;
    let id = json!(player.id);
    for content in [
        "",
        "not json",
        "{}",
        "null",
        "[]",
        "{\"contents\":",
        r#"{"contents":{}}"#,
        r#"{"contents":[]}"#,
    ] {
        rig.stage()?.output(content).await?;
    }
    for broken in [
        format!(r#"{{"id":{id},"contents":{{"bad":1}}}}"#),
        r#"{"contents":{"bad":2}}"#.to_owned(),
        r#"{"id":null,"contents":{"bad":3}}"#.to_owned(),
    ] {
        let content = format!(r#"{{"contents":[{broken},{{"id":[{id}],"contents":{{"good":1}}}}]}}"#);
        rig.stage()?.output(&content).await?;
        gets(&mut player, r#"{"good":1}"#).await?;
    }
    rig.stage()?.say("{broken").await?;
    rig.stage()?.say(r#"{"type":"Whatever","content":""}"#).await?;
    only_mark(rig, &mut player).await
}

/// SI-38, GA-7: an answer with contents.
pub(super) async fn answer(rig: &mut Rig) -> Result<(), Stop> {
    let (_monitor, mut player) = rig.game().await?;
    let id = json!(player.id);
    let answer = format!(
        r#"{{"type":"CommandExecutedSuccessfully","content":"","command":{{"type":"ask","exp_id":"0"}},"contents":[{{"id":[{id}],"contents":{{"rows": [1.0]}}}}]}}"#
    );
    rig.stage()?.say(answer).await?;
    gets(&mut player, r#"{"rows": [1.0]}"#).await
}

/// GA-7: for the log view.
pub(super) async fn console(rig: &mut Rig) -> Result<(), Stop> {
    let (_monitor, mut player) = rig.game().await?;
    let gama = rig.stage()?;
    let line = json!({"message": "conform", "color": {"red": 0, "green": 0, "blue": 0, "alpha": 255}});
    gama.say(json!({"type": "SimulationOutput", "content": line, "exp_id": "0"}).to_string())
        .await?;
    only_mark(rig, &mut player).await
}

/// SI-39: one headset reads nothing for a while.
pub(super) async fn slow(rig: &mut Rig) -> Result<(), Stop> {
    if rig.by_address {
        rig.own_address()?;
    }
    let (_monitor, mut neighbour) = rig.game().await?;
    let how = How {
        from: rig.fresh_address(),
        pace: Pace::Slow,
        ..How::named("slow")
    };
    let id = rig.fresh_id();
    let mut slow = rig.join(how, id, json!(CALM_HEARTBEAT_MS)).await?;
    in_game(&mut slow, true).await?;
    let filling = " ".repeat(WORLD_LEN);
    let (slow_id, quick_id) = (json!(slow.id), json!(neighbour.id));
    for number in 0..WORLDS {
        let content = format!(
            r#"{{"contents":[{{"id":[{slow_id}],"contents":{{"n":{number},{filling}"end":1}}}},{{"id":[{quick_id}],"contents":{{"n":{number}}}}}]}}"#
        );
        rig.stage()?.output(&content).await?;
        // The neighbour keeps pace with every world: nobody waits for the slow one.
        gets(&mut neighbour, &format!(r#"{{"n":{number}}}"#)).await?;
        if number % WORLDS_PER_PING == 0 {
            slow.peer
                .tell(&json!({"type": "ping", "id": format!("ping {number}")}))
                .await?;
        }
    }
    settle_headset(&mut neighbour.peer, "all worlds").await?;
    let last = WORLDS - 1;
    slow.peer
        .next("the newest world", |heard| {
            is_output(heard) && heard.value["contents"]["n"] == last
        })
        .await?;
    settle_headset(&mut slow.peer, "in the end").await?;
    look_at_what_came(&slow.peer)
}

fn look_at_what_came(peer: &Peer) -> Result<(), Stop> {
    let worlds: Vec<u64> = peer
        .log()
        .iter()
        .filter(|heard| is_output(heard))
        .filter_map(|heard| heard.value["contents"]["n"].as_u64())
        .collect();
    ensure(worlds.is_sorted(), "worlds in their order", format!("{worlds:?}"))?;
    ensure(
        worlds.len() < WORLDS,
        format!("fewer than {WORLDS} worlds of {WORLD_LEN} bytes: a queue has an end"),
        "all of them",
    )?;
    let pongs: Vec<&str> = peer
        .log()
        .iter()
        .filter(|heard| heard.kind() == "pong")
        .filter_map(|heard| heard.value["id"].as_str())
        .filter(|id| id.starts_with("ping "))
        .collect();
    let expected: Vec<String> = (0..WORLDS)
        .step_by(WORLDS_PER_PING)
        .map(|number| format!("ping {number}"))
        .collect();
    ensure(pongs == expected, "every pong, in order", format!("{pongs:?}"))
}
