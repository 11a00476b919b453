//! Sockets with and without TLS, driven as the core and a connection's task drive them.

use super::*;
use crate::sink::{MaskKeys, Sent, Sink, Wake};
use bytes::Bytes;
use crosstie_wire::frame;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::future::poll_fn;
use std::sync::Arc;
use tokio::net::TcpSocket;
use tokio_rustls::{TlsAcceptor, TlsConnector};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// Two ends of a TLS connection, ours the server's, with TCP buffers that are soon full.
async fn pair(version: &'static SupportedProtocolVersion) -> (Socket, Socket) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![String::from("localhost")]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let server = ServerConfig::builder_with_provider(crate::tls::crypto());
    let server = server.with_protocol_versions(&[version]).unwrap().with_no_client_auth();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = server.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let client = ClientConfig::builder_with_provider(crate::tls::crypto());
    let client = client.with_protocol_versions(&[version]).unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();

    let listener = TcpSocket::new_v4().unwrap();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    listener.set_send_buffer_size(4_096).unwrap();
    let listener = listener.listen(1).unwrap();
    let peer = TcpSocket::new_v4().unwrap();
    peer.set_recv_buffer_size(4_096).unwrap();
    let (peer, accepted) = tokio::join!(peer.connect(listener.local_addr().unwrap()), listener.accept());
    let name = ServerName::try_from("localhost").unwrap();
    let (ours, peer) = tokio::join!(
        TlsAcceptor::from(Arc::new(server)).accept(accepted.unwrap().0),
        TlsConnector::from(Arc::new(client)).connect(name, peer.unwrap()),
    );
    let ours = Stream::Tls(Box::new(ours.unwrap().into()));
    let peer = Stream::Tls(Box::new(peer.unwrap().into()));
    (ours.into(), peer.into())
}

/// Reads until there are so many bytes, or until the end.
async fn read(socket: &Socket, len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 10_000];
    while bytes.len() < len {
        poll_fn(|cx| socket.poll_read_ready(cx)).await.unwrap();
        match socket.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(more) => bytes.extend_from_slice(&buffer[..more]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
    }
    bytes
}

/// Writes all of it, waiting where it must.
async fn write(socket: &Socket, mut bytes: &[u8]) {
    while !bytes.is_empty() || socket.wants_write() {
        let result = if bytes.is_empty() {
            socket.try_flush().map(|_| 0)
        } else {
            socket.try_write(bytes)
        };
        match result {
            Ok(taken) => bytes = &bytes[taken..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => panic!("{error}"),
        }
        if !bytes.is_empty() || socket.wants_write() {
            poll_fn(|cx| socket.poll_write_ready(cx)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn bytes_go_both_ways_through_full_buffers_in_both_versions() {
    let sent: Vec<u8> = (0..3_000_000_u32).map(|index| (index / 7) as u8).collect();
    for version in VERSIONS {
        let (ours, peer) = pair(version).await;
        let (_, received) = tokio::join!(write(&ours, &sent), read(&peer, sent.len()));
        assert!(received == sent, "{version:?}");
        let (_, received) = tokio::join!(write(&peer, &sent), read(&ours, sent.len()));
        assert!(received == sent, "{version:?}");
    }
}

#[tokio::test]
async fn what_a_session_keeps_is_bounded_and_nothing_is_taken_before_it_is_out() {
    let (ours, peer) = pair(&rustls::version::TLS13).await;
    let block = vec![7; 1 << 20];
    let mut taken = 0;
    let stuck = loop {
        match ours.try_write(&block) {
            Ok(more) => taken += more,
            Err(error) => break error,
        }
    };
    assert_eq!(stuck.kind(), io::ErrorKind::WouldBlock);
    assert!(ours.wants_write() && !ours.try_flush().unwrap());
    let Socket::Tls(tls) = &ours else {
        panic!("a TLS socket")
    };
    // Nothing is read meanwhile, so what is kept is all of it: a limit's worth of data and its records' heads.
    let kept = {
        let mut session = tls.lock();
        let mut kept = Vec::new();
        while session.wants_write() {
            session.write_tls(&mut kept).unwrap();
        }
        kept.len()
    };
    assert!((1..KEPT_LEN_MAX + 1_024).contains(&kept), "{kept} of {taken}");
    drop(peer);
}

#[tokio::test]
async fn data_that_was_decrypted_and_not_read_makes_the_next_read_ready() {
    let (ours, peer) = pair(&rustls::version::TLS13).await;
    write(&peer, &[9; 1_000]).await;
    let mut some = [0; 10];
    poll_fn(|cx| ours.poll_read_ready(cx)).await.unwrap();
    assert_eq!(ours.try_read(&mut some).unwrap(), 10);
    // TCP has nothing more, the session has.
    for _ in 0..99 {
        poll_fn(|cx| ours.poll_read_ready(cx)).await.unwrap();
        assert_eq!(ours.try_read(&mut some).unwrap(), 10);
    }
    let nothing = ours.try_read(&mut some).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(ours.poll_read_ready(&mut cx).is_pending());
}

#[tokio::test]
async fn the_end_is_said_and_an_end_that_is_not_said_is_one_too() {
    for version in VERSIONS {
        let (ours, peer) = pair(version).await;
        drop(ours);
        assert_eq!(read(&peer, 1).await, b"");
        let Socket::Tls(tls) = &peer else {
            panic!("a TLS socket")
        };
        assert_eq!(tls.lock().reader().read(&mut [0]).unwrap(), 0, "not a cut: {version:?}");

        let (ours, peer) = pair(version).await;
        let Socket::Tls(tls) = &peer else {
            panic!("a TLS socket")
        };
        socket2::SockRef::from(&tls.tcp).shutdown(Shutdown::Both).unwrap();
        assert_eq!(read(&ours, 1).await, b"");
        assert_eq!(read(&ours, 1).await, b"", "the end stays");

        let (ours, peer) = pair(version).await;
        ours.shutdown_write().unwrap();
        assert_eq!(read(&peer, 1).await, b"");
        write(&peer, b"still").await;
        assert_eq!(
            read(&ours, 5).await,
            b"still",
            "the other direction is open: {version:?}"
        );
    }
}

#[tokio::test]
async fn records_that_cannot_be_decrypted_end_the_connection_with_an_error() {
    let (ours, peer) = pair(&rustls::version::TLS13).await;
    let Socket::Tls(tls) = &peer else {
        panic!("a TLS socket")
    };
    let spoiled = [&[23, 3, 3, 0, 40][..], &[0; 40]].concat();
    tls.tcp.writable().await.unwrap();
    assert_eq!(tls.tcp.try_write(&spoiled).unwrap(), spoiled.len());
    for _ in 0..2 {
        let error = loop {
            let error = ours.try_read(&mut [0; 100]).unwrap_err();
            if error.kind() != io::ErrorKind::WouldBlock {
                break error;
            }
            poll_fn(|cx| ours.poll_read_ready(cx)).await.unwrap();
        };
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}

#[tokio::test]
async fn keys_that_a_peer_renews_are_renewed_here_before_the_next_data() {
    let (ours, peer) = pair(&rustls::version::TLS13).await;
    for _ in 0..3 {
        let Socket::Tls(tls) = &peer else {
            panic!("a TLS socket")
        };
        tls.lock().refresh_traffic_keys().unwrap();
        write(&peer, b"new keys").await;
        assert_eq!(read(&ours, 8).await, b"new keys");
        write(&ours, b"understood").await;
        assert!(!ours.wants_write(), "nothing waits for a further frame");
        assert_eq!(read(&peer, 10).await, b"understood");
    }
}

#[tokio::test]
async fn a_sink_over_tls_is_stuck_until_the_last_byte_is_out_and_then_tells_the_core() {
    for (version, masks) in [(VERSIONS[0], None), (VERSIONS[1], Some(MaskKeys::random().unwrap()))] {
        let is_masked = masks.is_some();
        let (ours, peer) = pair(version).await;
        let sink = Arc::new(Sink::new(ours, masks));
        let mut begun = Vec::new();
        let text = vec![b'x'; 40_000];
        let plain = Bytes::from([frame::text_frame(text.len()).as_bytes(), &text[..]].concat());
        while sink.send(&plain) == Sent::Whole {
            begun.push(());
        }
        begun.push(());
        assert_eq!(sink.send(&plain), Sent::Refused);
        sink.pong(b"newest");
        let head_len = if is_masked { 4 } else { 0 };
        let expected = begun.len() * (plain.len() + head_len) + 8 + head_len;
        let (wake, received) = tokio::join!(poll_fn(|cx| sink.poll_wake(cx)), read(&peer, expected));
        assert_eq!((wake, received.len()), (Wake::Writable, expected));
        let closing = Bytes::from(frame::close_frame(1001, "bye"));
        poll_fn(|cx| sink.poll_end(cx, &closing)).await;
        drop(sink);
        let rest = read(&peer, usize::MAX).await;
        assert_eq!(rest.len(), closing.len() + head_len);
        // Every frame, the pong and the close too, has its mask or has none.
        let mut bytes = &[received, rest].concat()[..];
        let mut frames = 0;
        while let [first, second, rest @ ..] = bytes {
            assert_eq!(second & 0x80 != 0, is_masked, "{first:#x}");
            let len = match (second & 0x7F, rest) {
                (126, [high, low, ..]) => 2 + usize::from(u16::from_be_bytes([*high, *low])),
                (len, _) => usize::from(len),
            };
            bytes = &rest[len + head_len..];
            frames += 1;
        }
        assert_eq!(frames, begun.len() + 2);
    }
}

#[tokio::test]
async fn a_frame_of_which_a_part_is_kept_counts_as_begun_also_when_all_of_it_was_taken() {
    let (ours, peer) = pair(&rustls::version::TLS13).await;
    let sink = Sink::new(ours, None);
    let text = vec![b'x'; 1_000];
    let frame = Bytes::from([frame::text_frame(text.len()).as_bytes(), &text[..]].concat());
    let mut frames = 1;
    while sink.send(&frame) == Sent::Whole {
        assert!(!sink.socket().wants_write(), "nobody would ever finish frame {frames}");
        frames += 1;
    }
    let expected = frames * frame.len();
    let (wake, received) = tokio::join!(poll_fn(|cx| sink.poll_wake(cx)), read(&peer, expected));
    assert_eq!((wake, received.len()), (Wake::Writable, expected));
}
