//! The stand-ins that run beside a hub (`run --practice`).

use std::path::Path;

use tokio::sync::watch;

use super::summary::reachable;
use super::{RunError, RunningHub};
use crate::config::{Config, PracticeConfig};
use crate::http::Side;
use crate::practice::{gama, headset, twin};

/// The stand-ins of a project before its hub is there.
#[derive(Default)]
pub(super) struct Practices {
    all: Vec<PracticeConfig>,
    /// Its port is taken before the hub looks for GAMA, so that it is found at the first attempt.
    gama: Option<gama::Server>,
}

impl Practices {
    /// Takes the port of the practice GAMA, and has the classroom look for GAMA there: it may have a port that the system chose, or
    /// one that an offset has moved.
    pub(super) fn prepare(config: &mut Config) -> Result<Practices, RunError> {
        let all = config.practices.clone();
        let mut gama = None;
        for practice in &all {
            let PracticeConfig::Gama { address, flavour } = practice else {
                continue;
            };
            let server = gama::Server::bind(gama::Options {
                address: *address,
                flavour: *flavour,
                quiet: true,
                ..gama::Options::default()
            })
            .map_err(|error| RunError::BusyPorts(error.to_string()))?;
            if let Some(classroom) = &mut config.classroom {
                classroom.gama.host = server.address().ip().to_string();
                classroom.gama.port = server.address().port();
                classroom.gama.tls = false;
                for key in ["gama.host", "gama.port", "gama.tls"] {
                    config.say_by_flag(key);
                }
            }
            gama = Some(server);
        }
        Ok(Practices { all, gama })
    }

    /// Lets them play until `stopped` holds true.
    pub(super) fn start(self, hub: &RunningHub, folder: &Path, stopped: &watch::Receiver<bool>) {
        for name in follower_names(&self.all) {
            hub.clock.follow(name);
        }
        for practice in &self.all {
            match practice {
                PracticeConfig::Twin { endpoint, auto } => start_twin(hub, folder, endpoint, *auto, stopped.clone()),
                PracticeConfig::Headset { id, count } => start_headsets(hub, folder, id, *count, stopped.clone()),
                PracticeConfig::Gama { .. } => {}
            }
        }
        if let Some(mut server) = self.gama {
            server.follow(hub.clock.clone());
            let stopped = stopped.clone();
            hub.runtime.spawn(async move {
                if let Err(error) = server.run(stopped).await {
                    tracing::warn!(%error, "the practice GAMA has ended");
                }
            });
        }
    }

    /// What is played, for people: nothing where the project names no stand-in.
    pub(super) fn words(&self) -> Option<String> {
        words(&self.all)
    }
}

/// The names that the hub has for the stand-ins among those who might not follow its clock.
fn follower_names(all: &[PracticeConfig]) -> Vec<String> {
    let names = all.iter().flat_map(|practice| match practice {
        PracticeConfig::Twin { endpoint, .. } => vec![format!("client/{endpoint}/{}", twin::Options::default().name)],
        PracticeConfig::Gama { .. } => vec![String::from("gama")],
        PracticeConfig::Headset { id, count } => (0..*count)
            .map(|number| format!("headset/{}", headset::counted(id, number)))
            .collect(),
    });
    names.collect()
}

fn words(all: &[PracticeConfig]) -> Option<String> {
    let (mut twins, mut gamas, mut headsets) = (0, 0, 0);
    for practice in all {
        match practice {
            PracticeConfig::Twin { .. } => twins += 1,
            PracticeConfig::Gama { .. } => gamas += 1,
            PracticeConfig::Headset { count, .. } => headsets += count,
        }
    }
    let counted = [
        (twins, "practice twin"),
        (gamas, "practice GAMA"),
        (headsets, "practice headset"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, name)| match count {
        1 => format!("one {name}"),
        many => format!("{many} {name}s"),
    });
    let counted: Vec<String> = counted.collect();
    let (last, others) = counted.split_last()?;
    let subject = match others {
        [] => last.clone(),
        others => format!("{} and {last}", others.join(", ")),
    };
    Some(match twins + gamas + headsets {
        1 => format!("{subject} plays: what it writes is made up"),
        _ => format!("{subject} play: what they write is made up"),
    })
}

fn start_twin(hub: &RunningHub, folder: &Path, endpoint: &str, auto: bool, stopped: watch::Receiver<bool>) {
    let port = hub.ports.iter().find(|port| port.name == endpoint);
    // The check of the project has refused a twin for an endpoint that does not listen.
    let Some(Side::Listens { address, path }) = port.map(|port| &port.side) else {
        return;
    };
    let scheme = if port.is_some_and(|port| port.tls) { "wss" } else { "ws" };
    // The twin is ours and needs a key like everybody else.
    let key = hub.gate.house_key();
    let path = path.as_deref().unwrap_or("/");
    let options = twin::Options {
        url: format!("{scheme}://{}{path}?access_token={key}", reachable(*address)),
        ca_file: own_certificate(hub, folder),
        auto,
        quiet: true,
        clock: hub.clock.clone(),
        ..twin::Options::default()
    };
    hub.runtime.spawn(async move {
        if let Err(error) = twin::run_until(options, stopped).await {
            tracing::warn!(%error, "the practice twin does not start");
        }
    });
}

fn start_headsets(hub: &RunningHub, folder: &Path, id: &str, count: u32, stopped: watch::Receiver<bool>) {
    // The check of the project has refused headsets without a classroom.
    let Some(port) = hub.classroom.as_ref().map(|ports| &ports.headset) else {
        return;
    };
    let scheme = if port.tls { "wss" } else { "ws" };
    let options = headset::Options {
        url: format!("{scheme}://{}/", reachable(port.address)),
        ca_file: own_certificate(hub, folder),
        id: id.to_owned(),
        count,
        quiet: true,
        clock: hub.clock.clone(),
        ..headset::Options::default()
    };
    hub.runtime.spawn(async move {
        if let Err(error) = headset::run_until(options, stopped).await {
            tracing::warn!(%error, "the practice headsets do not start");
        }
    });
}

/// Nobody but the hub itself vouches for the hub's own certificate.
fn own_certificate(hub: &RunningHub, folder: &Path) -> Option<std::path::PathBuf> {
    let own = hub.certificate.as_ref().filter(|facts| facts.is_own);
    own.map(|facts| folder.join(&facts.file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::practice::gama::Flavour;
    use std::net::SocketAddr;

    #[test]
    fn stand_ins_are_counted_in_words() {
        let twin = PracticeConfig::Twin {
            endpoint: "line".to_owned(),
            auto: true,
        };
        let gama = PracticeConfig::Gama {
            address: SocketAddr::from(([127, 0, 0, 1], 1)),
            flavour: Flavour::Gui,
        };
        let headsets = PracticeConfig::Headset {
            id: "A".to_owned(),
            count: 3,
        };
        let check = |all: &[PracticeConfig], text: &str| assert_eq!(words(all).as_deref(), Some(text));
        assert_eq!(words(&[]), None);
        check(
            std::slice::from_ref(&twin),
            "one practice twin plays: what it writes is made up",
        );
        check(
            &[twin.clone(), twin.clone()],
            "2 practice twins play: what they write is made up",
        );
        let names = follower_names(&[twin.clone(), gama.clone(), headsets.clone()]);
        assert_eq!(
            names,
            [
                "client/line/Practice twin",
                "gama",
                "headset/A",
                "headset/A2",
                "headset/A3"
            ]
        );
        check(
            &[twin, gama, headsets],
            "one practice twin, one practice GAMA and 3 practice headsets play: what they write is made up",
        );
    }
}
