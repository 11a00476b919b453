//! Nasty input: a table of frames and texts that no peer should send, each beside clients that must not notice.
//!
//! Every row is written by a client of bare TCP, because a WebSocket library would refuse to send most of them. Beside it a
//! writer counts and a watcher follows: after each row the watcher must still be connected and get the next number.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use crate::wrong_server::WrongServer;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long any single answer may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Limit of one frame, in bytes (RV-51).
const FRAME_LEN_MAX: usize = 16 << 20;
/// Stands in a text for the name of the signal that the writer counts with.
const COUNTER: &str = "@COUNTER@";

const FIN: u8 = 0x80;
const CONTINUE: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// What becomes of the connection that was nasty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// It lives: the contract says so, or nothing forbids the input.
    Lives,
    /// The server ends it: the WebSocket protocol or a limit says so.
    Ends,
    /// Both are right, as long as nobody else notices.
    Either,
    /// The client is gone in the middle.
    Leaves,
}

/// One row of the table.
struct Nasty {
    name: String,
    /// The bytes on the TCP connection after the upgrade.
    wire: Vec<u8>,
    after: After,
}

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Sends every row to the realvirtual server at `url` (`ws://host:port/path`), each on a connection of its own.
///
/// The server needs one int signal that a peer may write and that nobody else writes.
///
/// # Panics
/// When the watcher misses a number or is disconnected, or when a connection's fate is not the row's.
pub(crate) async fn run_all(url: &str) {
    let (mut writer, _) = connect_async(url).await.unwrap();
    let counter = writable_int(&mut writer).await;
    let (mut watcher, _) = connect_async(url).await.unwrap();
    let subscribe = json!({"type": "subscribe", "version": 2, "subscribe": [counter]}).to_string();
    ask(&mut watcher, &subscribe, "snapshot").await;

    for (count, nasty) in (1_000..).zip(table(&counter)) {
        let mut raw = Raw::connect(url).await;
        let taken = raw.send(&nasty.wire).await;
        match nasty.after {
            After::Lives => {
                assert!(
                    taken && raw.is_alive().await,
                    "{}: the connection should live",
                    nasty.name
                );
            }
            After::Ends => assert!(raw.ends().await, "{}: the connection should end", nasty.name),
            After::Either => {
                raw.is_alive().await;
            }
            After::Leaves => drop(raw),
        }
        say(
            &mut writer,
            &json!({"type": "data", "version": 2, "signals": {counter.as_str(): count}}).to_string(),
        )
        .await;
        follow(&mut watcher, &counter, count, &nasty.name).await;
    }
    for strange in before_the_upgrade() {
        let mut stream = TcpStream::connect(address(url).0).await.unwrap();
        // The server may hang up in the middle, which is a good answer.
        let _ = stream.write_all(&strange).await;
    }
    say(
        &mut writer,
        &json!({"type": "data", "version": 2, "signals": {counter.as_str(): 1}}).to_string(),
    )
    .await;
    follow(&mut watcher, &counter, 1, "bytes in place of an upgrade").await;
}

/// Sends one message and gives the first answer of this type.
pub(crate) async fn ask(socket: &mut Client, text: &str, kind: &str) -> Value {
    say(socket, text).await;
    loop {
        let message = hear(socket, kind).await;
        if message["type"] == kind {
            return message;
        }
    }
}

async fn say(socket: &mut Client, text: &str) {
    timeout(LIMIT, socket.send(Message::text(text))).await.unwrap().unwrap();
}

async fn hear(socket: &mut Client, why: &str) -> Value {
    loop {
        let read = timeout(LIMIT, socket.next())
            .await
            .unwrap_or_else(|_| panic!("nothing came: {why}"));
        match read {
            Some(Ok(Message::Text(text))) => {
                let message: Value =
                    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}: {why}"));
                assert!(message.is_object(), "{text}: {why}");
                return message;
            }
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            other => panic!("a bystander was disturbed: {other:?}: {why}"),
        }
    }
}

async fn follow(watcher: &mut Client, counter: &str, count: i64, why: &str) {
    while hear(watcher, why).await["signals"][counter] != json!(count) {}
}

/// Finds an int that keeps what a peer writes.
async fn writable_int(socket: &mut Client) -> String {
    const IMPORT: &str = r#"{"type":"import_request","version":2}"#;
    let catalog = ask(socket, IMPORT, "import_answer").await;
    let types = catalog["signalTypes"].as_object().unwrap();
    let ints = types
        .iter()
        .filter(|(_, kind)| kind.as_str().is_some_and(|kind| kind.ends_with("Int")));
    for (name, _) in ints {
        say(
            socket,
            &json!({"type": "data", "version": 2, "signals": {name.as_str(): 900}}).to_string(),
        )
        .await;
        if ask(socket, IMPORT, "import_answer").await["signals"][name] == json!(900) {
            return name.clone();
        }
    }
    panic!("the server has no int that a peer may write");
}

/// A WebSocket client without a WebSocket library.
struct Raw {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Raw {
    async fn connect(url: &str) -> Raw {
        let (address, path) = address(url);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut raw = Raw {
            stream,
            unread: Vec::new(),
        };
        loop {
            let end = raw.unread.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                assert!(
                    raw.unread.starts_with(b"HTTP/1.1 101"),
                    "{}",
                    String::from_utf8_lossy(&raw.unread)
                );
                raw.unread.drain(..end + 4);
                return raw;
            }
            assert!(raw.read_more().await, "the upgrade is refused");
        }
    }

    /// Writes bytes as they are; `false` when the server does not take them all.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        matches!(timeout(LIMIT, self.stream.write_all(bytes)).await, Ok(Ok(())))
    }

    /// Whether a ping is answered by its pong.
    async fn is_alive(&mut self) -> bool {
        const PAYLOAD: &[u8] = b"still there";
        if !self.send(&frame(FIN | PING, PAYLOAD)).await {
            return false;
        }
        loop {
            match self.read_frame().await {
                Some((opcode, payload)) if opcode == PONG && payload == PAYLOAD => return true,
                Some((opcode, _)) if opcode != CLOSE => {}
                _ => return false,
            }
        }
    }

    /// Whether the server closes, by a close frame or by the end of the connection.
    async fn ends(&mut self) -> bool {
        loop {
            match self.read_frame().await {
                Some((opcode, _)) if opcode != CLOSE => {}
                _ => return true,
            }
        }
    }

    /// Opcode and payload of the next frame; `None` at the end of the connection.
    async fn read_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((header_len, len)) = frame_lens(&self.unread)
                && self.unread.len() >= header_len + len
            {
                let opcode = self.unread[0] & 0x0F;
                let payload = self.unread[header_len..header_len + len].to_vec();
                self.unread.drain(..header_len + len);
                return Some((opcode, payload));
            }
            if !self.read_more().await {
                return None;
            }
        }
    }

    async fn read_more(&mut self) -> bool {
        let read = timeout(LIMIT, self.stream.read_buf(&mut self.unread)).await;
        matches!(read.expect("the server answers or hangs up"), Ok(1..))
    }
}

/// Length of header and payload of an unmasked frame, as far as they are there.
fn frame_lens(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.get(1)? {
        126 => Some((4, u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()).into())),
        127 => Some((10, u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap()) as usize)),
        len => Some((2, len.into())),
    }
}

/// Address and path of `ws://address/path`.
fn address(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("ws://").unwrap();
    rest.find('/').map_or((rest, "/"), |at| rest.split_at(at))
}

/// A masked frame of a client: first byte as given, shortest length form.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5A, 0x01, 0xFF, 0x80];
    let mut bytes = head(first, payload.len());
    bytes.extend_from_slice(&MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// First byte and masked length of a frame, without its mask.
fn head(first: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![first];
    match len {
        0..126 => bytes.push(0x80 | len as u8),
        126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    bytes
}

/// Several frames one behind the other.
fn frames(parts: &[(u8, &[u8])]) -> Vec<u8> {
    parts
        .iter()
        .flat_map(|(first, payload)| frame(*first, payload))
        .collect()
}

fn data(entries: &str) -> String {
    format!(r#"{{"type":"data","version":2,"signals":{{{entries}}}}}"#)
}

/// All rows, with the counter's name put in.
fn table(counter: &str) -> Vec<Nasty> {
    let mut rows = Vec::new();
    for (name, text) in texts().into_iter().chain(truncations()) {
        let wire = frame(FIN | TEXT, text.replace(COUNTER, counter).as_bytes());
        rows.push(Nasty {
            name,
            wire,
            after: After::Lives,
        });
    }
    rows.extend(odd_frames().into_iter().map(|(name, wire, after)| Nasty {
        name: name.to_owned(),
        wire,
        after,
    }));
    rows
}

/// A good message cut after every byte.
fn truncations() -> impl Iterator<Item = (String, String)> {
    let whole = data(r#""nobody":-1.5e2,"nobody else":"a\u00fc""#);
    (1..whole.len()).map(move |len| (format!("cut after {len} bytes"), whole[..len].to_owned()))
}

/// Texts, each in one good frame. RV-50: the connection lives.
fn texts() -> Vec<(String, String)> {
    let deep = 10_000;
    let rows: Vec<(&str, String)> = vec![
        ("empty", String::new()),
        ("white space", " \r\n\t ".into()),
        ("null", "null".into()),
        ("true", "true".into()),
        ("a number", "5".into()),
        ("a string", "\"data\"".into()),
        ("an array", "[]".into()),
        (
            "an array of messages",
            r#"[{"type":"init"},{"type":"import_request"}]"#.into(),
        ),
        ("an empty object", "{}".into()),
        ("two objects", "{}{}".into()),
        ("something behind the object", r#"{"type":"init"} x"#.into()),
        ("byte order mark", "\u{feff}{\"type\":\"init\"}".into()),
        ("NUL", "\0".into()),
        ("NUL behind the object", "{\"type\":\"init\"}\0".into()),
        ("single quotes", "{'type':'init'}".into()),
        ("comment", "{/*x*/\"type\":\"init\"}".into()),
        ("trailing comma", r#"{"type":"init",}"#.into()),
        ("key without quotes", "{type:\"init\"}".into()),
        ("line break in a string", "{\"type\":\"in\nit\"}".into()),
        ("type null", r#"{"type":null}"#.into()),
        ("type a number", r#"{"type":5}"#.into()),
        ("type nested", r#"{"type":{"type":"data"}}"#.into()),
        ("type an array", r#"{"type":["data"]}"#.into()),
        ("type twice", r#"{"type":"init","type":"data"}"#.into()),
        ("type of 1 MB", format!(r#"{{"type":"{}"}}"#, "t".repeat(1 << 20))),
        ("type with NUL", r#"{"type":"data\u0000"}"#.into()),
        ("type in capitals", r#"{"type":"DATA","signals":{}}"#.into()),
        ("tag for type", r#"{"tag":"data","signals":{}}"#.into()),
        ("version a string", r#"{"type":"init","version":"2"}"#.into()),
        (
            "version huge",
            r#"{"type":"init","version":99999999999999999999}"#.into(),
        ),
        ("version nested", r#"{"type":"init","version":{"major":2}}"#.into()),
        (
            "name of 1 MB",
            format!(r#"{{"type":"init","version":2,"name":"{}"}}"#, "n".repeat(1 << 20)),
        ),
        ("name an object", r#"{"type":"init","version":2,"name":{}}"#.into()),
        (
            "name with controls",
            r#"{"type":"init","version":2,"name":"a\u0000\u001b[31m\r\n"}"#.into(),
        ),
        ("signals null", r#"{"type":"data","signals":null}"#.into()),
        ("signals an array", r#"{"type":"data","signals":[1,2]}"#.into()),
        ("signals a string", r#"{"type":"data","signals":"x"}"#.into()),
        (
            "signals twice",
            r#"{"type":"data","signals":{"a":1},"signals":{"b":2}}"#.into(),
        ),
        ("signals missing", r#"{"type":"data"}"#.into()),
        ("value null", data(r#""@COUNTER@":null"#)),
        ("value an array", data(r#""@COUNTER@":[1,[2]]"#)),
        ("value an object", data(r#""@COUNTER@":{"a":{}}"#)),
        ("value 1e999", data(r#""@COUNTER@":1e999"#)),
        ("value -1e999", data(r#""@COUNTER@":-1e999"#)),
        ("value 1e-999", data(r#""@COUNTER@":1e-999"#)),
        (
            "value of 400 digits",
            data(&format!(r#""@COUNTER@":{}"#, "9".repeat(400))),
        ),
        (
            "value of 400 decimals",
            data(&format!(r#""@COUNTER@":0.{}"#, "3".repeat(400))),
        ),
        (
            "value with a huge exponent",
            data(r#""@COUNTER@":1e99999999999999999999"#),
        ),
        ("value with a leading zero", data(r#""@COUNTER@":01"#)),
        ("value with a plus", data(r#""@COUNTER@":+1"#)),
        ("value without digits behind the point", data(r#""@COUNTER@":1."#)),
        ("value hexadecimal", data(r#""@COUNTER@":0x10"#)),
        ("value NaN", data(r#""@COUNTER@":NaN"#)),
        ("value Infinity", data(r#""@COUNTER@":Infinity"#)),
        ("value a minus", data(r#""@COUNTER@":-"#)),
        (
            "value a numeric string of 400 digits",
            data(&format!(r#""@COUNTER@":"{}""#, "9".repeat(400))),
        ),
        ("value the string NaN", data(r#""@COUNTER@":"NaN""#)),
        (
            "value a string of 1 MB",
            data(&format!(r#""@COUNTER@":"{}""#, "1".repeat(1 << 20))),
        ),
        ("value a lone surrogate", data(r#""@COUNTER@":"\ud800""#)),
        ("value a reversed surrogate pair", data(r#""@COUNTER@":"\udc00\ud800""#)),
        ("value an escape that is none", data(r#""@COUNTER@":"\x41""#)),
        ("name a lone surrogate", data(r#""\udfff":1"#)),
        ("name empty", data(r#""":1"#)),
        ("name with NUL", data("\"a\\u0000b\":1")),
        ("name of slashes", data(r#""////..//":1"#)),
        ("name of 1 MB in data", data(&format!(r#""{}":1"#, "n".repeat(1 << 20)))),
        (
            "the counter 10,000 times",
            data(&vec![r#""@COUNTER@":2"#; 10_000].join(",")),
        ),
        ("arrays 10,000 deep", "[".repeat(deep)),
        (
            "closed arrays 10,000 deep",
            format!("{}{}", "[".repeat(deep), "]".repeat(deep)),
        ),
        ("objects 10,000 deep", r#"{"a":"#.repeat(deep)),
        (
            "a value 10,000 deep",
            data(&format!(r#""@COUNTER@":{}1{}"#, "[".repeat(deep), "]".repeat(deep))),
        ),
        (
            "an unknown field 10,000 deep",
            format!(r#"{{"x":{}{},"type":"init"}}"#, "[".repeat(deep), "]".repeat(deep)),
        ),
        ("subscribe a number", r#"{"type":"subscribe","subscribe":5}"#.into()),
        ("subscribe a string", r#"{"type":"subscribe","subscribe":"a"}"#.into()),
        (
            "subscribe an object",
            r#"{"type":"subscribe","subscribe":{"a":1}}"#.into(),
        ),
        (
            "subscribe of numbers",
            r#"{"type":"subscribe","subscribe":[1,null,[],{}]}"#.into(),
        ),
        (
            "subscribe twice",
            r#"{"type":"subscribe","subscribe":[],"subscribe":null}"#.into(),
        ),
        (
            "subscribe a name of 1 MB",
            format!(r#"{{"type":"subscribe","subscribe":["{}"]}}"#, "n".repeat(1 << 20)),
        ),
        (
            "subscribe a name with NUL",
            r#"{"type":"subscribe","subscribe":["\u0000"]}"#.into(),
        ),
        (
            "import_answer of nonsense",
            r#"{"type":"import_answer","signals":[],"signalTypes":5}"#.into(),
        ),
        (
            "import_answer with odd types",
            r#"{"type":"import_answer","signals":{"q":{}},"signalTypes":{"q":"PLCIn"}}"#.into(),
        ),
        (
            "snapshot from a client",
            r#"{"type":"snapshot","signals":{"@COUNTER@":3}}"#.into(),
        ),
        ("config_set without config", r#"{"type":"config_set"}"#.into()),
        ("config_set an array", r#"{"type":"config_set","config":[1]}"#.into()),
        (
            "config_set nonsense",
            r#"{"type":"config_set","config":{"":{},"\u0000":[null]}}"#.into(),
        ),
        (
            "config_result from a client",
            r#"{"type":"config_result","success":"yes","message":5}"#.into(),
        ),
        ("a frame of white space at the limit", " ".repeat(FRAME_LEN_MAX)),
    ];
    rows.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}

/// Frames, fragments and lengths.
fn odd_frames() -> Vec<(&'static str, Vec<u8>, After)> {
    let init = br#"{"type":"init","version":2,"name":"nasty"}"#;
    let many_names = format!(
        r#"{{"type":"subscribe","subscribe":[{}]}}"#,
        vec![r#""name""#; 200_000].join(",")
    );
    let distinct: Vec<String> = (0..200_000).map(|number| format!("\"n{number}\"")).collect();
    let distinct = format!(r#"{{"type":"subscribe","subscribe":[{}]}}"#, distinct.join(","));
    let half = FRAME_LEN_MAX / 2 + 1;
    let mut unmasked = vec![FIN | TEXT, init.len() as u8];
    unmasked.extend_from_slice(init);
    let mut long_form = vec![FIN | TEXT, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0];
    long_form.extend_from_slice(b"{}");
    let empties: Vec<(u8, &[u8])> = vec![(CONTINUE, b""); 1_000];
    let pings: Vec<(u8, &[u8])> = vec![(FIN | PING, b"x"); 1_000];
    let close = |code: u16| frame(FIN | CLOSE, &code.to_be_bytes());
    vec![
        (
            "200,000 times one name",
            frame(FIN | TEXT, many_names.as_bytes()),
            After::Either,
        ),
        ("200,000 names", frame(FIN | TEXT, distinct.as_bytes()), After::Either),
        ("binary, empty", frame(FIN | BINARY, b""), After::Lives),
        ("binary with a message", frame(FIN | BINARY, init), After::Lives),
        (
            "binary of 1 MB",
            frame(FIN | BINARY, &vec![0xFF; 1 << 20]),
            After::Lives,
        ),
        (
            "binary in fragments",
            frames(&[(BINARY, b"\0"), (FIN | CONTINUE, b"\xFF")]),
            After::Lives,
        ),
        (
            "text of invalid UTF-8",
            frame(FIN | TEXT, b"{\"type\":\"\xFF\"}"),
            After::Ends,
        ),
        (
            "text that ends within a character",
            frame(FIN | TEXT, b"\"\xE2\x82"),
            After::Ends,
        ),
        (
            "text with an encoded surrogate",
            frame(FIN | TEXT, b"\"\xED\xA0\x80\""),
            After::Ends,
        ),
        (
            "invalid UTF-8 in a fragment",
            frames(&[(TEXT, b"\"\xFF"), (FIN | CONTINUE, b"\"")]),
            After::Ends,
        ),
        (
            "a character in two fragments",
            frames(&[(TEXT, b"\"\xC3"), (FIN | CONTINUE, b"\xBC\"")]),
            After::Lives,
        ),
        (
            "fragments with a ping between",
            frames(&[(TEXT, &init[..7]), (FIN | PING, b"p"), (FIN | CONTINUE, &init[7..])]),
            After::Lives,
        ),
        (
            "fragments with a pong between",
            frames(&[(TEXT, &init[..1]), (FIN | PONG, b""), (FIN | CONTINUE, &init[1..])]),
            After::Lives,
        ),
        (
            "1,000 empty fragments",
            [frame(TEXT, b"{"), frames(&empties), frame(FIN | CONTINUE, b"}")].concat(),
            After::Lives,
        ),
        ("1,000 pings", frames(&pings), After::Lives),
        ("pong that nobody asked for", frame(FIN | PONG, b"?"), After::Lives),
        ("ping of 125 bytes", frame(FIN | PING, &[7; 125]), After::Lives),
        ("ping of 126 bytes", frame(FIN | PING, &[7; 126]), After::Ends),
        (
            "ping in fragments",
            frames(&[(PING, b"a"), (FIN | CONTINUE, b"b")]),
            After::Ends,
        ),
        (
            "continuation without a start",
            frame(FIN | CONTINUE, b"{}"),
            After::Ends,
        ),
        (
            "unfinished continuation without a start",
            frame(CONTINUE, b"{}"),
            After::Ends,
        ),
        (
            "text within a fragmented text",
            frames(&[(TEXT, b"{"), (FIN | TEXT, b"{}")]),
            After::Ends,
        ),
        (
            "binary within a fragmented text",
            frames(&[(TEXT, b"{"), (FIN | BINARY, b"{}")]),
            After::Ends,
        ),
        ("first reserved bit", frame(FIN | 0x40 | TEXT, b"{}"), After::Ends),
        ("second reserved bit", frame(FIN | 0x20 | TEXT, b"{}"), After::Ends),
        ("third reserved bit", frame(FIN | 0x10 | TEXT, b"{}"), After::Ends),
        ("reserved data opcode 3", frame(FIN | 0x3, b"{}"), After::Ends),
        ("reserved data opcode 7", frame(FIN | 0x7, b"{}"), After::Ends),
        ("reserved control opcode 11", frame(FIN | 0xB, b""), After::Ends),
        ("reserved control opcode 15", frame(FIN | 0xF, b""), After::Ends),
        ("frame without a mask", unmasked, After::Ends),
        ("length in a longer form than needed", long_form, After::Either),
        (
            "length with the highest bit",
            [head(FIN | TEXT, usize::MAX), vec![0; 4]].concat(),
            After::Ends,
        ),
        (
            "length of 4 GiB",
            [head(FIN | TEXT, 4 << 30), vec![0; 64]].concat(),
            After::Ends,
        ),
        (
            "one byte over the limit",
            frame(FIN | TEXT, &vec![b' '; FRAME_LEN_MAX + 1]),
            After::Ends,
        ),
        ("17 MiB of text", frame(FIN | TEXT, &vec![b'x'; 17 << 20]), After::Ends),
        ("17 MiB of binary", frame(FIN | BINARY, &vec![0; 17 << 20]), After::Ends),
        (
            "fragments over the limit",
            [frame(TEXT, &vec![b' '; half]), frame(FIN | CONTINUE, &vec![b' '; half])].concat(),
            After::Either,
        ),
        ("close without a code", frame(FIN | CLOSE, b""), After::Ends),
        ("close of one byte", frame(FIN | CLOSE, b"\x03"), After::Ends),
        ("close 0", close(0), After::Ends),
        ("close 999", close(999), After::Ends),
        ("close 1005", close(1005), After::Ends),
        ("close 1006", close(1006), After::Ends),
        ("close 1015", close(1015), After::Ends),
        ("close 5000", close(5000), After::Ends),
        ("close 65535", close(65_535), After::Ends),
        (
            "close with invalid UTF-8",
            frame(FIN | CLOSE, b"\x03\xE8\xFF\xFE"),
            After::Ends,
        ),
        ("close of 126 bytes", frame(FIN | CLOSE, &[3; 126]), After::Ends),
        ("close in fragments", frame(CLOSE, b"\x03\xE8"), After::Ends),
        (
            "messages behind a close",
            frames(&[(FIN | CLOSE, b"\x03\xE8"), (FIN | TEXT, init)]),
            After::Ends,
        ),
        (
            "a close within a fragmented text",
            frames(&[(TEXT, b"{"), (FIN | CLOSE, b"\x03\xE8")]),
            After::Ends,
        ),
        ("gone before the first frame", Vec::new(), After::Leaves),
        ("gone after one byte", vec![FIN | TEXT], After::Leaves),
        ("gone within the length", vec![FIN | TEXT, 0x80 | 126, 1], After::Leaves),
        ("gone within the mask", vec![FIN | TEXT, 0x80 | 5, 1, 2], After::Leaves),
        (
            "gone within the payload",
            frame(FIN | TEXT, init)[..20].to_vec(),
            After::Leaves,
        ),
        ("gone within the fragments", frame(TEXT, init), After::Leaves),
        (
            "gone with 16 MiB announced",
            [head(FIN | TEXT, FRAME_LEN_MAX), vec![0; 4096]].concat(),
            After::Leaves,
        ),
    ]
}

/// Bytes in place of a good upgrade. The client leaves after each.
fn before_the_upgrade() -> Vec<Vec<u8>> {
    vec![
        Vec::new(),
        b"\0".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".to_vec(),
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        [b"GET /".to_vec(), vec![b'a'; 200_000], b" HTTP/1.1\r\n\r\n".to_vec()].concat(),
        [
            b"GET / HTTP/1.1\r\nX: ".to_vec(),
            vec![b'a'; 200_000],
            b"\r\n\r\n".to_vec(),
        ]
        .concat(),
        [
            b"GET / HTTP/1.1\r\n".to_vec(),
            b"X: y\r\n".repeat(5_000),
            b"\r\n".to_vec(),
        ]
        .concat(),
        frame(FIN | TEXT, b"{}"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nasty_input_does_not_disturb_the_others_of_a_simple_server() {
    let server = WrongServer::start(None).await;
    run_all(&server.url).await;
}

#[test]
fn the_table_is_long_and_its_names_are_unique() {
    let mut names: Vec<String> = table("x").into_iter().map(|row| row.name).collect();
    assert!(names.len() > 150, "{}", names.len());
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}
