//! Devices in the running hub: a Modbus TCP server of the test itself, friendly and not, and the files that name it (PL-30,
//! PL-72).

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::keys::project;
use crate::support::{TestHub, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The lamp follows the sensor of the coupler, and N:1 becomes N:0 of the coupler and 1.
const PROGRAM: &str = "SOR XIC I:0/0 OTE O:0/0 EOR\nSOR ADD N:0 1 N:1 EOR\n";

/// How the coupler answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Manner {
    /// As it should.
    #[default]
    Good,
    /// Not at all.
    Silent,
    /// To another transaction than was asked.
    WrongId,
    /// With less than it announces.
    Short,
    /// With another number of values.
    Few,
    /// It hangs up when asked.
    Drops,
    /// It has no discrete input.
    NoInput,
}

/// What a coupler has, and what it was told.
#[derive(Debug, Default)]
struct Memory {
    manner: Manner,
    input: bool,
    register: u16,
    coil: bool,
    holding: u16,
    /// Function codes of all writes.
    writes: Vec<u8>,
    connections: usize,
}

/// A Modbus TCP server, as far as these tests need one.
struct Coupler {
    address: SocketAddr,
    memory: Arc<Mutex<Memory>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Coupler {
    fn start() -> Coupler {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let (memory, is_over) = (Arc::<Mutex<Memory>>::default(), Arc::<AtomicBool>::default());
        let (theirs, over) = (Arc::clone(&memory), Arc::clone(&is_over));
        // One connection at a time: the client has no second one.
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if over.load(Ordering::Acquire) {
                    return;
                }
                theirs.lock().expect("no test panics within").connections += 1;
                serve(stream, &theirs, &over);
            }
        });
        Coupler {
            address,
            memory,
            is_over,
            thread: Some(thread),
        }
    }

    fn set(&self, change: impl FnOnce(&mut Memory)) {
        change(&mut self.memory.lock().expect("no test panics within"));
    }

    fn get<T>(&self, look: impl FnOnce(&Memory) -> T) -> T {
        look(&self.memory.lock().expect("no test panics within"))
    }

    /// The I/O file of this coupler.
    fn file(&self) -> String {
        let one = |addr: u16| json!([{"modbusAddr": addr, "plcWord": 0, "plcBit": 0}]);
        let word = |word: u8| json!([{"modbusAddr": 0, "plcNWord": word}]);
        json!({"version": 1, "provider": "modbus_tcp_client", "modbusClient": {
            "host": "127.0.0.1", "port": self.address.port(), "timeoutMs": 300, "pollIntervalMs": 10,
            "discreteInputMappings": one(17), "coilMappings": one(3),
            "inputRegisterMappings": word(0), "holdingRegisterMappings": word(1),
        }})
        .to_string()
    }
}

impl Drop for Coupler {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // Wakes the accept.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut stream: TcpStream, memory: &Mutex<Memory>, is_over: &AtomicBool) {
    let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
    while let Some(request) = next_request(&mut stream, is_over) {
        let Some(answer) = answer(&request, &mut memory.lock().expect("no test panics within")) else {
            continue;
        };
        if answer.is_empty() || stream.write_all(&answer).is_err() {
            return;
        }
    }
}

fn next_request(stream: &mut TcpStream, is_over: &AtomicBool) -> Option<Vec<u8>> {
    let mut head = [0; 6];
    read_all(stream, &mut head, is_over)?;
    let mut rest = vec![0; usize::from(u16::from_be_bytes([head[4], head[5]]))];
    read_all(stream, &mut rest, is_over)?;
    Some([head.as_slice(), &rest].concat())
}

fn read_all(stream: &mut TcpStream, mut bytes: &mut [u8], is_over: &AtomicBool) -> Option<()> {
    while !bytes.is_empty() {
        match stream.read(bytes) {
            Ok(0) => return None,
            Ok(count) => bytes = &mut bytes[count..],
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if is_over.load(Ordering::Acquire) {
                    return None;
                }
            }
            Err(_) => return None,
        }
    }
    Some(())
}

/// `None`: no answer; an empty one: the connection ends.
fn answer(request: &[u8], memory: &mut Memory) -> Option<Vec<u8>> {
    let (id, unit, pdu) = ([request[0], request[1]], request[6], &request[7..]);
    let value = [pdu[3], pdu[4]];
    let mut answered = match pdu[0] {
        2 if memory.manner == Manner::NoInput => vec![0x82, 2],
        2 => vec![2, 1, u8::from(memory.input)],
        4 if memory.manner == Manner::Few => vec![4, 4, 0, 1, 0, 2],
        4 => [vec![4, 2], memory.register.to_be_bytes().to_vec()].concat(),
        5 => {
            memory.coil = value == [0xFF, 0];
            pdu.to_vec()
        }
        6 => {
            memory.holding = u16::from_be_bytes(value);
            pdu.to_vec()
        }
        function => vec![function | 0x80, 1],
    };
    if matches!(pdu[0], 5 | 6) {
        memory.writes.push(pdu[0]);
    }
    let mut id = id;
    match memory.manner {
        Manner::Silent => return None,
        Manner::Drops => return Some(Vec::new()),
        Manner::WrongId => id[1] ^= 1,
        Manner::Short => {
            answered.pop();
        }
        Manner::Good | Manner::Few | Manner::NoInput => {}
    }
    let length = u16::try_from(answered.len() + 1).expect("an answer is short");
    Some([&id[..], &[0, 0], &length.to_be_bytes(), &[unit], &answered].concat())
}

fn folder(file: &str, more: &str) -> TempDir {
    let project_file = format!(
        "[web]\nport = 0\n[[plc]]\nname = \"line\"\nprogram = \"line.txt\"\nscan_time_ms = 2\nautostart = true\n\
         io = \"coupler.ioconfig\"\n{more}"
    );
    let folder = project(&project_file);
    fs::write(folder.path().join("line.txt"), PROGRAM).expect("the folder takes a file");
    fs::write(folder.path().join("coupler.ioconfig"), file).expect("the folder takes a file");
    folder
}

fn start(coupler: &Coupler, more: &str) -> TestHub {
    TestHub::start_in(folder(&coupler.file(), more), |_| ()).expect("the hub of a test starts")
}

fn context(hub: &TestHub) -> Value {
    hub.get("/api/v1/plc/contexts/line")["context"].clone()
}

fn is_running(hub: &TestHub) -> bool {
    context(hub)["state"] == "Running"
}

fn reason(hub: &TestHub) -> String {
    context(hub)["io"]["reason"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn pl72_a_modbus_server_moves_inputs_and_is_moved_by_outputs() {
    let coupler = Coupler::start();
    coupler.set(|memory| memory.register = 0xFFF6);
    let hub = start(&coupler, "");
    eventually("the context runs", || is_running(&hub));
    let io = context(&hub)["io"].clone();
    assert_eq!((&io["state"], &io["drives"]), (&json!("up"), &json!(["I:0/0", "N:0"])));
    eventually("-10 and 1", || coupler.get(|memory| memory.holding) == 0xFFF7);
    coupler.set(|memory| memory.input = true);
    eventually("the lamp is on", || coupler.get(|memory| memory.coil));
    // Nothing that has not changed is written.
    let writes = coupler.get(|memory| memory.writes.len());
    coupler.set(|memory| memory.register = 7);
    eventually("7 and 1", || coupler.get(|memory| memory.holding) == 8);
    assert_eq!(coupler.get(|memory| memory.writes[writes..].to_vec()), [6]);
    // The end of the hub: the coil goes off, the register holds.
    hub.stop();
    assert!(!coupler.get(|memory| memory.coil));
    assert_eq!(coupler.get(|memory| memory.holding), 8);
}

#[test]
fn a_context_that_holds_leaves_its_coils_as_they_are() {
    let coupler = Coupler::start();
    coupler.set(|memory| memory.input = true);
    let hub = start(&coupler, "safe_state = \"hold\"\n");
    eventually("the lamp is on", || coupler.get(|memory| memory.coil));
    hub.stop();
    assert!(coupler.get(|memory| memory.coil));
}

#[test]
fn pl30_a_context_starts_when_its_coupler_has_booted() {
    let coupler = Coupler::start();
    coupler.set(|memory| memory.manner = Manner::Silent);
    let hub = start(&coupler, "");
    eventually("it is said", || reason(&hub).contains("no answer within 300 ms"));
    let row = context(&hub);
    assert_eq!(
        (&row["state"], &row["io"]["state"]),
        (&json!("Stopped"), &json!("waiting"))
    );
    let (status, refused) = hub.http("POST", "/api/v1/plc/contexts/line/command", r#"{"command":"start"}"#);
    assert_eq!(status, 409, "{refused}");
    // A person who tries a start decides for himself from then on.
    coupler.set(|memory| memory.manner = Manner::Good);
    eventually("it runs", || {
        hub.http("POST", "/api/v1/plc/contexts/line/command", r#"{"command":"start"}"#);
        is_running(&hub)
    });
    hub.stop();
}

#[test]
fn whatever_a_server_answers_wrongly_ends_the_connection_and_all_is_well_afterwards() {
    let cases = [
        (Manner::WrongId, "is that to another one"),
        (Manner::Short, "cannot be read"),
        (Manner::Few, "another length"),
        (Manner::Drops, "closed the connection"),
        (Manner::Silent, "no answer within 300 ms"),
    ];
    let coupler = Coupler::start();
    let hub = start(&coupler, "");
    eventually("the context runs", || is_running(&hub));
    for (manner, text) in cases {
        let connections = coupler.get(|memory| memory.connections);
        coupler.set(|memory| memory.manner = manner);
        eventually(text, || reason(&hub).contains(text));
        assert_eq!(context(&hub)["state"], "Running", "it holds");
        coupler.set(|memory| {
            memory.manner = Manner::Good;
            memory.coil = true;
        });
        eventually("it is back", || context(&hub)["io"]["state"] == "up");
        assert!(coupler.get(|memory| memory.connections) > connections, "{text}");
        // All outputs are written anew.
        eventually("the coil is as the program wants it", || {
            !coupler.get(|memory| memory.coil)
        });
    }
    hub.stop();
}

#[test]
fn an_exception_is_told_in_words_and_what_was_read_is_stale() {
    let coupler = Coupler::start();
    let hub = start(&coupler, "");
    eventually("the context runs", || is_running(&hub));
    coupler.set(|memory| memory.manner = Manner::NoInput);
    eventually("it is told", || {
        reason(&hub).contains("the device has no discrete input 17 (exception 2)")
    });
    let signal = hub.get("/api/v1/signals/plc%2Fline%2FI:0%2F0");
    assert_eq!(signal["reason"], "its device does not answer", "{signal}");
    assert_eq!(coupler.get(|memory| memory.connections), 1, "the connection goes on");
    coupler.set(|memory| memory.manner = Manner::Good);
    eventually("it is back", || context(&hub)["io"]["state"] == "up");
    hub.stop();
}

#[test]
fn a_lost_device_zeroes_or_faults_where_the_project_says_so() {
    for (choice, state) in [("zero", "Running"), ("fault", "Fault")] {
        let coupler = Coupler::start();
        coupler.set(|memory| memory.input = true);
        let hub = start(&coupler, &format!("on_io_failure = \"{choice}\"\n"));
        eventually("the lamp is on", || coupler.get(|memory| memory.coil));
        coupler.set(|memory| memory.manner = Manner::Silent);
        let lamp = || hub.get("/api/v1/signals/plc%2Fline%2FI:0%2F0")["value"].clone();
        eventually(choice, || {
            context(&hub)["state"] == state && (state == "Fault" || lamp() == false)
        });
        hub.stop();
    }
}
