//! The handshake, `seq`, replies, spoiled messages (PL-2 to PL-6).

use crate::conform::message::Message;
use crate::conform::piplc::peer::{Entry, is_about, reason};
use crate::conform::piplc::program::counts_scans;
use crate::conform::piplc::rig::Rig;
use crate::conform::rig::{Stop, ensure};
use crosstie_wire::piplc::Dialect;
use serde_json::{Value, json};

const NOTHING: Value = Value::Null;

/// Texts that are no request and have no `seq` to answer (PL-5).
const MALFORMED: &[&str] = &[
    "",
    " ",
    "null",
    "true",
    "5",
    "-",
    "\"hello\"",
    "[]",
    "[1,2]",
    "{",
    "{}",
    "}",
    "{\"type\"}",
    "{'type':'hello'}",
    "not json",
    "\u{feff}{}",
    "\0",
];

/// The members of `memoryLayout` and their numbers (PL-3). Those that only the description has come last.
const LAYOUT: &[(&str, u64)] = &[
    ("inputWords", 8),
    ("outputWords", 8),
    ("bitWords", 64),
    ("integerWords", 256),
    ("timers", 64),
    ("counters", 64),
    ("snapshotSize", 2704),
    ("timerCount", 64),
    ("counterCount", 64),
];
/// Members of the list above that the published engine has.
const LAYOUT_V01: usize = 7;

/// PL-2: nothing is done before hello.
pub(super) async fn before_hello(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.stranger("stranger").await?;
    for (seq, kind) in [(5, "engine.state"), (6, "context.list"), (7, "memory.subscribe")] {
        peer.say(json!({"type": kind, "seq": seq}).to_string()).await?;
        let reply = peer
            .find(0, format!("`{kind}` is answered"), |message| seq_is(message, seq))
            .await?;
        let text = reason(&reply).unwrap_or_default().to_lowercase();
        ensure(
            text.contains("handshake required") && text.contains("hello"),
            format!("`{kind}` before hello is refused: handshake required: send 'hello' first"),
            &reply.text,
        )?;
    }
    peer.ping().await?;
    ensure(
        !peer.log().iter().any(|entry| matches!(entry, Entry::Frame(_))),
        "no snapshot comes before hello",
        "one",
    )?;
    peer.hello().await.map(drop)
}

/// PL-2: hello may be repeated.
pub(super) async fn again(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.stranger("client").await?;
    let first = peer.hello().await?;
    let second = peer.hello().await?;
    // The plant goes on meanwhile.
    let lasting = |message: &Message| {
        let mut body = message.body.clone();
        for moving in ["seq", "engineState", "contexts"] {
            body.remove(moving);
        }
        body
    };
    ensure(
        lasting(&first) == lasting(&second),
        format!("the same answer again: {}", first.text),
        &second.text,
    )
}

/// PL-2: one version is spoken, whatever is asked for.
pub(super) async fn version(rig: &mut Rig) -> Result<(), Stop> {
    for version in [json!(0), json!(99), json!("two"), NOTHING] {
        let mut peer = rig.stranger("client").await?;
        let answered = peer.done("hello", None, &json!({"protocolVersion": version})).await?;
        ensure(
            answered.body.get("protocolVersion") == Some(&json!(1)),
            format!("a hello with protocolVersion {version} is answered with 1"),
            &answered.text,
        )?;
    }
    Ok(())
}

/// PL-2: nobody is told anything before his hello.
pub(super) async fn no_events_before(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    let mut stranger = rig.stranger("stranger").await?;
    stranger.ping().await?;
    plc.step().await?;
    plc.command_to("stop", "Stopped").await?;
    let from = plc.peer.log().len();
    stranger.hello().await?;
    let heard = stranger
        .messages_since(0)
        .find(|message| message.kind.starts_with("event."));
    ensure(
        heard.is_none(),
        "no event before the answer to hello",
        heard.map_or("", |event| &event.text),
    )?;
    let from_now = stranger.log().len();
    plc.step().await?;
    plc.peer.event("event.stateChanged", &plc.id, from).await?;
    stranger.event("event.stateChanged", &plc.id, from_now).await.map(drop)
}

/// PL-3: who the server is.
pub(super) async fn fields(rig: &mut Rig) -> Result<(), Stop> {
    let hello = rig.client("client").await?.hello().await?;
    let text = |name| (name, hello.body.get(name).is_some_and(Value::is_string));
    let list = |name| (name, hello.body.get(name).is_some_and(Value::is_array));
    let object = |name| (name, hello.body.get(name).is_some_and(Value::is_object));
    let mut members = vec![
        text("engineName"),
        text("engineState"),
        text("ioProviderName"),
        list("contexts"),
        object("ioConfig"),
        object("memoryLayout"),
    ];
    if rig.dialect == Dialect::V02 {
        members.extend([
            text("serverName"),
            text("serverVersion"),
            text("engineId"),
            list("capabilities"),
        ]);
    }
    let missing: Vec<&str> = members
        .iter()
        .filter(|(_, is_there)| !is_there)
        .map(|(name, _)| *name)
        .collect();
    ensure(
        missing.is_empty(),
        format!("hello.reply has {}", missing.join(", ")),
        &hello.text,
    )
}

/// PL-3: how much memory there is.
pub(super) async fn layout(rig: &mut Rig) -> Result<(), Stop> {
    let layout = rig.hello.get("memoryLayout").cloned().unwrap_or_default();
    let told = match rig.dialect {
        Dialect::V02 => LAYOUT,
        Dialect::V01 => &LAYOUT[..LAYOUT_V01],
    };
    for (name, number) in told {
        ensure(
            layout.get(*name) == Some(&json!(number)),
            format!("memoryLayout has {name} {number}"),
            &layout,
        )?;
    }
    Ok(())
}

/// PL-3: the contexts, the first of them being the engine that is told on top.
pub(super) async fn contexts(rig: &mut Rig) -> Result<(), Stop> {
    let hello = rig.client("client").await?.hello().await?;
    let rows = hello
        .body
        .get("contexts")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    for row in &rows {
        ensure(is_row(row), "every context has id, name, state and hasProgram", row)?;
    }
    let Some(first) = rows.first() else {
        return Err(Stop::skipped("the server has no context"));
    };
    ensure(
        first.get("state") == hello.body.get("engineState") && !rows.is_empty(),
        "engineState is the state of the first context",
        &hello.text,
    )
}

/// Whether a row of a list of contexts has its members.
pub(super) fn is_row(row: &Value) -> bool {
    let is_text = |name: &str| row.get(name).is_some_and(Value::is_string);
    let has_state = row.get("state").and_then(Value::as_str).is_some_and(is_state);
    is_text("id") && is_text("name") && has_state && row.get("hasProgram").is_some_and(Value::is_boolean)
}

pub(super) fn is_state(word: &str) -> bool {
    ["stopped", "running", "paused", "stepping", "fault"]
        .iter()
        .any(|state| word.eq_ignore_ascii_case(state))
}

/// PL-4: the number of a request comes back.
pub(super) async fn seq(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    for (said, echoed) in [
        ("", -1),
        (",\"seq\":\"7\"", -1),
        (",\"seq\":1.5", -1),
        (",\"seq\":3000000000", -1),
        (",\"seq\":null", -1),
        (",\"seq\":0", 0),
        (",\"seq\":-7", -7),
        (",\"seq\":2147483647", 2_147_483_647),
        (",\"seq\":-2147483648", -2_147_483_648),
    ] {
        peer.say(format!("{{\"type\":\"engine.state\"{said}}}")).await?;
        peer.reply("engine.state", echoed).await?;
    }
    Ok(())
}

/// PL-4: queries are answered once each, with what a reply has.
pub(super) async fn queries(rig: &mut Rig) -> Result<(), Stop> {
    let first = rig.first_context()?;
    let mut peer = rig.client("client").await?;
    for kind in [
        "engine.state",
        "engine.statistics",
        "engine.info",
        "context.list",
        "route.list",
    ] {
        let reply = peer.done(kind, None, &NOTHING).await?;
        ensure(
            !kind.starts_with("engine.") || is_about(&reply, &first),
            format!("the reply to `{kind}` names the context {first}"),
            &reply.text,
        )?;
    }
    // A second answer would come before this one.
    peer.done("engine.state", None, &NOTHING).await.map(drop)
}

/// PL-4: every request that changes something is answered once, with its type and its context.
pub(super) async fn replies(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    let bit = Value::Object(crate::conform::piplc::peer::target(rig.dialect, "B:0/0"));
    for (kind, fields) in [
        ("memory.forceBit", with_value(&bit)),
        ("memory.unforceBit", bit.clone()),
        ("memory.clearAllForces", NOTHING),
        ("memory.subscribe", json!({"intervalMs": 5000})),
        ("memory.unsubscribe", NOTHING),
        ("breakpoint.set", json!({"rungIndex": 0})),
        ("breakpoint.remove", json!({"rungIndex": 0})),
        ("breakpoint.clearAll", NOTHING),
        ("program.upload", NOTHING),
        ("program.clear", NOTHING),
    ] {
        let reply = plc.done(kind, &fields).await?;
        ensure(
            is_about(&reply, &plc.id),
            format!("the reply to `{kind}` names its context {}", plc.id),
            &reply.text,
        )?;
    }
    plc.state().await.map(drop)
}

fn with_value(target: &Value) -> Value {
    let mut fields = target.clone();
    fields["value"] = json!(true);
    fields
}

/// PL-4: commands tell the state.
pub(super) async fn command_states(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    for (command, state) in [
        ("start", "Running"),
        ("pause", "Paused"),
        ("resume", "Running"),
        ("stop", "Stopped"),
        ("stepScan", "Paused"),
        ("stepRung", "Paused"),
        ("reset", "Stopped"),
    ] {
        let reply = plc.command(command).await?;
        let told = reply.body.get("state").and_then(Value::as_str);
        match rig.dialect {
            Dialect::V02 => ensure(
                told == Some(state),
                format!("`engine.{command}` tells the state {state}"),
                &reply.text,
            )?,
            // compat: PL-9, the state comes as an event only.
            Dialect::V01 => plc.until_state(state).await?,
        }
    }
    Ok(())
}

/// PL-4: first the reply, then what it has brought about.
pub(super) async fn order(rig: &mut Rig) -> Result<(), Stop> {
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    for (command, state) in [
        ("start", "Running"),
        ("stop", "Stopped"),
        ("start", "Running"),
        ("reset", "Stopped"),
    ] {
        // Statistics of the running engine are about no command.
        let from = plc.peer.log().len();
        let reply = plc.command(command).await?;
        let before = plc
            .peer
            .messages_since(from)
            .take_while(|message| message.text != reply.text);
        let early = before
            .into_iter()
            .find(|message| message.kind == "event.stateChanged" && is_about(message, &plc.id));
        let early = early.map(|message| message.text.clone());
        ensure(
            early.is_none(),
            format!("the reply to `engine.{command}` comes before its event"),
            early.unwrap_or_default(),
        )?;
        let event = plc.peer.event("event.stateChanged", &plc.id, from).await?;
        ensure(
            state_is(&event, state),
            format!("event.stateChanged tells {state}"),
            &event.text,
        )?;
    }
    Ok(())
}

/// Whether a message tells a state, however it is spelled.
pub(super) fn state_is(message: &Message, state: &str) -> bool {
    let told = message.body.get("state").and_then(Value::as_str);
    told.is_some_and(|told| told.eq_ignore_ascii_case(state))
}

fn seq_is(message: &Message, seq: i64) -> bool {
    message.body.get("seq").and_then(Value::as_i64) == Some(seq) && message.kind.ends_with(".reply")
}

/// PL-5: texts that are no request.
pub(super) async fn malformed(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    for text in MALFORMED {
        peer.say(*text).await?;
        peer.done("engine.state", None, &NOTHING).await?;
    }
    Ok(())
}

/// PL-5: what can be answered is.
pub(super) async fn answered_errors(rig: &mut Rig) -> Result<(), Stop> {
    if rig.dialect == Dialect::V01 {
        return Err(Stop::skipped("dialect 0.1 takes what is missing for a default"));
    }
    let mut plc = rig.plc(&[counts_scans(0)]).await?;
    for (kind, fields) in [
        ("breakpoint.set", json!({})),
        ("memory.forceBit", json!({"value": true})),
        ("program.download", json!({"data": 5})),
        ("engine.state", json!({"contextId": 5})),
    ] {
        plc.refused(kind, &fields).await?;
    }
    plc.state().await.map(drop)
}

/// PL-5: a type that the protocol does not have.
pub(super) async fn unknown_type(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    peer.say(r#"{"type":"nonsense"}"#).await?;
    let from = peer.log().len();
    peer.say(r#"{"type":"nonsense","seq":77}"#).await?;
    let seq = peer.request("engine.state", None, &NOTHING).await?;
    let is_last = |message: &Message| seq_is(message, seq);
    peer.find(
        from,
        "engine.state is answered behind an unknown type".to_owned(),
        is_last,
    )
    .await?;
    let answers: Vec<&Message> = peer
        .messages_since(from)
        .filter(|message| message.kind.ends_with(".reply"))
        .collect();
    let right = match (rig.dialect, answers.as_slice()) {
        (Dialect::V02, [first, _]) => seq_is(first, 77) && reason(first).is_some(),
        // compat: PL-9, the published engine is silent about what it does not know.
        (Dialect::V01, [_]) => true,
        _ => false,
    };
    let got: Vec<&str> = answers.iter().map(|message| message.text.as_str()).collect();
    ensure(
        right,
        "one error reply to the unknown type with a seq, in dialect 0.1 none",
        got.join(" "),
    )
}

/// PL-5: binary frames of a client.
pub(super) async fn binary(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    for payload in [&b""[..], b"\x4D\x45\x4D\x50", b"{\"type\":\"engine.state\"}"] {
        peer.say_binary(payload).await?;
        peer.done("engine.state", None, &NOTHING).await?;
    }
    Ok(())
}

/// PL-6: no context means the first.
pub(super) async fn first_context(rig: &mut Rig) -> Result<(), Stop> {
    let first = rig.first_context()?;
    let mut peer = rig.client("client").await?;
    for context in [None, Some(""), Some(first.as_str())] {
        let reply = peer.done("engine.state", context, &NOTHING).await?;
        ensure(
            is_about(&reply, &first),
            format!("the first context, {first}"),
            &reply.text,
        )?;
    }
    Ok(())
}

/// PL-6: a context that is none.
pub(super) async fn unknown_context(rig: &mut Rig) -> Result<(), Stop> {
    let mut peer = rig.client("client").await?;
    for kind in ["engine.state", "engine.info", "memory.subscribe", "program.upload"] {
        let error = peer.refused(kind, Some("no such context"), &NOTHING).await?;
        ensure(
            error.to_lowercase().contains("unknown context") && error.contains("no such context"),
            format!("`{kind}` is refused: unknown context 'no such context'"),
            error,
        )?;
    }
    Ok(())
}
