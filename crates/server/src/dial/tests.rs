//! Dials against servers that do right and wrong: what comes of it, and the words for what does not.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const SECRET: &str = "hunter2";

fn target(port: u16) -> Target {
    Target::from_url(&format!("ws://127.0.0.1:{port}/line?key={SECRET}")).unwrap()
}

fn file(folder: &Path, name: &str, text: &str) -> Option<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    Some(path)
}

/// Reads the head of one request.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Agrees to a handshake and sends this behind the answer; gives the head of the request.
async fn agree(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), early: &str) -> String {
    let head = head(stream).await;
    let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: "));
    let accept = tungstenite::handshake::derive_accept_key(key.unwrap().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n{early}"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    head
}

/// The words of a dial that a server answers with this text.
async fn words_for(answer: &'static str, change: impl FnOnce(&mut Target)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target = target(listener.local_addr().unwrap().port());
    change(&mut target);
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut some = [0; 16];
        // Who speaks TLS does not end its first message as a request ends.
        let _ = stream.read(&mut some).await;
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let words = connect(&target).await.unwrap_err().to_string();
    server.await.unwrap();
    assert!(!words.contains(SECRET), "{words}");
    words
}

/// A self-signed certificate for these names: its PEM and the settings of a server that shows it.
fn server_of(names: &[&str]) -> (String, Arc<ServerConfig>) {
    server_with(names, IsCa::NoCa)
}

fn server_with(names: &[&str], is_ca: IsCa) -> (String, Arc<ServerConfig>) {
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|name| String::from(*name)).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.is_ca = is_ca;
    let certificate = params.self_signed(&key).unwrap();
    let config = ServerConfig::builder_with_provider(crate::tls::crypto());
    let config = config.with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    (certificate.pem(), Arc::new(config))
}

#[test]
fn an_address_is_taken_apart_and_its_query_is_never_shown() {
    let check = |url: &str, host: &str, port: u16, use_ssl: bool, path: &str| {
        let target = Target::from_url(url).unwrap();
        let found = (
            target.host.as_str(),
            target.port,
            target.use_ssl,
            target.target.as_str(),
        );
        assert_eq!(found, (host, port, use_ssl, path), "{url}");
        assert!(!format!("{target:?}").contains('?'), "{target:?}");
    };
    check("ws://127.0.0.1:1234", "127.0.0.1", 1234, false, "/");
    check(
        "wss://line-pc.local/a/b?x=1&y",
        "line-pc.local",
        443,
        true,
        "/a/b?x=1&y",
    );
    check("ws://[::1]:7/", "::1", 7, false, "/");
    check("ws://twin", "twin", 80, false, "/");
    for (url, fault) in [
        ("http://127.0.0.1:1/", TargetError::Scheme),
        ("127.0.0.1:1", TargetError::Scheme),
        ("ws://", TargetError::NoUrl),
        ("a b", TargetError::NoUrl),
        ("ws://user:secret@host:1/", TargetError::User),
        ("ws://host:0/", TargetError::Port),
        ("ws://host:99999/", TargetError::Port),
    ] {
        assert_eq!(Target::from_url(url), Err(fault), "{url}");
    }
    let v6 = Target::from_url("ws://[::1]:7/p?key=1").unwrap();
    assert_eq!(format!("{v6:?}"), "ws://[::1]:7/p");
}

#[test]
fn the_files_of_an_endpoint_lie_in_its_project() {
    let mut endpoint = EndpointConfig::named("far");
    endpoint.link.ca_file = Some(PathBuf::from("far.pem"));
    endpoint.link.target = String::from("/x?key=1");
    let target = Target::of_endpoint(&endpoint, Path::new("/plant"));
    assert_eq!(target.ca_file.as_deref(), Some(Path::new("/plant/far.pem")));
    assert_eq!((target.port, target.path()), (1234, "/x"));
    assert_eq!(target.access_key_file, None);
}

#[tokio::test]
async fn a_plain_handshake_says_what_is_wanted_and_keeps_what_came_early() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target = target(listener.local_addr().unwrap().port());
    target.access_key_file = file(folder.path(), "key", " abc-123\n");
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        (agree(&mut stream, "\u{1}early").await, stream)
    };
    let (dialled, (head, _stream)) = tokio::join!(connect(&target), server);
    let dialled = dialled.unwrap();
    assert_eq!(dialled.early, "\u{1}early");
    assert_eq!(dialled.address.port(), target.port);
    assert!(
        head.starts_with(&format!("GET /line?key={SECRET} HTTP/1.1\r\n")),
        "{head}"
    );
    for line in [
        &format!("host: 127.0.0.1:{}", target.port),
        "upgrade: websocket",
        "connection: Upgrade",
        "sec-websocket-version: 13",
        "authorization: Bearer abc-123",
    ] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line} in {head}");
    }
    assert!(!head.contains("extensions"), "{head}");
}

#[tokio::test]
async fn what_a_server_answers_instead_of_an_upgrade_is_said_in_words() {
    let same = |_: &mut Target| {};
    let folder = tempfile::tempdir().unwrap();
    let key = file(folder.path(), "key", "abc");
    for (answer, words) in [
        (
            "HTTP/1.1 401 No\r\n\r\n",
            "the server answered 401: a key is wanted (access_key_file)",
        ),
        (
            "HTTP/1.1 404 No\r\n\r\n",
            "the server answered 404: there is nothing at this path",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: ws://elsewhere/\r\n\r\n",
            "the server answered 302: it points to another address, and that is not followed; give the other address itself",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "the server answered 200: 101 was expected, as a WebSocket server answers",
        ),
        (
            "SSH-2.0-OpenSSH\r\n\r\n",
            "not a WebSocket server: what it answers is no HTTP",
        ),
        ("", "the server closed the connection before it answered"),
        (
            "HTTP/1.1 101 Ok\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            "not a WebSocket server: Sec-WebSocket-Accept does not fit the key",
        ),
        (
            "HTTP/1.1 101 Ok\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
            "not a WebSocket server: it agrees to another protocol",
        ),
    ] {
        assert_eq!(words_for(answer, same).await, words);
    }
    let refused = words_for("HTTP/1.1 401 No\r\n\r\n", |target| target.access_key_file = key).await;
    assert_eq!(
        refused,
        "the server answered 401: it does not take the key of access_key_file"
    );
    let plain = words_for("HTTP/1.1 400 Bad\r\n\r\n", |target| target.use_ssl = true).await;
    assert_eq!(
        plain,
        "TLS: the server does not speak TLS at this port; is use_ssl right?"
    );
}

#[tokio::test]
async fn who_is_not_there_or_does_not_answer_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    // The system takes the connection, and nobody ever reads it.
    let late = within(Duration::from_millis(20), open_socket(&target(port))).await;
    assert_eq!(late.unwrap_err().to_string(), "no answer within 10 s");
    drop(listener);
    assert_eq!(
        connect(&target(port)).await.unwrap_err().to_string(),
        "connection refused"
    );
    let unknown = Target::from_url("ws://no-such-host.invalid:1/").unwrap();
    let unknown = connect(&unknown).await.unwrap_err().to_string();
    assert_eq!(unknown, "no address is known for 'no-such-host.invalid'");
}

#[tokio::test]
async fn files_that_are_not_what_they_should_be_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let words = async |change: &dyn Fn(&mut Target)| {
        let mut target = target(port);
        change(&mut target);
        connect(&target).await.unwrap_err().to_string()
    };
    let two = file(folder.path(), "two", "one two");
    let text = words(&|target| target.access_key_file = two.clone()).await;
    assert!(
        text.starts_with("access_key_file '") && text.ends_with("printable ASCII without spaces"),
        "{text}"
    );
    assert!(!text.contains("one two"), "{text}");
    let gone = Some(folder.path().join("gone.pem"));
    let text = words(&|target| (target.use_ssl, target.ca_file) = (true, gone.clone())).await;
    assert!(text.starts_with("ca_file '") && text.contains("gone.pem': "), "{text}");
    let empty = file(folder.path(), "empty.pem", "nothing");
    let text = words(&|target| (target.use_ssl, target.ca_file) = (true, empty.clone())).await;
    assert!(text.ends_with("empty.pem': no certificate in PEM is in it"), "{text}");
}

/// Dials a server that shows the certificate of `names`, as `host`, trusting what `trusted` says.
async fn dial_tls(host: &str, names: &[&str], trusted: impl FnOnce(String) -> String) -> Result<Dialled, DialError> {
    let (pem, config) = server_of(names);
    dial_server(host, config, &trusted(pem)).await
}

async fn dial_server(host: &str, config: Arc<ServerConfig>, trusted: &str) -> Result<Dialled, DialError> {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut target = target(listener.local_addr().unwrap().port());
    target.use_ssl = true;
    target.host = host.to_owned();
    target.ca_file = file(folder.path(), "ca.pem", trusted);
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        if let Ok(mut stream) = TlsAcceptor::from(config).accept(stream).await {
            agree(&mut stream, "early").await;
        }
    });
    let dialled = connect(&target).await;
    server.await.unwrap();
    dialled
}

#[tokio::test]
async fn tls_trusts_who_is_vouched_for_under_the_name_that_was_dialled() {
    for (host, name) in [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost")] {
        let dialled = dial_tls(host, &[name], |pem| pem).await.unwrap();
        assert!(matches!(dialled.stream, Stream::Tls(_)), "{host}");
    }
    let stranger = dial_tls("127.0.0.1", &["127.0.0.1"], |_| server_of(&["127.0.0.1"]).0).await;
    let stranger = stranger.unwrap_err().to_string();
    assert!(
        stranger.starts_with("TLS: the certificate is not trusted: nothing in '"),
        "{stranger}"
    );
    assert!(stranger.contains("give ca_file"), "{stranger}");
    let other = dial_tls("127.0.0.1", &["line-pc.local"], |pem| pem).await;
    let other = other.unwrap_err().to_string();
    assert!(
        other.starts_with("TLS: the certificate is not for '127.0.0.1'; it holds: "),
        "{other}"
    );
    assert!(other.contains("line-pc.local"), "{other}");
    let (pem, config) = server_with(&["127.0.0.1"], IsCa::Ca(BasicConstraints::Unconstrained));
    let authority = dial_server("127.0.0.1", config, &pem).await.unwrap_err().to_string();
    assert!(authority.contains("make it one with CA:FALSE"), "{authority}");
}
