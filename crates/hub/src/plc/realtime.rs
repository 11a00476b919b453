//! What a context asks of the operating system so that its scans begin on time, what the system has answered, and how that is
//! said to people.

use serde::{Deserialize, Serialize};

/// What a context asks for its scan thread. By default nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RealtimeWish {
    /// A fixed real-time priority, 1 to 99: the thread goes before everything of a lower one.
    pub priority: Option<u8>,
    /// The only CPU that it runs on, counted from 0.
    pub cpu: Option<u16>,
    /// It waits for the last moment before a scan with its eyes open.
    pub spin: bool,
}

/// What came of one wish.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Granted {
    /// Nobody has wished it.
    #[default]
    NotAsked,
    /// It is so.
    Yes,
    /// It is not.
    No(Denial),
}

/// Why a wish is not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Denial {
    /// The process has no right to it.
    NotPermitted,
    /// No more than so many kB may be locked, and a process that locks all its memory would fail when it needs more.
    LockLimit {
        /// The limit.
        kb: u64,
    },
    /// There is no such CPU, or it is not for this process.
    NoSuchCpu,
    /// As many contexts as CPUs, or more.
    Crowded {
        /// Contexts that scan on this machine.
        contexts: u16,
        /// CPUs that the process may use.
        cpus: u16,
    },
    /// This operating system has no such thing.
    Unsupported,
    /// The system says something else: its error number.
    Failed(i32),
}

/// What the system has answered a scan thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealtimeAnswer {
    /// To [`RealtimeWish::priority`].
    pub priority: Granted,
    /// To [`RealtimeWish::cpu`].
    pub cpu: Granted,
    /// To [`RealtimeWish::spin`].
    pub spin: Granted,
}

/// How a scan thread runs, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Realtime {
    /// Its real-time priority.
    pub priority: Option<u8>,
    /// The only CPU that it runs on.
    pub cpu: Option<u16>,
    /// It waits for a scan with its eyes open.
    pub spin: bool,
    /// The memory of the process stays in the machine's memory.
    pub locked_memory: bool,
    /// What the system has not granted, each in words.
    pub denied: Vec<String>,
    /// What to do about each of them.
    pub(crate) hints: Vec<&'static str>,
}

impl Realtime {
    /// Says what came of a wish.
    pub fn of(wish: RealtimeWish, answer: RealtimeAnswer, memory: Granted) -> Realtime {
        let mut realtime = Realtime {
            priority: wish.priority.filter(|_| answer.priority == Granted::Yes),
            cpu: wish.cpu.filter(|_| answer.cpu == Granted::Yes),
            spin: wish.spin && answer.spin == Granted::Yes,
            locked_memory: memory == Granted::Yes,
            ..Realtime::default()
        };
        if let (Some(priority), Granted::No(why)) = (wish.priority, answer.priority) {
            let hint =
                "grant it: `setcap cap_sys_nice,cap_ipc_lock+ep` on the program, or LimitRTPRIO= in its service file";
            realtime.deny(format!("real-time priority {priority}"), why, hint);
        }
        if let (Some(cpu), Granted::No(why)) = (wish.cpu, answer.cpu) {
            let hint = "name a CPU that this machine has and that the process may use";
            realtime.deny(format!("CPU {cpu}"), why, hint);
        }
        if let (true, Granted::No(why)) = (wish.spin, answer.spin) {
            let hint = "end `spin` of the context, or leave a CPU without a context";
            realtime.deny(String::from("busy waiting"), why, hint);
        }
        if let Granted::No(why) = memory {
            let hint = "lift the limit: LimitMEMLOCK=infinity in its service file, or `setcap cap_sys_nice,cap_ipc_lock+ep` on the program";
            realtime.deny(String::from("locked memory"), why, hint);
        }
        realtime
    }

    fn deny(&mut self, what: String, why: Denial, hint: &'static str) {
        self.hints.push(match why {
            Denial::Unsupported => "end the setting, or use Linux",
            _ => hint,
        });
        let why = match why {
            Denial::NotPermitted => String::from("not permitted"),
            Denial::LockLimit { kb } => format!("the limit is {kb} kB"),
            Denial::NoSuchCpu => String::from("not there, or not for this process"),
            Denial::Crowded { contexts, cpus } => {
                format!("it wants a CPU for itself, and {contexts} contexts scan on {cpus} CPUs")
            }
            Denial::Unsupported => String::from("not on this operating system"),
            Denial::Failed(number) => format!("the system answers with error {number}"),
        };
        self.denied.push(format!("no {what}: {why}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISH: RealtimeWish = RealtimeWish {
        priority: Some(50),
        cpu: Some(3),
        spin: true,
    };

    #[test]
    fn what_is_granted_is_shown_and_nothing_is_said() {
        let answer = RealtimeAnswer {
            priority: Granted::Yes,
            cpu: Granted::Yes,
            spin: Granted::Yes,
        };
        let expected = Realtime {
            priority: Some(50),
            cpu: Some(3),
            spin: true,
            locked_memory: true,
            ..Realtime::default()
        };
        assert_eq!(Realtime::of(WISH, answer, Granted::Yes), expected);
        let nothing = Realtime::of(RealtimeWish::default(), RealtimeAnswer::default(), Granted::NotAsked);
        assert_eq!(nothing, Realtime::default());
    }

    #[test]
    fn what_is_not_granted_is_said_with_what_to_do() {
        let answer = RealtimeAnswer {
            priority: Granted::No(Denial::NotPermitted),
            cpu: Granted::No(Denial::NoSuchCpu),
            spin: Granted::No(Denial::Crowded { contexts: 2, cpus: 2 }),
        };
        let said = Realtime::of(WISH, answer, Granted::No(Denial::LockLimit { kb: 8_192 }));
        let expected = [
            "no real-time priority 50: not permitted",
            "no CPU 3: not there, or not for this process",
            "no busy waiting: it wants a CPU for itself, and 2 contexts scan on 2 CPUs",
            "no locked memory: the limit is 8192 kB",
        ];
        assert_eq!(said.denied, expected);
        assert_eq!(
            (said.priority, said.cpu, said.spin, said.locked_memory),
            (None, None, false, false)
        );
        assert_eq!(said.hints.len(), expected.len());
        assert!(said.hints[0].contains("cap_sys_nice") && said.hints[3].contains("LimitMEMLOCK"));
        let answer = RealtimeAnswer {
            priority: Granted::No(Denial::Failed(22)),
            cpu: Granted::No(Denial::Unsupported),
            spin: Granted::Yes,
        };
        let said = Realtime::of(WISH, answer, Granted::NotAsked);
        let expected = [
            "no real-time priority 50: the system answers with error 22",
            "no CPU 3: not on this operating system",
        ];
        assert_eq!(said.denied, expected);
        assert_eq!(said.hints[1], "end the setting, or use Linux");
        assert!(said.spin);
    }
}
