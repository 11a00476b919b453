//! Listeners with TLS (RV-56): https and wss by the hub's own certificate and by a given one, seen by clients of another make.

use crate::support::{LIMIT, TestHub, eventually, handshake, http};
use crosstie_server::config::Config;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tungstenite::{Message, WebSocket};

type Tls = StreamOwned<ClientConnection, TcpStream>;

const PROJECT: &str = r#"
[project]
name = "Line"

[web]
port = 0

[[realvirtual]]
name = "line"
port = 0

[[realvirtual.signal]]
name = "Start"
type = "Bool"
writer = "hub"

[[realvirtual.signal]]
name = "Speed"
type = "Float"
writer = "peer"
"#;

fn with_tls(config: &mut Config) {
    config.web.tls = true;
    config.endpoints[0].tls = true;
}

fn start() -> TestHub {
    TestHub::try_start_with(PROJECT, with_tls).expect("a hub with TLS starts")
}

fn own_certificate(hub: &TestHub) -> CertificateDer<'static> {
    let file = hub.file().with_file_name("state").join("tls/certificate.pem");
    CertificateDer::from_pem_file(file).expect("the hub has made its certificate")
}

/// Connects as a client that trusts this certificate and nothing else.
fn secure(tcp: TcpStream, trusted: &CertificateDer<'static>, name: &str) -> Tls {
    tcp.set_read_timeout(Some(LIMIT)).expect("a limit can be set");
    let mut roots = RootCertStore::empty();
    roots
        .add(trusted.clone())
        .expect("a certificate of ours can be trusted");
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions");
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(String::from(name)).expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a session");
    StreamOwned::new(session, tcp)
}

fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).expect("the port takes connections")
}

/// The body of an answer of the API over https.
fn https(hub: &TestHub, path: &str) -> Value {
    let mut stream = secure(connect(hub.web()), &own_certificate(hub), "127.0.0.1");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        hub.web()
    );
    stream.write_all(request.as_bytes()).expect("the hub takes bytes");
    let mut answer = String::new();
    // Whether the end of TLS is said is the reader's business; an answer has its own length.
    let _ = stream.read_to_string(&mut answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    serde_json::from_str(body).expect("JSON")
}

/// A WebSocket over TLS to the endpoint.
fn peer(hub: &TestHub) -> WebSocket<Tls> {
    let address = hub.endpoint("line");
    let stream = secure(connect(address), &own_certificate(hub), "localhost");
    let (socket, _) = tungstenite::client(format!("wss://{address}/"), stream).expect("the hub agrees");
    socket
}

fn send(socket: &mut WebSocket<Tls>, message: &Value) {
    let text = Message::text(message.to_string());
    socket.send(text).expect("the hub takes messages");
}

/// The next message of this type.
fn next_of(socket: &mut WebSocket<Tls>, kind: &str) -> Value {
    loop {
        if let Message::Text(text) = socket.read().expect("a message comes within the limit") {
            let message: Value = serde_json::from_str(&text).expect("messages are JSON");
            if message["type"] == kind {
                return message;
            }
        }
    }
}

/// The hub is well: a new peer gets the catalog.
fn check_alive(hub: &TestHub) {
    let mut peer = peer(hub);
    send(&mut peer, &json!({"type": "import_request"}));
    assert_eq!(next_of(&mut peer, "import_answer")["signals"]["Start"], json!(false));
}

#[test]
fn rv_56_values_go_both_ways_over_wss_and_the_api_over_https() {
    let hub = start();
    let mut socket = peer(&hub);
    send(&mut socket, &json!({"type": "init", "version": 2, "name": "twin"}));
    send(&mut socket, &json!({"type": "subscribe"}));
    next_of(&mut socket, "snapshot");
    send(&mut socket, &json!({"type": "data", "signals": {"Speed": 1.5}}));
    eventually("the value is in the hub", || {
        https(&hub, "/api/v1/signals/twin/line/Speed")["value"] == json!(1.5)
    });
    socket.close(None).expect("a close can be sent");
    let end = loop {
        match socket.read() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(end, tungstenite::Error::ConnectionClosed), "{end}");
    eventually("the client is gone", || {
        https(&hub, "/api/v1/clients")["clients"] == json!([])
    });
    hub.stop();
}

#[test]
fn rv_56_a_large_catalog_reaches_a_slow_reader_over_tls_and_nobody_waits_for_it() {
    let mut project = String::from(PROJECT);
    for index in 0..4_000 {
        let name = format!("Signal{index:05}{}", "x".repeat(300));
        write!(
            project,
            "\n[[realvirtual.signal]]\nname = \"{name}\"\ntype = \"Int\"\nwriter = \"hub\"\n"
        )
        .expect("a string takes text");
    }
    let hub = TestHub::try_start_with(&project, with_tls).expect("a hub with TLS starts");
    let mut slow = peer(&hub);
    for _ in 0..10 {
        send(&mut slow, &json!({"type": "import_request"}));
    }
    // Several megabytes wait now for somebody who reads nothing.
    check_alive(&hub);
    for _ in 0..10 {
        let catalog = next_of(&mut slow, "import_answer");
        assert_eq!(catalog["signals"].as_object().map(serde_json::Map::len), Some(4_002));
        assert!(catalog.to_string().len() > 2_000_000);
    }
    hub.stop();
}

#[test]
fn the_api_tells_the_certificate_that_is_shown() {
    let hub = start();
    let certificate = own_certificate(&hub);
    let digest = Sha256::digest(&certificate);
    let fingerprint: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let tls = https(&hub, "/api/v1/tls");
    let shown = &tls["certificate"];
    assert_eq!(shown["fingerprint"], json!(fingerprint.join(":")));
    assert_eq!(
        (&shown["own"], &shown["file"]),
        (&json!(true), &json!("state/tls/certificate.pem"))
    );
    let names = shown["names"].as_array().expect("a list");
    for name in ["localhost", "127.0.0.1", "::1"] {
        assert!(names.contains(&json!(name)), "{name} in {names:?}");
    }
    for time in ["not_before", "not_after"] {
        let time = shown[time].as_str().expect("a time");
        assert!(time.starts_with("20") && time.ends_with('Z'), "{time}");
    }
    let (web, line) = (hub.web(), hub.endpoint("line"));
    assert_eq!(
        tls["listeners"],
        json!([
            {"name": "page", "url": format!("https://{web}/"), "tls": true},
            {"name": "line", "url": format!("wss://{line}/"), "tls": true},
        ])
    );
    assert_eq!(tls["urls"], json!([format!("https://{web}/")]));
    let row = &https(&hub, "/api/v1/endpoints")["endpoints"][0];
    assert_eq!(row["url"], json!(format!("wss://{line}/")));
    hub.stop();
}

#[test]
fn a_hub_without_tls_makes_no_certificate_and_says_so() {
    let hub = TestHub::start(PROJECT);
    let tls = hub.get("/api/v1/tls");
    assert_eq!(tls["certificate"], Value::Null);
    assert_eq!(tls["listeners"][1]["url"], json!(hub.url("line")));
    assert!(!hub.file().with_file_name("state").join("tls").exists());
}

#[test]
fn who_does_not_speak_tls_at_a_port_with_tls_is_told_and_harms_nobody() {
    let hub = start();
    for address in [hub.web(), hub.endpoint("line")] {
        let (status, _, body) = http(address, "GET", "/", &[], "");
        assert_eq!(
            (status, body.as_str()),
            (400, "This port speaks TLS: use https:// or wss://.\n")
        );
    }
    let head = handshake(&mut connect(hub.endpoint("line")), "/", &[]);
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    for noise in [
        &[0x00; 200][..],
        &[0xFF; 200],
        b"\x16\x03\x01\xFF\xFFnoise",
        b"\r\n\r\n",
    ] {
        let mut stream = connect(hub.endpoint("line"));
        stream.set_read_timeout(Some(LIMIT)).expect("a limit can be set");
        stream.write_all(noise).expect("the hub takes bytes");
        stream.shutdown(std::net::Shutdown::Write).expect("an end can be said");
        // An alert may come; what counts is that the end comes.
        let _ = stream.read_to_end(&mut Vec::new());
    }
    // Noise within a session, and a session that ends without a farewell.
    let mut spoiled = peer(&hub);
    let noise = [&[23, 3, 3, 0, 40][..], &[0; 40]].concat();
    spoiled.get_mut().sock.write_all(&noise).expect("the hub takes bytes");
    let cut = peer(&hub);
    let tcp = cut.get_ref().sock.try_clone().expect("a socket can be shared");
    tcp.shutdown(std::net::Shutdown::Both).expect("a socket can be cut");
    eventually("both are gone", || {
        https(&hub, "/api/v1/clients")["clients"] == json!([])
    });
    check_alive(&hub);
    hub.stop();
}

/// Writes a certificate for this name and its key into the folder.
fn write_pair(folder: &Path, name: &str) -> CertificateDer<'static> {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec![String::from(name)]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    std::fs::write(folder.join("plant.pem"), certificate.pem()).expect("a file");
    std::fs::write(folder.join("plant.key"), key.serialize_pem()).expect("a file");
    certificate.der().clone()
}

fn with_files(config: &mut Config) {
    with_tls(config);
    config.tls.certificate = Some(PathBuf::from("plant.pem"));
    config.tls.private_key = Some(PathBuf::from("plant.key"));
}

#[test]
fn a_given_certificate_is_shown_instead_of_an_own_one() {
    let mut given = None;
    let hub = TestHub::try_start_with(PROJECT, |config| {
        with_files(config);
        given = Some(write_pair(&config.folder, "plant.example"));
    });
    let hub = hub.expect("a hub with a given certificate starts");
    let given = given.expect("the project was read");
    let mut stream = secure(connect(hub.web()), &given, "plant.example");
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
        .expect("the hub takes bytes");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nok"),
        "{answer}"
    );
    hub.stop();
}

#[test]
fn a_hub_whose_certificate_cannot_be_used_does_not_start_and_names_the_file() {
    let error = TestHub::try_start_with(PROJECT, with_files)
        .err()
        .expect("there are no such files");
    assert_eq!(error.to_string(), "plant.pem: there is no such file");
    let error = TestHub::try_start_with(PROJECT, |config| {
        with_files(config);
        write_pair(&config.folder, "plant.example");
        std::fs::write(config.folder.join("plant.key"), "none").expect("a file");
        assert!(PrivateKeyDer::from_pem_file(config.folder.join("plant.key")).is_err());
    });
    let error = error.err().expect("the key is none");
    assert_eq!(
        error.to_string(),
        "plant.key: a private key in PEM without a password was expected"
    );
}

#[test]
fn rv_56_a_link_of_one_hub_reaches_another_over_wss_when_its_certificate_is_given() {
    let far = start();
    let project = |ca_file: &str| {
        let port = far.endpoint("line").port();
        format!(
            "[web]\nport = 0\n[[realvirtual]]\nname = \"far\"\nrole = \"client\"\nport = {port}\nuse_ssl = true\n{ca_file}"
        )
    };
    let certificate = far.file().with_file_name("state").join("tls/certificate.pem");
    let near = TestHub::try_start_with(&project("ca_file = \"far.pem\"\n"), |config| {
        config.endpoints[0].link.ca_file = Some(certificate);
    });
    let near = near.expect("a hub with a link starts");
    let link = |hub: &TestHub| hub.get("/api/v1/endpoints")["endpoints"][0].clone();
    eventually("the link is connected", || link(&near)["state"] == json!("connected"));
    assert_eq!(link(&near)["link"]["catalog"], json!(2));

    let stranger = TestHub::start(&project(""));
    eventually("a hub that trusts only the system says what is wanted", || {
        let error = link(&stranger)["link"]["last_error"].clone();
        error
            .as_str()
            .is_some_and(|error| error.contains("TLS: ") && error.contains("ca_file"))
    });
    near.stop();
    eventually("the far hub has nobody left", || {
        https(&far, "/api/v1/clients")["clients"] == json!([])
    });
}
