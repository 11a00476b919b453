//! Modbus TCP servers over real sockets: what clients read and write, who is kept out, and bytes that are made to hurt.

use crate::support::{LIMIT, TestHub, eventually};
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// A program that counts its scans in two places, and latches B:0/0 when N:10 and N:11 are ever seen to differ.
const PROGRAM: &str =
    "SOR ADD N:0 1 N:0 EOR\nSOR MOV N:0 N:1 EOR\nSOR NEQ N:10 N:11 OTL B:0/0 EOR\nSOR XIC I:0/0 OTE O:0/0 EOR\n";

const PROJECT: &str =
    "[web]\nport = 0\n[[plc]]\nname = \"line\"\nprogram = \"cell.txt\"\nscan_time_ms = 1\nautostart = true\n";

/// A hub with the program and a Modbus server `cell` with these further keys.
fn start(keys: &str) -> TestHub {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let project = format!("{PROJECT}[[modbus]]\nname = \"cell\"\nport = 0\n{keys}");
    std::fs::write(folder.path().join("crosstie.toml"), project).expect("the folder takes a file");
    std::fs::write(folder.path().join("cell.txt"), PROGRAM).expect("the folder takes a file");
    TestHub::start_in(folder, |_| ()).expect("the hub of a test starts")
}

/// A Modbus client that knows nothing of the hub's own code.
struct Client {
    stream: TcpStream,
    transaction: u16,
}

impl Client {
    fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("the port takes connections");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit can be set");
        stream.set_nodelay(true).expect("an option of TCP");
        Client { stream, transaction: 0 }
    }

    /// The answer of unit 1.
    fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        self.try_ask(1, request).expect("the server answers")
    }

    fn try_ask(&mut self, unit: u8, request: &[u8]) -> io::Result<Vec<u8>> {
        self.transaction += 1;
        let frame = frame(self.transaction, unit, request);
        self.stream.write_all(&frame)?;
        let (transaction, by, answer) = self.answer()?;
        assert_eq!((transaction, by), (self.transaction, unit));
        Ok(answer)
    }

    fn answer(&mut self) -> io::Result<(u16, u8, Vec<u8>)> {
        let mut head = [0; 7];
        self.stream.read_exact(&mut head)?;
        assert_eq!(head[2..4], [0, 0], "the protocol");
        let mut answer = vec![0; usize::from(u16::from_be_bytes([head[4], head[5]])) - 1];
        self.stream.read_exact(&mut answer)?;
        Ok((u16::from_be_bytes([head[0], head[1]]), head[6], answer))
    }

    fn is_closed(&mut self) -> bool {
        // A connection that is closed with bytes unread is reset.
        !matches!(self.stream.read(&mut [0]), Ok(1..))
    }
}

fn frame(transaction: u16, unit: u8, request: &[u8]) -> Vec<u8> {
    let mut frame = transaction.to_be_bytes().to_vec();
    frame.extend([0, 0]);
    frame.extend((request.len() as u16 + 1).to_be_bytes());
    frame.push(unit);
    frame.extend(request);
    frame
}

/// A place of the memory by the API.
fn value(hub: &TestHub, address: &str) -> Value {
    hub.get(&format!("/api/v1/signals/plc/line/{address}"))["value"].clone()
}

fn write(hub: &TestHub, address: &str, value: &Value) {
    let path = format!("/api/v1/plc/contexts/line/memory/{address}");
    let (status, body) = hub.http("PUT", &path, &json!({"value": value}).to_string());
    assert_eq!(status, 200, "{body}");
}

/// The value of a sample of `/metrics`.
fn sample(hub: &TestHub, sample: &str) -> f64 {
    let Value::String(page) = hub.get("/metrics") else {
        panic!("metrics are text")
    };
    let line = page.lines().find_map(|line| line.strip_prefix(sample));
    let value = line.unwrap_or_else(|| panic!("no {sample} in {page}"));
    value.trim().parse().expect("a number")
}

#[test]
fn pl72_clients_read_and_write_the_memory_of_a_running_program() {
    let hub = start("");
    let mut client = Client::connect(hub.modbus("cell"));
    write(&hub, "I:0/0", &json!(true));
    write(&hub, "I:0/9", &json!(true));
    eventually("the lamp follows the button", || {
        client.ask(&[1, 0, 0, 0, 1]) == [1, 1, 1]
    });
    assert_eq!(client.ask(&[2, 0, 0, 0, 16]), [2, 2, 1, 2]);
    assert_eq!(
        client.ask(&[16, 0, 0, 0, 2, 4, 0xFF, 0x38, 0xFF, 0x38]),
        [16, 0, 0, 0, 2]
    );
    assert_eq!(client.ask(&[3, 0, 0, 0, 3]), [3, 6, 0xFF, 0x38, 0xFF, 0x38, 0, 0]);
    assert_eq!(value(&hub, "N:10"), json!(-200));
    assert_eq!(client.ask(&[6, 0, 7, 0x12, 0x34]), [6, 0, 7, 0x12, 0x34]);
    assert_eq!(value(&hub, "N:17"), json!(0x1234));
    assert_eq!(client.ask(&[5, 0, 2, 0xFF, 0]), [5, 0, 2, 0xFF, 0]);
    assert_eq!(client.ask(&[15, 0, 4, 0, 10, 2, 0xFF, 3]), [15, 0, 4, 0, 10]);
    assert_eq!(client.ask(&[1, 0, 0, 0, 16]), [1, 2, 0b1111_0101, 0b11_1111]);
    // Of a number that no register holds, the nearest one.
    write(&hub, "N:15", &json!(70_000));
    assert_eq!(client.ask(&[3, 0, 5, 0, 1]), [3, 2, 0x7F, 0xFF]);
    assert_eq!(client.ask(&[4, 0, 8, 0, 1]), [0x84, 2]);
    assert_eq!(client.ask(&[4, 0, 0, 0, 0]), [0x84, 3]);
    assert_eq!(client.ask(&[22, 0, 0, 0, 0, 0, 0]), [0x96, 1]);
    assert_eq!(client.try_ask(9, &[4, 0, 0, 0, 1]).unwrap(), [0x84, 11]);
    let exceptions = |code: u8| {
        sample(
            &hub,
            &format!("crosstie_modbus_exceptions_total{{server=\"cell\",code=\"{code}\"}}"),
        )
    };
    assert_eq!([1, 2, 3, 11].map(exceptions), [1.0; 4]);
    assert_eq!(sample(&hub, "crosstie_modbus_clients{server=\"cell\"}"), 1.0);
}

#[test]
fn pl72_an_answer_is_of_one_scan_and_a_request_is_written_at_one_border() {
    let hub = start("");
    let mut client = Client::connect(hub.modbus("cell"));
    eventually("the program counts", || client.ask(&[4, 0, 0, 0, 1])[3] > 2);
    for round in 0_u16..200 {
        let read = client.ask(&[4, 0, 0, 0, 2]);
        assert_eq!(read[2..4], read[4..6], "both are of one scan");
        let [high, low] = round.to_be_bytes();
        let request = [16, 0, 0, 0, 2, 4, high, low, high, low];
        assert_eq!(client.ask(&request), request[..5]);
    }
    assert_eq!(value(&hub, "N:11"), json!(199));
    assert_eq!(
        value(&hub, "B:0/0"),
        json!(false),
        "the program has seen half of a request"
    );
    let (status, log) = hub.http("GET", "/api/v1/audit", "");
    assert_eq!(status, 200);
    assert!(
        !log.to_string().contains("plc.write"),
        "single values are not written down: {log}"
    );
}

#[test]
fn requests_that_are_sent_ahead_are_answered_in_their_order() {
    let hub = start("");
    let mut client = Client::connect(hub.modbus("cell"));
    let requests = (0..500).flat_map(|at| frame(at, 1, &[3, 0, 0, 0, 8]));
    client.stream.write_all(&requests.collect::<Vec<u8>>()).unwrap();
    for at in 0..500 {
        let (transaction, _, answer) = client.answer().unwrap();
        assert_eq!((transaction, answer.len()), (at, 18));
    }
}

#[test]
fn one_client_too_many_is_closed_at_once_and_counted() {
    let hub = start("max_clients = 2\n");
    let address = hub.modbus("cell");
    let mut clients = [Client::connect(address), Client::connect(address)];
    for client in &mut clients {
        assert_eq!(client.ask(&[2, 0, 0, 0, 1]), [2, 1, 0]);
    }
    assert!(Client::connect(address).is_closed());
    assert_eq!(sample(&hub, "crosstie_modbus_refused_total{server=\"cell\"}"), 1.0);
    drop(clients);
    eventually("a place is free again", || {
        Client::connect(address).try_ask(1, &[2, 0, 0, 0, 1]).is_ok()
    });
}

#[test]
fn a_server_that_can_only_be_read_writes_nothing() {
    let hub = start("read_only = true\n");
    let mut client = Client::connect(hub.modbus("cell"));
    assert_eq!(client.ask(&[6, 0, 0, 0, 9]), [0x86, 1]);
    assert_eq!(client.ask(&[3, 0, 0, 0, 1]), [3, 2, 0, 0]);
}

#[test]
fn maps_and_contexts_are_those_of_the_project() {
    let map = "context = \"line\"\nunit = 17\n\
        holding_registers = [{ address = 100, count = 2, place = \"T:3.PRE\" }, { address = 40, place = \"N:200\" }]\n\
        discrete_inputs = []\n[[modbus.coils]]\naddress = 8\ncount = 40\nplace = \"B:2/30\"\n";
    let hub = start(map);
    let mut client = Client::connect(hub.modbus("cell"));
    let mut ask = |request: &[u8]| client.try_ask(17, request).unwrap();
    assert_eq!(ask(&[16, 0, 100, 0, 2, 4, 0, 5, 0, 6]), [16, 0, 100, 0, 2]);
    assert_eq!(ask(&[6, 0, 40, 0, 7]), [6, 0, 40, 0, 7]);
    assert_eq!([value(&hub, "T:4.PRE"), value(&hub, "N:200")], [json!(6), json!(7)]);
    assert_eq!(ask(&[15, 0, 9, 0, 2, 1, 3]), [15, 0, 9, 0, 2]);
    assert_eq!(
        [value(&hub, "B:2/31"), value(&hub, "B:3/0")],
        [json!(true), json!(true)]
    );
    assert_eq!(ask(&[2, 0, 0, 0, 1]), [0x82, 2]);
    assert_eq!(ask(&[3, 0, 101, 0, 2]), [0x83, 2]);
    // The other tables keep their default.
    assert_eq!(ask(&[4, 0, 7, 0, 1]), [4, 2, 0, 0]);
}

#[test]
fn a_context_that_is_gone_is_a_failure_of_the_server() {
    let hub = start("context = \"line\"\n");
    let mut client = Client::connect(hub.modbus("cell"));
    assert_eq!(hub.http("POST", "/api/v1/plc/contexts", "{\"name\":\"other\"}").0, 201);
    let stop = "{\"command\":\"stop\"}";
    assert_eq!(hub.http("POST", "/api/v1/plc/contexts/line/command", stop).0, 200);
    assert_eq!(hub.http("DELETE", "/api/v1/plc/contexts/line", "").0, 204);
    assert_eq!(client.ask(&[3, 0, 0, 0, 1]), [0x83, 4]);
    assert_eq!(client.ask(&[6, 0, 0, 0, 1]), [0x86, 4]);
}

#[test]
fn what_is_no_modbus_ends_its_own_connection_and_no_other() {
    let hub = start("max_clients = 100\n");
    let address = hub.modbus("cell");
    let mut watcher = Client::connect(address);
    // A header that never gets complete holds a place, but nobody up.
    let mut half = Client::connect(address);
    half.stream.write_all(&[0, 1, 0, 0, 0]).unwrap();
    let wrong: [&[u8]; 4] = [
        b"GET / HTTP/1.1\r\n\r\n",
        &[0, 1, 0, 7, 0, 6, 1, 3, 0, 0, 0, 1],
        &[0, 1, 0, 0, 0, 1, 1],
        &[0xFF; 300],
    ];
    for bytes in wrong {
        let mut client = Client::connect(address);
        client.stream.write_all(bytes).unwrap();
        assert!(client.is_closed(), "{bytes:02x?}");
    }
    // Bytes by chance, behind headers of which some are right.
    let mut state = 0x2545_F491_u32;
    let mut chance = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    for round in 0..60_u16 {
        let mut client = Client::connect(address);
        let len = usize::from(chance());
        let mut bytes: Vec<u8> = (0..len).map(|_| chance()).collect();
        if round % 2 == 0 {
            let request: Vec<u8> = (0..1 + len % 250).map(|_| chance() % 17).collect();
            bytes = frame(round, 1, &request);
        }
        // The server may have closed it already.
        let _ = client.stream.write_all(&bytes);
        assert_eq!(watcher.ask(&[2, 0, 0, 0, 16])[..2], [2, 2]);
    }
    half.stream.write_all(&[6, 1, 2, 0, 0, 0, 1]).unwrap();
    assert_eq!(half.answer().unwrap().2[..2], [2, 1]);
}
