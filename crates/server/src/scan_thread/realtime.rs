//! What a scan thread asks of the operating system: a priority, a CPU, exact timers; and whether it may wait with its eyes open.
//!
//! Nothing of it is needed to run. What the system refuses is told, and the thread scans without it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crosstie_hub::plc::{Denial, Granted, RealtimeAnswer, RealtimeWish};

/// How long before a scan is due a thread that waits with its eyes open wakes up, in microseconds: more than the system is
/// late with most of its wake-ups.
pub(super) const SPIN_MARGIN_US: u64 = 100;

/// What the threads of one hub share: how many they are, and for how many there is a CPU.
#[derive(Clone, Debug)]
pub(crate) struct Crowd {
    threads: Arc<AtomicUsize>,
    cpus: usize,
}

impl Crowd {
    /// Nobody yet, on so many CPUs.
    pub(crate) fn new(cpus: usize) -> Crowd {
        Crowd {
            threads: Arc::default(),
            cpus,
        }
    }

    /// Nobody yet, on the CPUs that this process may use.
    pub(crate) fn of_this_machine() -> Crowd {
        Crowd::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// So many scan threads are there now.
    pub(crate) fn count(&self, threads: usize) {
        self.threads.store(threads, Ordering::Relaxed);
    }

    /// Whether one of them may keep a CPU busy: only when one is left for everything else.
    pub(super) fn spin(&self) -> Granted {
        let contexts = self.threads.load(Ordering::Relaxed);
        match contexts < self.cpus {
            true => Granted::Yes,
            false => Granted::No(Denial::Crowded {
                contexts: small(contexts),
                cpus: small(self.cpus),
            }),
        }
    }
}

fn small(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// Asks the system for what the calling thread wishes. Whether it may spin is asked again and again, of its crowd.
pub(super) fn ask(wish: RealtimeWish) -> RealtimeAnswer {
    system::exact_timers();
    RealtimeAnswer {
        // The CPU first: with a priority the thread could be held up on one that is not its own.
        cpu: wish.cpu.map_or(Granted::NotAsked, system::pin),
        priority: wish.priority.map_or(Granted::NotAsked, system::prioritize),
        spin: Granted::NotAsked,
    }
}

/// Keeps all memory of the process, also that of later, in the memory of the machine.
///
/// Where only some memory may be locked it does nothing: the process would be refused memory as soon as it needs more.
pub(crate) fn lock_memory() -> Granted {
    system::lock_memory()
}

#[cfg(target_os = "linux")]
mod system {
    use super::{Denial, Granted};
    use rustix::io::Errno;
    use rustix::mm::{MlockAllFlags, mlockall};
    use rustix::process::{Resource, getrlimit};
    use rustix::thread::{CapabilitySet, CpuSet, capabilities, sched_setaffinity, set_current_timer_slack};
    use std::num::NonZeroU64;
    use thread_priority::{
        Error, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
        set_thread_priority_and_policy, thread_native_id,
    };

    /// By default the system wakes a thread up to 50 µs late to wake several at once. That is for none of ours.
    pub(super) fn exact_timers() {
        // Nobody is told when it fails: it is granted to every thread.
        let _ = set_current_timer_slack(NonZeroU64::new(1));
    }

    pub(super) fn pin(cpu: u16) -> Granted {
        let cpu = usize::from(cpu);
        if cpu >= CpuSet::MAX_CPU {
            return Granted::No(Denial::NoSuchCpu);
        }
        let mut set = CpuSet::new();
        set.set(cpu);
        match sched_setaffinity(None, &set) {
            Ok(()) => Granted::Yes,
            Err(Errno::INVAL) => Granted::No(Denial::NoSuchCpu),
            Err(error) => Granted::No(denial(error.raw_os_error())),
        }
    }

    pub(super) fn prioritize(priority: u8) -> Granted {
        let Ok(priority) = ThreadPriorityValue::try_from(priority) else {
            return Granted::No(denial(Errno::INVAL.raw_os_error()));
        };
        let (priority, fifo) = (
            ThreadPriority::Crossplatform(priority),
            ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo),
        );
        match set_thread_priority_and_policy(thread_native_id(), priority, fifo) {
            Ok(()) => Granted::Yes,
            Err(Error::OS(number)) => Granted::No(denial(number)),
            Err(_) => Granted::No(denial(Errno::INVAL.raw_os_error())),
        }
    }

    pub(super) fn lock_memory() -> Granted {
        let limit = getrlimit(Resource::Memlock).current;
        let may_all = capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
        if let Some(why) = super::lock_denial(limit, may_all) {
            return Granted::No(why);
        }
        match mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE) {
            Ok(()) => Granted::Yes,
            Err(error) => Granted::No(denial(error.raw_os_error())),
        }
    }

    fn denial(number: i32) -> Denial {
        match Errno::from_raw_os_error(number) {
            Errno::PERM | Errno::ACCESS => Denial::NotPermitted,
            _ => Denial::Failed(number),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use super::{Denial, Granted};

    pub(super) fn exact_timers() {}

    pub(super) fn pin(_: u16) -> Granted {
        Granted::No(Denial::Unsupported)
    }

    pub(super) fn prioritize(_: u8) -> Granted {
        Granted::No(Denial::Unsupported)
    }

    pub(super) fn lock_memory() -> Granted {
        Granted::No(Denial::Unsupported)
    }
}

/// Why all memory must not be locked, under a limit in bytes and with the right to pass over it or not.
#[cfg(any(target_os = "linux", test))]
fn lock_denial(limit: Option<u64>, may_all: bool) -> Option<Denial> {
    let limit = limit.filter(|_| !may_all)?;
    Some(Denial::LockLimit { kb: limit / 1_024 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_locked_only_where_that_starves_nobody() {
        assert_eq!(lock_denial(None, false), None);
        assert_eq!(lock_denial(Some(8 << 20), true), None);
        assert_eq!(lock_denial(Some(8 << 20), false), Some(Denial::LockLimit { kb: 8_192 }));
        assert_eq!(lock_denial(Some(0), false), Some(Denial::LockLimit { kb: 0 }));
    }

    #[test]
    fn busy_waiting_leaves_a_cpu_to_everybody_else() {
        let crowd = Crowd::new(2);
        crowd.count(1);
        assert_eq!(crowd.spin(), Granted::Yes);
        crowd.count(2);
        let denial = Denial::Crowded { contexts: 2, cpus: 2 };
        assert_eq!(crowd.spin(), Granted::No(denial));
    }

    /// What a thread of its own runs with after it has asked: its answers, its policy and priority, its CPUs.
    #[cfg(target_os = "linux")]
    fn asked(wish: RealtimeWish) -> (RealtimeAnswer, Option<i32>, Vec<usize>) {
        use thread_priority::{
            RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, thread_native_id, thread_schedule_policy_param,
        };
        let thread = std::thread::spawn(move || {
            let answer = ask(wish);
            let (policy, params) = thread_schedule_policy_param(thread_native_id()).unwrap();
            let fifo = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
            let cpus = rustix::thread::sched_getaffinity(None).unwrap();
            let cpus = (0..rustix::thread::CpuSet::MAX_CPU).filter(|cpu| cpus.is_set(*cpu));
            // With a priority there is none at all.
            assert!(rustix::thread::current_timer_slack().is_ok_and(|slack| slack <= 1));
            let priority = (policy == fifo).then_some(params.sched_priority);
            (answer, priority, cpus.collect())
        });
        thread.join().unwrap()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_runs_with_what_was_granted_and_without_what_was_not() {
        let (answer, priority, all) = asked(RealtimeWish::default());
        assert_eq!((answer, priority), (RealtimeAnswer::default(), None));
        let cpu = *all.first().unwrap();
        let wish = RealtimeWish {
            priority: Some(7),
            cpu: Some(cpu as u16),
            spin: false,
        };
        let (answer, priority, cpus) = asked(wish);
        assert_eq!((answer.cpu, cpus), (Granted::Yes, vec![cpu]));
        // Not every machine that runs this permits it.
        let expected = match priority {
            Some(7) => Granted::Yes,
            _ => Granted::No(Denial::NotPermitted),
        };
        assert_eq!(answer.priority, expected);
        let wish = RealtimeWish {
            cpu: Some(u16::MAX),
            ..RealtimeWish::default()
        };
        let (answer, _, cpus) = asked(wish);
        assert_eq!((answer.cpu, cpus), (Granted::No(Denial::NoSuchCpu), all));
    }
}
