//! What the stories share: a hub in this process, a small WebSocket client, a small HTTP client.
//!
//! The clients block and know nothing of the hub's own code, so what they see is what is on the wire. Every wait has a
//! limit; none is a wish that something takes a certain time.

use crosstie_server::config::{self, Config, Overrides};
use crosstie_server::run::{RunError, RunningHub};
use serde_json::Value;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take before a story fails.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) const TEXT: u8 = 0x1;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
const PONG: u8 = 0xA;

/// A hub with a project folder of its own; both end with it.
pub(crate) struct TestHub {
    hub: Option<RunningHub>,
    folder: TempDir,
}

impl TestHub {
    /// Starts the hub of a project; its ports should be 0.
    pub(crate) fn start(project: &str) -> TestHub {
        TestHub::try_start(project).expect("the hub of a test starts")
    }

    pub(crate) fn try_start(project: &str) -> Result<TestHub, RunError> {
        TestHub::try_start_with(project, |_| {})
    }

    /// Starts the hub of a project after a change to what was read of it.
    pub(crate) fn try_start_with(project: &str, change: impl FnOnce(&mut Config)) -> Result<TestHub, RunError> {
        let folder = tempfile::tempdir().expect("a folder for a test");
        std::fs::write(folder.path().join("crosstie.toml"), project).expect("the folder takes a file");
        TestHub::start_in(folder, change)
    }

    /// Starts the hub of a project that is there already, with a change that its file does not say.
    pub(crate) fn start_in(folder: TempDir, change: impl FnOnce(&mut Config)) -> Result<TestHub, RunError> {
        let loaded = config::load(folder.path(), &Overrides::default());
        let mut config = loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
        change(&mut config);
        let hub = RunningHub::start(config)?;
        Ok(TestHub { hub: Some(hub), folder })
    }

    fn hub(&self) -> &RunningHub {
        self.hub.as_ref().expect("a hub runs until its test is over")
    }

    pub(crate) fn web(&self) -> SocketAddr {
        self.hub().web()
    }

    pub(crate) fn endpoint(&self, name: &str) -> SocketAddr {
        self.hub().endpoint(name).expect("the endpoint is in the project")
    }

    /// Where clients of the PLC engines connect.
    pub(crate) fn piplc(&self) -> SocketAddr {
        self.hub().piplc().expect("the project has a [piplc]")
    }

    /// Where monitors of the classroom connect.
    pub(crate) fn monitor(&self) -> SocketAddr {
        self.hub().monitor().expect("the project has a [classroom]")
    }

    /// Where headsets of the classroom connect.
    pub(crate) fn headset(&self) -> SocketAddr {
        self.hub().headset().expect("the project has a [classroom]")
    }

    /// Where clients of a Modbus server connect.
    pub(crate) fn modbus(&self, name: &str) -> SocketAddr {
        self.hub().modbus(name).expect("the project has this [[modbus]]")
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("ws://{}/", self.endpoint(name))
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("crosstie.toml")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn project(&self) -> String {
        std::fs::read_to_string(self.file()).expect("the project file can be read")
    }

    /// One request of the API; the body of the answer as JSON, or as a text when it is none.
    pub(crate) fn http(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let (status, _, body) = http(self.web(), method, path, &[], body);
        let body = serde_json::from_str(&body).unwrap_or(Value::String(body));
        (status, body)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.http("GET", path, "");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The client of this name in the list of clients.
    pub(crate) fn client(&self, name: &str) -> Option<Value> {
        let clients = self.get("/api/v1/clients");
        let mut clients = clients["clients"].as_array().expect("a list").iter();
        clients.find(|client| client["name"] == name).cloned()
    }

    pub(crate) fn stop(mut self) {
        self.hub.take().expect("a hub is stopped once").stop();
    }
}

impl Drop for TestHub {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.take() {
            hub.stop();
        }
    }
}

/// Waits until something is true, and fails with its name when it does not become so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let until = Instant::now() + LIMIT;
    while !is_true() {
        assert!(Instant::now() < until, "not within {LIMIT:?}: {what}");
        std::thread::yield_now();
    }
}

/// One request on a connection of its own: status, head and body of the answer.
pub(crate) fn http(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).expect("the web port takes connections");
    stream.set_read_timeout(Some(LIMIT)).expect("a limit can be set");
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    // A refusal may come before the whole body is out; it is read all the same.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).expect("answers are text");
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no HTTP answer: {answer:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let is_chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    assert!(!is_chunked, "answers have a length");
    (status.expect("a status"), head.to_owned(), body.to_owned())
}

/// A WebSocket client that shows every byte.
pub(crate) struct Client {
    stream: TcpStream,
    /// Bytes of frames read so far, heads included.
    pub(crate) bytes_read: usize,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr, path: &str) -> Client {
        Client::over(TcpStream::connect(address).expect("the port takes connections"), path)
    }

    /// Does the handshake on a connected socket.
    pub(crate) fn over(stream: TcpStream, path: &str) -> Client {
        Client::with(stream, path, &[])
    }

    /// Does the handshake with further headers.
    pub(crate) fn with(mut stream: TcpStream, path: &str, headers: &[&str]) -> Client {
        stream.set_read_timeout(Some(LIMIT)).expect("a limit can be set");
        stream.set_nodelay(true).expect("an option of TCP");
        let head = handshake(&mut stream, path, headers);
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(
            head.to_lowercase()
                .contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
            "{head}"
        );
        Client { stream, bytes_read: 0 }
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.send_frame(TEXT, text.as_bytes());
    }

    pub(crate) fn send_frame(&mut self, opcode: u8, payload: &[u8]) {
        let frame = frame(opcode, payload);
        self.stream.write_all(&frame).expect("the hub takes bytes");
    }

    /// Sends bytes as they are.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the hub takes bytes");
    }

    /// Sends a frame to a hub that may have enough in the middle of it.
    pub(crate) fn try_send_frame(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&frame(opcode, payload))
    }

    /// Sends a text to a hub that may be gone.
    pub(crate) fn try_send(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(&frame(TEXT, text.as_bytes()))
    }

    /// Sends these bytes again and again without reading anything, until it is told to stop or the hub has had enough.
    pub(crate) fn flood(mut self, bytes: &[u8], stop: &AtomicBool) {
        let limit = Some(Duration::from_millis(100));
        self.stream.set_write_timeout(limit).expect("a limit can be set");
        while !stop.load(Ordering::Relaxed) {
            match self.stream.write(bytes) {
                Ok(_) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                Err(_) => return,
            }
        }
    }

    /// The next frame of any kind.
    pub(crate) fn try_frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        assert_eq!(head[0] & 0xF0, 0x80, "frames of the hub are whole");
        assert_eq!(head[1] & 0x80, 0, "frames of a server are not masked");
        let (len, head_len) = match head[1] {
            126 => {
                let mut len = [0; 2];
                self.stream.read_exact(&mut len)?;
                (u16::from_be_bytes(len) as usize, 4)
            }
            127 => {
                let mut len = [0; 8];
                self.stream.read_exact(&mut len)?;
                (u64::from_be_bytes(len) as usize, 10)
            }
            len => (usize::from(len), 2),
        };
        let mut payload = vec![0; len];
        self.stream.read_exact(&mut payload)?;
        self.bytes_read += head_len + len;
        Ok((head[0] & 0x0F, payload))
    }

    /// The next frame that is no ping; pings are answered.
    pub(crate) fn frame(&mut self) -> (u8, Vec<u8>) {
        loop {
            match self.try_frame().expect("a frame comes within the limit") {
                (PING, payload) => self.send_frame(PONG, &payload),
                frame => return frame,
            }
        }
    }

    /// The next text.
    pub(crate) fn text(&mut self) -> String {
        match self.frame() {
            (TEXT, payload) => String::from_utf8(payload).expect("texts are UTF-8"),
            (opcode, payload) => panic!("a text was expected, not opcode {opcode:#x}: {payload:02x?}"),
        }
    }

    /// The next text as JSON.
    pub(crate) fn json(&mut self) -> Value {
        serde_json::from_str(&self.text()).expect("messages are JSON")
    }

    /// The next message of this type; others are passed over.
    pub(crate) fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.json();
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The code and reason of the close frame with which the hub ends the connection; what comes before it is passed over.
    pub(crate) fn close_code(&mut self) -> (u16, String) {
        loop {
            if let (CLOSE, payload) = self.frame() {
                let code = u16::from_be_bytes([payload[0], payload[1]]);
                return (code, String::from_utf8_lossy(&payload[2..]).into_owned());
            }
        }
    }
}

/// One whole frame of a client.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len @ 126..=0xFFFF => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    let mask = [0x5A, 0x00, 0xFF, 0x13];
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Sends the handshake of RFC 6455 with further headers and reads the head of the answer.
pub(crate) fn handshake(stream: &mut TcpStream, path: &str, headers: &[&str]) -> String {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).expect("the hub takes bytes");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("the hub answers a handshake");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("heads are text")
}
