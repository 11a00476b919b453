//! Scan threads: the turns of a worker under a clock of the test, and one story with a real thread.

use super::*;
use crate::core_task::{Door, Event};
use crate::io::{Device, Devices, Outputs, Slot, Status};
use crosstie_hub::plc::engine::ROOM_MIN;
use crosstie_hub::plc::{Border, Denial, DeviceInputs, LateScans, Program};
use crosstie_ladder::address::IO_WORDS;
use crosstie_ladder::controller::{Command, ControllerState, ScanTime};
use crosstie_ladder::data_table::CellValue;
use crosstie_ladder::project::IoClaims;
use std::cell::Cell;
use std::collections::VecDeque;
use std::time::Instant;

const PERIOD: u64 = 10_000;

/// A worker, the core's ends of its rings, and the time.
struct Bench {
    worker: Worker,
    orders: Producer<Numbered>,
    exchanges: Producer<Exchange>,
    entries: Consumer<Entry>,
    now: Now,
}

/// A clock that a test sets; each look at it takes a microsecond.
struct Now {
    time: Cell<u64>,
    manner: Manner,
    rate: f64,
}

impl Now {
    fn look(&self) -> u64 {
        self.time.set(self.time.get() + 1);
        self.time.get()
    }
}

impl Clock for Now {
    fn moment(&mut self) -> Option<Moment> {
        Some(Moment {
            // While the hub's time stands a look at it takes none.
            hub_us: if self.rate == 0.0 { self.time.get() } else { self.look() },
            manner: self.manner,
            rate: self.rate,
        })
    }

    fn now_ns(&self) -> u64 {
        self.look() * 1_000
    }
}

impl Default for Now {
    fn default() -> Now {
        Now {
            time: Cell::new(0),
            manner: Manner::Plain { since: 0 },
            rate: 1.0,
        }
    }
}

impl Bench {
    fn new() -> Bench {
        let (orders, taken) = ring::orders();
        let (sink, entries) = ring::entries();
        let (exchanges, exchanged) = ring::exchanges();
        Bench {
            worker: Worker::new(ControllerSettings::default(), taken, exchanged, sink),
            exchanges,
            orders,
            entries,
            now: Now::default(),
        }
    }

    /// With a program that runs and has done its first scan.
    fn running(program: &str) -> Bench {
        let mut bench = Bench::new();
        bench.order(1, load(program));
        bench.order(2, Order::Command(Command::Start));
        bench.turn_at(0);
        bench.turn_at(0);
        bench
    }

    fn order(&mut self, number: u64, order: Order) {
        self.orders.push(Numbered::by_driver(number, order)).unwrap();
    }

    fn feed(&mut self, address: &str, value: CellValue) {
        let address = address.parse().unwrap();
        self.order(0, Order::Feed { address, value });
    }

    fn turn_at(&mut self, now: u64) -> Next {
        self.now.time.set(now);
        self.worker.turn(&mut self.now, || {})
    }

    /// Turns at the times that the worker wants, as a thread does.
    fn scans(&mut self, count: usize) {
        for _ in 0..count {
            let Next::ScanAt(due) = self.turn_at(self.now.time.get()) else {
                panic!("it does not run");
            };
            self.turn_at(due);
        }
    }

    /// Scans that the engine has executed.
    fn executed(&self) -> u64 {
        self.worker.engine.controller().statistics().scan_count
    }

    fn told(&mut self) -> Vec<Entry> {
        std::iter::from_fn(|| self.entries.pop().ok()).collect()
    }

    fn borders(&mut self) -> Vec<Border> {
        borders(&self.told())
    }

    fn answers(&mut self) -> Vec<(u64, bool)> {
        answers(&self.told())
    }
}

fn borders(told: &[Entry]) -> Vec<Border> {
    told.iter()
        .filter_map(|entry| match entry {
            Entry::Border(border) => Some(*border),
            _ => None,
        })
        .collect()
}

fn answers(told: &[Entry]) -> Vec<(u64, bool)> {
    told.iter()
        .filter_map(|entry| match entry {
            Entry::Answer { number, result } => Some((*number, result.is_ok())),
            _ => None,
        })
        .collect()
}

fn load(program: &str) -> Order {
    Order::Load(Program::read(program).unwrap().compiled)
}

const COPY: &str = "SOR XIC I:0/0 OTE O:0/0 EOR\n";

#[test]
fn orders_are_executed_at_once_while_nobody_scans_and_at_the_border_while_it_runs() {
    let mut bench = Bench::new();
    assert_eq!(bench.turn_at(5), Next::WhenTold);
    assert_eq!(bench.told(), []);
    bench.order(1, load(COPY));
    assert_eq!(bench.turn_at(10), Next::WhenTold);
    assert_eq!(bench.answers(), [(1, true)]);
    bench.order(2, Order::Command(Command::Start));
    let Next::ScanAt(first) = bench.turn_at(1_000) else {
        panic!("it runs")
    };
    assert!(
        (1_000..1_010).contains(&first),
        "the first scan is due at once: {first}"
    );
    assert_eq!(bench.answers(), [(2, true)]);

    assert_eq!(bench.turn_at(first), Next::ScanAt(first + PERIOD));
    bench.order(3, Order::SetBreakpoint(9));
    assert_eq!(bench.turn_at(first + PERIOD - 10), Next::ScanAt(first + PERIOD));
    assert_eq!(bench.answers(), [], "not before the border");
    assert_eq!(bench.turn_at(first + PERIOD), Next::ScanAt(first + 2 * PERIOD));
    assert_eq!(bench.answers(), [(3, false)]);
}

#[test]
fn the_first_scan_of_a_run_gets_the_target_time_and_the_others_what_has_passed() {
    let mut bench = Bench::running(COPY);
    bench.scans(1);
    let Next::ScanAt(due) = bench.turn_at(bench.now.time.get()) else {
        panic!("it runs")
    };
    assert_eq!(bench.turn_at(due + 3_000), Next::ScanAt(due + PERIOD));
    bench.turn_at(due + PERIOD);
    let times = |borders: Vec<Border>| -> Vec<u32> {
        borders
            .iter()
            .filter(|border| border.scans > 0)
            .map(|border| border.dt_us)
            .collect()
    };
    let all = times(bench.borders());
    assert_eq!(all[0], 10_000);
    assert!(all[2].abs_diff(13_000) < 10 && all[3].abs_diff(7_000) < 10, "{all:?}");

    bench.order(3, Order::Command(Command::Pause));
    bench.order(4, Order::Command(Command::Resume));
    bench.scans(1);
    assert_eq!(times(bench.borders()), [10_000], "a pause does not count");
}

#[test]
fn a_stop_ends_the_run_at_its_border_and_shows_what_routes_say_from_then_on() {
    let mut bench = Bench::running(COPY);
    bench.order(3, Order::Command(Command::Stop));
    bench.feed("I:0/0", CellValue::Bit(true));
    let next = bench.turn_at(2 * PERIOD);
    assert_eq!(next, Next::WhenTold);
    let told = bench.told();
    assert_eq!(answers(&told).last(), Some(&(3, true)));
    let last = borders(&told).last().copied().unwrap();
    assert!(last.is_safe && last.state == ControllerState::Stopped, "{last:?}");
    assert!(matches!(told.last(), Some(Entry::Change { after: 1, .. })), "{told:?}");

    bench.feed("I:0/0", CellValue::Bit(false));
    bench.turn_at(3 * PERIOD);
    assert!(matches!(bench.told().last(), Some(Entry::Change { after: 0, .. })));
    assert!(!bench.worker.has_work());
}

#[test]
fn values_leave_the_ring_between_two_scans_and_reach_the_program_at_the_border() {
    let mut bench = Bench::running(COPY);
    bench.scans(1);
    bench.told();
    bench.feed("I:0/0", CellValue::Bit(true));
    bench.feed("I:0/0", CellValue::Bit(false));
    bench.turn_at(bench.now.time.get());
    assert_eq!(bench.orders.slots(), ORDERS_MAX, "the ring is free for newer ones");
    assert_eq!(bench.told(), []);
    bench.scans(3);
    let outputs: Vec<u32> = (bench.told().iter())
        .filter_map(|entry| match entry {
            Entry::Drive { word: 0, bits } => Some(*bits),
            _ => None,
        })
        .collect();
    assert_eq!(outputs, [1, 0], "a pulse between two scans is one scan long");
}

#[test]
fn a_core_that_takes_nothing_loses_no_answer_and_stops_no_scan() {
    let mut bench = Bench::running("SOR CTU C:0 30000 EOR\nSOR XIC B:0/0 RES C:0 EOR\n");
    let mut given = 2;
    bench.scans(ROOM_MIN * 2);
    while bench.orders.slots() > ORDERS_MAX - 100 {
        given += 1;
        bench.order(given, Order::SetBreakpoint(7));
    }
    bench.scans(10);
    assert!(bench.executed() > 2 * ROOM_MIN as u64);
    assert!(
        bench.orders.slots() < ORDERS_MAX,
        "orders wait: there is no room for their answers"
    );

    let first = bench.told();
    assert!(first.len() > ROOM_MIN);
    bench.scans(10);
    let rest = bench.told();
    let mut all = answers(&first);
    all.extend(answers(&rest));
    let expected: Vec<u64> = (1..=given).collect();
    assert_eq!(all.iter().map(|answer| answer.0).collect::<Vec<_>>(), expected);
    let told: u64 = (borders(&first).iter().chain(&borders(&rest)))
        .map(|border| u64::from(border.scans))
        .sum();
    assert_eq!(told, bench.executed(), "merged scans are counted");
}

#[test]
fn a_flood_of_orders_holds_up_no_scan() {
    let mut bench = Bench::running(COPY);
    bench.told();
    while bench.orders.slots() > 0 {
        bench.feed("N:3", CellValue::Word(7));
    }
    let before = bench.executed();
    bench.scans(1);
    assert_eq!(bench.executed(), before + 1);
}

/// Takes what a thread tells until it is enough.
fn eventually_told(
    door: &Door,
    bell: &Bell,
    thread: &mut ScanThread,
    what: &str,
    is_enough: impl Fn(&[Entry]) -> bool,
) -> Vec<Entry> {
    let until = Instant::now() + Duration::from_secs(20);
    let (mut told, mut events) = (Vec::new(), VecDeque::new());
    while !is_enough(&told) {
        assert!(Instant::now() < until, "{what}: {told:?}");
        door.take(Some(until), &mut events);
        assert!(events.drain(..).all(|event| matches!(event, Event::EnginesTold)));
        bell.silence();
        thread.take(&mut told);
    }
    told
}

#[test]
fn a_thread_scans_by_itself_answers_and_ends() {
    let door = Door::new();
    let bell = Bell::start(door.clone()).unwrap();
    let settings = ControllerSettings {
        target_scan: ScanTime::MIN,
        ..ControllerSettings::default()
    };
    let mut thread = ScanThread::start(
        "line",
        settings,
        RealtimeWish::default(),
        &Crowd::new(1),
        (&bell, &ClockHandle::default()),
    )
    .unwrap();
    let order = |number, order| Numbered::by_driver(number, order);
    thread.hand_in(order(1, load(COPY))).unwrap();
    let told = eventually_told(&door, &bell, &mut thread, "it is woken for an order", |told| {
        !answers(told).is_empty()
    });
    assert_eq!(answers(&told), [(1, true)]);
    let address = "I:0/0".parse().unwrap();
    let value = CellValue::Bit(true);
    thread.hand_in(order(0, Order::Feed { address, value })).unwrap();
    thread.hand_in(order(2, Order::Command(Command::Start))).unwrap();
    eventually_told(&door, &bell, &mut thread, "the output follows", |told| {
        told.iter()
            .any(|entry| matches!(entry, Entry::Drive { word: 0, bits: 1 }))
    });
    let told = eventually_told(&door, &bell, &mut thread, "it goes on", |told| {
        borders(told).last().is_some_and(|border| border.scan > 50)
    });
    let numbers: Vec<u64> = borders(&told).iter().map(|border| border.scan).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
    thread.hand_in(order(3, Order::Command(Command::Stop))).unwrap();
    let told = eventually_told(&door, &bell, &mut thread, "it stops", |told| !answers(told).is_empty());
    assert_eq!(answers(&told), [(3, true)]);
    thread.end();
    thread.join();
    bell.end();
}

/// What the system grants, as it was told.
fn granted(told: &[Entry]) -> Vec<RealtimeAnswer> {
    told.iter()
        .filter_map(|entry| match entry {
            Entry::Realtime(answer) => Some(*answer),
            _ => None,
        })
        .collect()
}

#[test]
fn a_thread_may_spin_while_a_cpu_is_left_and_tells_when_that_changes() {
    let door = Door::new();
    let bell = Bell::start(door.clone()).unwrap();
    let wish = RealtimeWish {
        spin: true,
        ..RealtimeWish::default()
    };
    let crowd = Crowd::new(2);
    crowd.count(1);
    let mut thread = ScanThread::start(
        "line",
        ControllerSettings::default(),
        wish,
        &crowd,
        (&bell, &ClockHandle::default()),
    )
    .unwrap();
    let told = eventually_told(&door, &bell, &mut thread, "it tells how it runs", |told| {
        !granted(told).is_empty()
    });
    assert_eq!(granted(&told).last().unwrap().spin, Granted::Yes);
    // It scans, each time after a wait with its eyes open.
    let order = |number, order| Numbered::by_driver(number, order);
    thread.hand_in(order(1, load(COPY))).unwrap();
    thread.hand_in(order(2, Order::Command(Command::Start))).unwrap();
    eventually_told(&door, &bell, &mut thread, "it scans", |told| {
        borders(told).last().is_some_and(|border| border.scan > 5)
    });
    crowd.count(2);
    thread.look_around();
    let told = eventually_told(&door, &bell, &mut thread, "another context is there", |told| {
        !granted(told).is_empty()
    });
    let crowded = Denial::Crowded { contexts: 2, cpus: 2 };
    assert_eq!(granted(&told).last().unwrap().spin, Granted::No(crowded));
    thread.end();
    thread.join();
    bell.end();
}

#[test]
fn a_late_scan_is_counted_with_those_that_it_missed() {
    let mut bench = Bench::running(COPY);
    bench.scans(1);
    bench.told();
    // Due at some time within the first tenth of a second, and it comes a second later.
    bench.turn_at(1_000_000);
    let late: Vec<LateScans> = bench
        .told()
        .iter()
        .filter_map(|entry| match entry {
            Entry::Late(late) => Some(*late),
            _ => None,
        })
        .collect();
    let [late] = late[..] else { panic!("{late:?}") };
    assert_eq!((late.count, late.tardy), (1, 1));
    assert_eq!(u64::from(late.missed), u64::from(late.max_us) / PERIOD);
    assert!(late.missed > 90, "{late:?}");
}

/// A device that counts how it was used, and breaks when told.
#[derive(Debug, Default)]
struct Probe {
    shared: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    input: AtomicBool,
    safe: AtomicBool,
    carried: AtomicBool,
    closed: AtomicBool,
}

impl Device for Probe {
    fn read(&mut self, inputs: &mut DeviceInputs) {
        let on = self.shared.input.load(Ordering::Relaxed);
        inputs.bits.words[0] = inputs.bits.words[0] & !1 | u32::from(on);
        inputs.bits.driven[0] |= 1;
    }

    fn write(&mut self, outputs: &Outputs<'_>) {
        self.shared.safe.store(outputs.bits.is_none(), Ordering::Relaxed);
        let word = outputs.bits.unwrap_or(&[0; IO_WORDS])[0];
        self.shared.carried.store(word & 1 == 1, Ordering::Relaxed);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
    }
}

impl Bench {
    /// Gives the worker a probe; `zero_lost` as the project says it.
    fn probe(&mut self, zero_lost: bool) -> (Arc<Seen>, Arc<Status>) {
        let (shared, status) = (Arc::new(Seen::default()), Arc::new(Status::new(|| {})));
        let mut claims = IoClaims::default();
        claims.inputs[0] = 1;
        let slot = Slot {
            device: Box::new(Probe {
                shared: Arc::clone(&shared),
            }),
            claims,
            status: Arc::clone(&status),
        };
        let devices = Box::new(Devices::new(vec![slot], zero_lost));
        self.give(devices);
        (shared, status)
    }

    fn give(&mut self, devices: Box<Devices>) {
        let (give_back, _) = std::sync::mpsc::sync_channel(1);
        self.exchanges.push(Exchange { devices, give_back }).unwrap();
    }
}

#[test]
fn a_scan_reads_devices_before_and_writes_them_after_it() {
    let mut bench = Bench::running("SOR XIC I:0/0 OTE O:0/0 EOR\n");
    let (seen, status) = bench.probe(false);
    status.up();
    seen.input.store(true, Ordering::Relaxed);
    bench.scans(1);
    assert!(seen.carried.load(Ordering::Relaxed), "in the same scan");
    seen.input.store(false, Ordering::Relaxed);
    bench.scans(1);
    assert!(!seen.carried.load(Ordering::Relaxed));
    bench.order(3, Order::Command(Command::Stop));
    bench.scans(1);
    assert!(seen.safe.load(Ordering::Relaxed));
    // A step sees them as well, and its outputs are carried.
    seen.input.store(true, Ordering::Relaxed);
    bench.order(4, Order::Command(Command::StepScan));
    bench.turn_at(bench.now.time.get());
    assert!(seen.carried.load(Ordering::Relaxed));
    bench.give(Box::default());
    assert!(bench.worker.has_work());
    bench.turn_at(bench.now.time.get());
    assert!(seen.closed.load(Ordering::Relaxed), "nobody waits for it");
}

#[test]
fn what_a_lost_device_says_holds_or_is_zero_until_it_is_back() {
    for (zero_lost, expected) in [(false, true), (true, false)] {
        let mut bench = Bench::running("SOR XIC I:0/0 OTE O:0/0 EOR\n");
        let (seen, status) = bench.probe(zero_lost);
        status.border_worked();
        seen.input.store(true, Ordering::Relaxed);
        bench.scans(1);
        assert!(seen.carried.load(Ordering::Relaxed));
        status.border_failed(5);
        bench.scans(1);
        assert_eq!(seen.carried.load(Ordering::Relaxed), expected);
        let report = status.report();
        assert_eq!((report.errors, report.reason.is_some()), (1, true), "{report:?}");
        status.border_worked();
        bench.scans(1);
        assert!(seen.carried.load(Ordering::Relaxed));
        assert_eq!(status.report().reason, None);
    }
}

impl Bench {
    /// The hub's time goes by steps from now on.
    fn stepped(&mut self) {
        self.now.manner = Manner::Stepped;
        self.stand();
    }

    fn stand(&mut self) {
        self.now.rate = 0.0;
    }

    /// Turns as a thread does whose clock stands at this time, until nothing is due any more.
    fn stand_at(&mut self, now: u64) {
        self.stand();
        while let Next::SlowScanAt(due) | Next::ScanAt(due) = self.turn_at(now) {
            if due > now {
                return;
            }
        }
    }

    /// The times that the scans got that were told since the last look.
    fn times(&mut self) -> Vec<u32> {
        let borders = self.borders();
        let scans = borders.iter().filter(|border| border.scans > 0);
        scans.map(|border| border.dt_us).collect()
    }
}

#[test]
fn a_step_of_ten_periods_is_exactly_ten_scans_of_a_period_each() {
    let mut bench = Bench::running(COPY);
    bench.scans(2);
    let stands = bench.now.time.get();
    bench.stepped();
    bench.stand_at(stands);
    bench.told();
    let before = bench.executed();
    for step in 1..=5_u64 {
        let until = stands + step * 10 * PERIOD;
        // The thread comes somewhere within the step, and late after its end.
        bench.now.rate = 1.0;
        bench.turn_at(until - 3 * PERIOD - 17);
        bench.stand_at(until);
        assert_eq!(bench.executed(), before + step * 10);
        let times = bench.times();
        assert_eq!(times.len(), 10);
        // The scan before the first step began a little later than it was due.
        assert!(times[0].abs_diff(PERIOD as u32) < 20, "{times:?}");
        assert!(times[1..].iter().all(|time| *time == PERIOD as u32), "{times:?}");
        bench.stand_at(until);
        assert_eq!(bench.executed(), before + step * 10, "it stands");
    }
}

#[test]
fn at_a_hundred_times_the_speed_no_scan_is_skipped_and_each_gets_its_own_time() {
    let mut bench = Bench::running(COPY);
    bench.scans(1);
    let at = bench.now.time.get();
    (bench.now.manner, bench.now.rate) = (Manner::Exact, 100.0);
    bench.told();
    let before = bench.executed();
    // Woken every 1.3 ms of the world.
    for turn in 1..=20 {
        let now = at + turn * 130_000;
        while let Next::ScanAt(due) = bench.turn_at(now)
            && due <= now
        {}
    }
    let periods = 20 * 130_000 / PERIOD;
    assert!((periods..=periods + 1).contains(&(bench.executed() - before)));
    let late = bench.told();
    let missed = late
        .iter()
        .filter(|entry| matches!(entry, Entry::Late(late) if late.missed > 0));
    assert_eq!(missed.count(), 0);
}

#[test]
fn while_the_time_stands_orders_are_executed_and_no_scan() {
    let mut bench = Bench::running(COPY);
    bench.scans(1);
    let stands = bench.now.time.get();
    bench.stepped();
    bench.stand_at(stands);
    bench.told();
    let before = bench.executed();
    let address = "N:3".parse().unwrap();
    let value = CellValue::Word(7);
    bench.order(3, Order::Write { address, value });
    bench.feed("I:0/0", CellValue::Bit(true));
    assert!(bench.worker.has_orders());
    assert!(matches!(bench.turn_at(stands), Next::SlowScanAt(_)));
    assert_eq!((bench.answers(), bench.executed()), (vec![(3, true)], before));
    assert!(!bench.worker.has_orders());
    bench.order(4, Order::Command(Command::Stop));
    assert_eq!(bench.turn_at(stands), Next::WhenTold);
    assert_eq!(bench.answers(), [(4, true)]);
}

#[test]
fn a_thread_follows_the_clock_that_is_published() {
    let door = Door::new();
    let (bell, clock) = (Bell::start(door.clone()).unwrap(), ClockHandle::default());
    let mut goes = clock.clone().clock();
    let mut publish = |mode, rate, step: Option<Duration>| {
        clock.close();
        let now = clock.world();
        let until = step.map(|step| goes.at(now) + step);
        goes.go(now, mode, rate, until);
        clock.publish(goes);
    };
    publish(ClockMode::Stepped, 0.0, None);
    let settings = ControllerSettings {
        target_scan: ScanTime::from_us(10_000).unwrap(),
        ..ControllerSettings::default()
    };
    let crowd = Crowd::new(1);
    let mut thread = ScanThread::start("line", settings, RealtimeWish::default(), &crowd, (&bell, &clock)).unwrap();
    let order = |number, order| Numbered::by_driver(number, order);
    thread.hand_in(order(1, load(COPY))).unwrap();
    thread.hand_in(order(2, Order::Command(Command::Start))).unwrap();
    let scans = |told: &[Entry]| borders(told).iter().map(|border| border.scans).sum::<u32>();
    let told = eventually_told(&door, &bell, &mut thread, "it starts with its first scan", |told| {
        scans(told) > 0
    });
    assert_eq!(scans(&told), 1);
    // A tenth of a second, and a second answer behind it: what the thread has told by then is all of the step.
    publish(ClockMode::Stepped, 1.0, Some(Duration::from_millis(100)));
    thread.look_around();
    let told = eventually_told(&door, &bell, &mut thread, "it scans the step", |told| scans(told) >= 10);
    publish(ClockMode::Stepped, 0.0, None);
    thread.look_around();
    thread.hand_in(order(3, Order::SetBreakpoint(9))).unwrap();
    let rest = eventually_told(&door, &bell, &mut thread, "it answers while it stands", |told| {
        !answers(told).is_empty()
    });
    assert_eq!(scans(&told) + scans(&rest), 10);
    thread.end();
    thread.join();
    bell.end();
}
