//! A running hub: everything that a project asks for is started, watched over and ended in good order.
//!
//! ```text
//!   Config ─▶ bind all ports ─▶ core thread ─▶ listeners ─▶ "here I am" ─▶ … ─▶ signal ─▶ 1001 to all ─▶ end
//! ```
//!
//! Ports come first: a hub has all of them or it does not start, and then it says at once which are taken. Nothing slow
//! happens before they listen.

mod classroom;
mod piplc;
mod practice;
mod summary;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::middleware;
use crosstie_hub::Face;
use crosstie_hub::plc::{Granted, Realtime, RealtimeAnswer, RealtimeWish};
use crosstie_hub::settings::{EndpointId, Settings};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::audit::AuditLog;
use crate::cli::run::RunOptions;
use crate::cli::{BusyPort, CliError, busy_ports_message};
use crate::clock_handle::ClockHandle;
use crate::config::{self, Config, Diagnostic, EndpointConfig, Role};
use crate::core_task::{self, Door, Event, Handles, Links, Store};
use crate::history::Historian;
use crate::http::classroom::join::JoinPort;
use crate::http::tls::{Listener, TlsState};
use crate::http::{self, Api, EndpointPort, Side};
use crate::keys::{self, Entrance, Gate};
use crate::listener::{self, ProtocolPort};
use crate::modbus_server::ModbusPort;
use crate::origin::{self, Origins};
use crate::packages;
use crate::player::Player;
use crate::recording::{self, Recorder, StartError, Wish};
use crate::reload::{self, Reload};
use crate::retain::{self, RetainStore};
use crate::scan_thread;
use crate::state;
use crate::tls::{self, Identity, Made, TlsError};
use crate::trouble::Trouble;
use classroom::{ClassListeners, ClassPorts};
use piplc::PiplcPort;
use practice::Practices;
pub(crate) use summary::{elsewhere, reachable};

/// How long tasks that still run may take at the very end.
const TASKS_END_MAX: Duration = Duration::from_millis(300);

/// How long the recorder may take to end a recording. A disk that stands still does not hold the hub longer: the recording is cut,
/// and whole up to its last whole chunk.
const RECORDER_END_MAX: Duration = Duration::from_secs(5);

/// How often it is asked.
const RECORDER_LOOK_EVERY: Duration = Duration::from_millis(2);

/// Worker threads for sockets when the project says nothing: the core writes the sockets itself, so two are plenty.
const WORKERS_MAX: usize = 2;

/// Why a hub does not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Ports are taken; the text names all of them and what to do.
    #[error("{0}")]
    BusyPorts(String),
    /// A listener wants TLS and there is no certificate for it.
    #[error("{0}")]
    Tls(#[from] TlsError),
    /// The file with the keys is damaged; the text says where.
    #[error("{0}")]
    Keys(String),
    /// The recording that was asked for cannot begin; the text says why.
    #[error("{0}")]
    Recording(String),
    /// The system refuses something that a hub cannot do without.
    #[error("{what} failed")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl From<RunError> for CliError {
    /// Ports are the user's to free or to move: that is a mistake of the project or of the command line.
    fn from(error: RunError) -> CliError {
        match error {
            RunError::BusyPorts(message) | RunError::Keys(message) | RunError::Recording(message) => {
                CliError::Usage(message)
            }
            RunError::Tls(error) => CliError::Usage(error.to_string()),
            error => CliError::failed(&error),
        }
    }
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> RunError {
    move |source| RunError::System { what, source }
}

fn damaged_keys(diagnostics: Vec<Diagnostic>) -> RunError {
    let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    RunError::Keys(format!("{}\nthe hub does not start without its keys", lines.join("\n")))
}

/// Runs the hub of a project until it is interrupted or asked to end (SIGINT, SIGTERM).
///
/// # Errors
///
/// A [`RunError`] when it cannot start.
pub fn run(config: Config, options: RunOptions) -> Result<(), RunError> {
    let mut config = config;
    let practices = match options.practice {
        true => Some(Practices::prepare(&mut config)?),
        false => None,
    };
    let (project, folder) = (config.project.name.clone(), config.folder.clone());
    let start = if options.cold { Start::Cold } else { Start::Warm };
    let keeps = config.plcs.iter().any(|plc| plc.retain_list.is_some());
    if options.cold && keeps {
        tracing::warn!("cold start: every PLC context begins at 0, and what it has kept is replaced");
    }
    let hub = RunningHub::start_recorded(config, start, options.record)?;
    summary::print(&project, &hub, practices.as_ref());

    let (stop, stopped) = watch::channel(false);
    if let Some(practices) = practices {
        practices.start(&hub, &folder, &stopped);
    }
    // Only the stand-ins listen to it.
    drop(stopped);

    let signal = hub.runtime.block_on(wait_for_end());
    tracing::info!(signal, "the hub shuts down");
    // The stand-ins hold their receivers as long as they play; when all have gone there is nobody to tell.
    let _ = stop.send(true);
    hub.stop();
    crate::log::flush();
    Ok(())
}

/// What PLC contexts begin with (PL-37).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With what their retentive memory has kept.
    #[default]
    Warm,
    /// With zeros, which take the place of what was kept.
    Cold,
}

/// A hub with its threads and ports.
#[derive(Debug)]
pub struct RunningHub {
    runtime: Runtime,
    door: Door,
    core: JoinHandle<()>,
    store: JoinHandle<()>,
    audit: JoinHandle<()>,
    /// There when a context keeps something.
    retain: Option<JoinHandle<()>>,
    recorder: JoinHandle<()>,
    /// There when the project keeps a history.
    history: Option<JoinHandle<()>>,
    gate: Arc<Gate>,
    /// The hub's time.
    clock: ClockHandle,
    web: SocketAddr,
    web_tls: bool,
    ports: Vec<EndpointPort>,
    piplc: Option<PiplcPort>,
    classroom: Option<ClassPorts>,
    modbuses: Vec<Arc<ModbusPort>>,
    /// What the listeners with TLS show; `None` when there is none.
    certificate: Option<tls::Facts>,
    /// There with a classroom: reads its learning packages until it is dropped.
    _packages: Option<packages::Watch>,
}

impl RunningHub {
    /// Starts the hub of a project. When this returns, all its ports take connections.
    ///
    /// # Errors
    ///
    /// A [`RunError`]; then nothing of it is left.
    pub fn start(config: Config) -> Result<RunningHub, RunError> {
        RunningHub::start_with(config, Start::Warm)
    }

    /// The same, with the say what PLC contexts begin with.
    ///
    /// # Errors
    ///
    /// A [`RunError`]; then nothing of it is left.
    pub fn start_with(config: Config, start: Start) -> Result<RunningHub, RunError> {
        RunningHub::start_recorded(config, start, false)
    }

    /// The same; with `record` a recording begins with the hub, whatever the project says.
    ///
    /// # Errors
    ///
    /// A [`RunError`], among them that such a recording cannot begin; then nothing of it is left.
    pub fn start_recorded(config: Config, start: Start, record: bool) -> Result<RunningHub, RunError> {
        let (started, started_at) = (Instant::now(), SystemTime::now());
        let clock = ClockHandle::new(started);
        let workers = config.hub.threads.unwrap_or_else(default_workers);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .thread_name("sockets")
            .enable_io()
            .enable_time()
            .build()
            .map_err(system("starting the socket threads"))?;
        let gate = Gate::new(&config.state_folder(), started).map_err(damaged_keys)?;
        let gate = Arc::new(gate);
        let identity = identity(&config)?;
        let listeners = runtime.block_on(async { Listeners::bind(&config) })?;

        let web = listeners.web.local_addr().map_err(system("asking for the web port"))?;
        let mut settings = config.hub_settings(epoch_base());
        let mut ports = Vec::new();
        for (index, (endpoint, listener)) in config.endpoints.iter().zip(&listeners.endpoints).enumerate() {
            let bound = match listener {
                Some(listener) => {
                    let address = listener.local_addr();
                    let address = address.map_err(system("asking for the port of an endpoint"))?;
                    // Port 0 of a project becomes the one that the system chose.
                    let chosen = EndpointConfig {
                        address,
                        ..endpoint.clone()
                    };
                    settings.endpoints[index].url = chosen.url();
                    Some(address)
                }
                None => None,
            };
            let origins = Origins::of_endpoint(&config.web.allowed_origins, &endpoint.allowed_origins, web.port());
            ports.push(EndpointPort::new(EndpointId(index as u16), endpoint, bound, origins));
        }

        let piplc = PiplcPort::new(&config, listeners.piplc.as_ref(), web.port())?;
        let classroom = ClassPorts::new(&config, listeners.classroom.as_ref(), web.port())?;
        let modbuses = modbus_ports(&config, &listeners.modbuses)?;
        if let Some(port) = &piplc {
            settings.piplc.url.clone_from(&port.url);
            settings.piplc.engine_id =
                state::engine_id(&config.state_folder()).map_err(system("keeping the id of the PLC engine"))?;
        }

        let packages = config.package_sources();
        config::remove_leftovers(&config.file());
        settings.locked_memory = locked_memory(&config);
        let door = Door::new();
        let in_force = Arc::new(Mutex::new(config.clone()));
        let (store, store_thread) = Store::start(config.file(), Arc::clone(&in_force), door.clone())
            .map_err(system("starting the store thread"))?;
        let tls = tls_state(
            identity.as_ref(),
            (web, config.web.tls),
            &ports,
            (piplc.as_ref(), classroom.as_ref()),
            &settings,
        );
        let links = Links::new(&config, runtime.handle().clone());
        let (audit, audit_thread) =
            AuditLog::start(config.state_folder(), door.clone()).map_err(system("starting the audit thread"))?;
        let (retain, retain_thread) = retentive_memory(&config.state_folder(), &mut settings, start, &door)?;
        let (recorder, tap, recorder_thread) = start_recorder(&config, started_at, record, &door)?;
        let history = (config.history.settings())
            .map(|wanted| Historian::start(&config.state_folder(), wanted))
            .transpose()
            .map_err(system("starting the thread of the historian"))?;
        let (historian, intake, history_thread) = match history {
            Some((historian, intake, thread)) => (Some(historian), Some(intake), Some(thread)),
            None => (None, None, None),
        };
        let handles = Handles {
            history: intake,
            store: store.clone(),
            audit: audit.clone(),
            retain,
            recorder: recorder.clone(),
            tap,
            runtime: runtime.handle().clone(),
            clock: clock.clone(),
        };
        let core = core_task::start(settings, started, door.clone(), links, handles);
        let core = core.map_err(system("starting the core thread"))?;

        let _within = runtime.enter();
        let web_tls = config.web.tls;
        let scheme = if web_tls { "https" } else { "http" };
        let acceptor = |is_wanted: bool| identity.as_ref().filter(|_| is_wanted).map(Identity::acceptor);
        for (port, listener) in ports.iter().zip(listeners.endpoints) {
            let (Side::Listens { path, .. }, Some(listener)) = (&port.side, listener) else {
                continue;
            };
            let hint = format!(
                "This is the realvirtual endpoint '{}' of Crosstie: connect a WebSocket client. The page is at {scheme}://{web}/.",
                port.name
            );
            let port = ProtocolPort {
                face: Face::Realvirtual(port.id),
                path: path.clone(),
                hint,
                door: door.clone(),
                tls: acceptor(port.tls),
                gate: Arc::clone(&gate),
                entrance: Entrance::Endpoint { is_open: port.is_open },
                origins: Arc::clone(&port.origins),
                name: port.name.clone(),
                section: format!("the endpoint '{}'", port.name),
            };
            port.open(listener);
        }
        if let (Some(port), Some(listener)) = (&piplc, listeners.piplc) {
            let page = format!("{scheme}://{web}/");
            port.protocol_port(&door, &gate, acceptor(port.tls), &page)
                .open(listener);
        }
        if let (Some(ports), Some(listeners)) = (&classroom, listeners.classroom) {
            let page = format!("{scheme}://{web}/");
            ports.open(listeners, (&door, &gate), acceptor, &page);
        }
        for (port, listener) in modbuses.iter().zip(listeners.modbuses) {
            port.open(listener, &door);
        }
        let api = Api {
            door: door.clone(),
            store,
            recorder,
            gate: Arc::clone(&gate),
            audit,
            historian,
            origins: Origins::of_web(&config.web.allowed_origins),
            is_open: config.web.allow_unauthenticated,
            reload: tokio::sync::Mutex::new(Reload::new(&config, door.clone())),
            config: in_force,
            ports: ports.clone(),
            piplc: piplc.as_ref().map(|port| port.url.clone()),
            classroom: (classroom.as_ref()).map(|ports| [ports.monitor.door.clone(), ports.headset.door.clone()]),
            join_port: (classroom.as_ref()).map(|ports| JoinPort {
                address: ports.headset.address,
                tls: ports.headset.tls,
            }),
            modbuses: modbuses.clone(),
            tls,
            packages: packages.clone(),
            tests: http::testbench::TestDesk::default(),
            player: Player::new(door.clone()),
            clock: clock.clone(),
            orders: http::orders::Orders::new(started),
        };
        let api = Arc::new(api);
        tokio::spawn(reload::watch(Arc::clone(&api)));
        let origins = Arc::new(api.origins.clone());
        let refusing = middleware::from_fn_with_state(origins, origin::refuse_foreign_target);
        let router = http::router(api).layer(refusing);
        let acceptor = acceptor(web_tls);
        let shortage = listener::shortage("page", &door);
        tokio::spawn(listener::accept_all(
            listeners.web,
            shortage,
            move |stream, address, permit| {
                tokio::spawn(http::serve(router.clone(), stream, address, acceptor.clone(), permit));
            },
        ));
        tokio::spawn(keys::watch(Arc::clone(&gate), door.clone()));
        drop(_within);
        let packages = packages
            .map(|sources| packages::Watch::start(sources, door.clone()))
            .transpose()
            .map_err(system("starting the thread of the learning packages"))?;
        Ok(RunningHub {
            runtime,
            door,
            core,
            store: store_thread,
            audit: audit_thread,
            retain: retain_thread,
            recorder: recorder_thread,
            history: history_thread,
            gate,
            clock,
            web,
            web_tls,
            ports,
            piplc,
            classroom,
            modbuses,
            certificate: identity.map(|identity| identity.facts),
            _packages: packages,
        })
    }

    /// The address of the page and the API.
    pub fn web(&self) -> SocketAddr {
        self.web
    }

    /// The address that an endpoint listens on; `None` for one in the client role.
    pub fn endpoint(&self, name: &str) -> Option<SocketAddr> {
        self.ports
            .iter()
            .find(|port| port.name == name)
            .and_then(EndpointPort::address)
    }

    /// The address that clients of PiPLC's protocol connect to; `None` without `[piplc]`.
    pub fn piplc(&self) -> Option<SocketAddr> {
        self.piplc.as_ref().map(|port| port.address)
    }

    /// The address that monitors of the classroom connect to; `None` without `[classroom]`.
    pub fn monitor(&self) -> Option<SocketAddr> {
        self.classroom.as_ref().map(|ports| ports.monitor.address)
    }

    /// The address that headsets of the classroom connect to; `None` without `[classroom]`.
    pub fn headset(&self) -> Option<SocketAddr> {
        self.classroom.as_ref().map(|ports| ports.headset.address)
    }

    /// The address that a Modbus server listens on.
    pub fn modbus(&self, name: &str) -> Option<SocketAddr> {
        let port = self.modbuses.iter().find(|port| port.config.name == name)?;
        Some(port.config.address)
    }

    /// Stops the PLC engines, closes every connection with 1001, finishes what is to be written and ends, within three seconds.
    pub fn stop(self) {
        self.door.tell(Event::Stop);
        // A core that panicked has ended the whole process, so it is there to be joined.
        let _ = self.core.join();
        // With the core the last handle of this one is gone: it writes what waits and ends.
        if let Some(retain) = self.retain {
            let _ = retain.join();
        }
        self.runtime.shutdown_timeout(TASKS_END_MAX);
        // So it is with the historian, whose intake the core had.
        if let Some(history) = self.history {
            let _ = history.join();
        }
        // With the tasks the last handle of the store is gone: its thread finishes its jobs and ends.
        let _ = self.store.join();
        let _ = self.audit.join();
        // The core has handed over everything; the end of a recording is written.
        join_within(RECORDER_END_MAX, self.recorder);
    }
}

/// Reads what PLC contexts have kept and starts the thread that keeps more; nothing of it where none keeps anything.
fn retentive_memory(
    folder: &Path,
    settings: &mut Settings,
    start: Start,
    door: &Door,
) -> Result<(Option<RetainStore>, Option<JoinHandle<()>>), RunError> {
    if settings.plcs.iter().all(|plc| plc.retain.is_none()) {
        return Ok((None, None));
    }
    let database = retain::read(folder, &mut settings.plcs, start == Start::Cold);
    let started = RetainStore::start(folder.to_owned(), database, door.clone());
    let (store, thread) = started.map_err(system("starting the thread of the retentive memory"))?;
    Ok((Some(store), Some(thread)))
}

/// Starts the recorder, and with it the recording that begins with the hub, where one is wanted. One that the project wants and that
/// cannot begin is a problem; one that was asked for on the command line is a reason not to start.
fn start_recorder(
    config: &Config,
    started_at: SystemTime,
    record: bool,
    door: &Door,
) -> Result<recording::Started, RunError> {
    let since = started_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut about = recording::About {
        project: config.project.name.clone(),
        project_folder: config.folder.clone(),
        files: recording::project::files_of(config),
        origin_ns: u64::try_from(since.as_nanos()).unwrap_or(0),
        config: config.record.clone(),
    };
    about.config.folder = config.folder.join(&config.record.folder);
    let first = (record || config.record.autostart).then(Wish::default);
    match Recorder::start(about.clone(), door.clone(), first) {
        Err(StartError::Recording(error)) if !record => {
            let text = format!("the recording that begins with the hub does not: {error}");
            let hint = "correct [record] in the project file, or make room";
            let mut trouble = Trouble::new(
                door.clone(),
                String::from("record:autostart"),
                String::from("recording"),
                hint,
            );
            trouble.met(text);
            Recorder::start(about, door.clone(), None)
        }
        started => started,
    }
    .map_err(|error| match error {
        StartError::Thread(error) => system("starting the recorder")(error),
        StartError::Recording(error) => RunError::Recording(format!("no recording can begin: {error}")),
    })
}

/// Waits for a thread, but not for ever.
fn join_within(limit: Duration, thread: JoinHandle<()>) {
    let until = Instant::now() + limit;
    while !thread.is_finished() && Instant::now() < until {
        std::thread::sleep(RECORDER_LOOK_EVERY);
    }
    if thread.is_finished() {
        // A recorder that panicked has said so.
        let _ = thread.join();
    } else {
        tracing::warn!("the disk does not take the end of the recording: it is cut");
    }
}

/// The Modbus servers of a project, which are bound.
fn modbus_ports(config: &Config, bound: &[TcpListener]) -> Result<Vec<Arc<ModbusPort>>, RunError> {
    let servers = config.modbuses.iter().zip(bound);
    let port = |(modbus, bound): (_, &TcpListener)| {
        let address = bound
            .local_addr()
            .map_err(system("asking for the port of a Modbus server"))?;
        Ok(Arc::new(ModbusPort::new(modbus, address)))
    };
    servers.map(port).collect()
}

/// The certificate of a project, when a listener wants one.
fn identity(config: &Config) -> Result<Option<Identity>, TlsError> {
    let of_piplc = config.piplc.as_ref().is_some_and(|piplc| piplc.tls);
    let of_classroom = (config.classroom.as_ref()).is_some_and(|class| class.monitor.tls || class.headset.tls);
    let is_wanted = config.web.tls || of_piplc || of_classroom || config.endpoints.iter().any(|endpoint| endpoint.tls);
    if !is_wanted {
        return Ok(None);
    }
    let identity = tls::load(config)?;
    let fingerprint = &identity.facts.fingerprint;
    match &identity.made {
        Made::New => tracing::info!(fingerprint, "the hub has made its certificate"),
        Made::Anew(reason) => tracing::warn!(
            fingerprint,
            reason,
            "the hub has made its certificate anew: its fingerprint has changed"
        ),
        Made::Given if identity.facts.not_after <= SystemTime::now() => {
            let file = identity.facts.file.display();
            tracing::warn!(%file, "the certificate of the project has expired: clients will refuse it");
        }
        Made::Given | Made::Kept => {}
    }
    Ok(Some(identity))
}

/// What the API tells about TLS.
fn tls_state(
    identity: Option<&Identity>,
    (web, web_tls): (SocketAddr, bool),
    ports: &[EndpointPort],
    (piplc, classroom): (Option<&PiplcPort>, Option<&ClassPorts>),
    settings: &Settings,
) -> TlsState {
    let scheme = if web_tls { "https" } else { "http" };
    let page = Listener {
        name: String::from("page"),
        url: format!("{scheme}://{web}/"),
        tls: web_tls,
    };
    let listening = ports.iter().filter(|port| port.address().is_some());
    let endpoints = listening.map(|port| Listener {
        name: port.name.clone(),
        url: settings.endpoints[usize::from(port.id.0)].url.clone(),
        tls: port.tls,
    });
    let piplc = piplc.map(|port| Listener {
        name: String::from("piplc"),
        url: port.url.clone(),
        tls: port.tls,
    });
    let of_classroom = classroom.into_iter().flat_map(|ports| {
        [("monitor", &ports.monitor), ("headset", &ports.headset)].map(|(name, port)| Listener {
            name: name.to_owned(),
            url: port.url(),
            tls: port.tls,
        })
    });
    TlsState {
        certificate: identity.map(|identity| identity.facts.clone()),
        listeners: (std::iter::once(page).chain(endpoints))
            .chain(piplc)
            .chain(of_classroom)
            .collect(),
        web,
    }
}

/// All the ports of a project, bound.
struct Listeners {
    web: TcpListener,
    /// One for each endpoint, in their order; `None` for those that connect to a server.
    endpoints: Vec<Option<TcpListener>>,
    /// There with `[piplc]`.
    piplc: Option<TcpListener>,
    /// There with `[classroom]`.
    classroom: Option<ClassListeners>,
    /// One for each Modbus server, in their order.
    modbuses: Vec<TcpListener>,
}

impl Listeners {
    fn bind(config: &Config) -> Result<Listeners, RunError> {
        let mut busy = Vec::new();
        let mut bind = |listener: String, moved_by: String, address: SocketAddr| match listener::bind(address) {
            Ok(bound) => Some(bound),
            Err(error) => {
                busy.push(BusyPort {
                    listener,
                    address,
                    moved_by,
                    error,
                });
                None
            }
        };
        let web = bind(String::from("page"), String::from("--web-port P"), config.web.address);
        let endpoints: Vec<Option<TcpListener>> = (config.endpoints.iter())
            .map(|endpoint| match endpoint.role {
                Role::Server => bind(
                    format!("realvirtual \"{}\"", endpoint.name),
                    format!("realvirtual.{}.port", endpoint.name),
                    endpoint.address,
                ),
                Role::Client => None,
            })
            .collect();
        let piplc = (config.piplc.as_ref())
            .and_then(|piplc| bind(String::from("piplc"), String::from("piplc.port"), piplc.address));
        let classroom = config.classroom.as_ref().and_then(|classroom| {
            let mut bind = |name: &str, address| bind(name.to_owned(), format!("{name}.port"), address);
            let monitor = bind("monitor", classroom.monitor.address);
            // Both are tried: one message names all ports that are taken.
            let headset = bind("headset", classroom.headset.address);
            Some(ClassListeners {
                monitor: monitor?,
                headset: headset?,
            })
        });
        let modbuses = (config.modbuses.iter())
            .filter_map(|modbus| {
                let moved_by = format!("modbus.{}.port", modbus.name);
                bind(format!("modbus \"{}\"", modbus.name), moved_by, modbus.address)
            })
            .collect();
        match web {
            Some(web) if busy.is_empty() => Ok(Listeners {
                web,
                endpoints,
                piplc,
                classroom,
                modbuses,
            }),
            _ => Err(RunError::BusyPorts(busy_ports_message(&busy))),
        }
    }
}

/// Bits of an epoch that chance decides.
const EPOCH_CHANCE_BITS: u32 = 21;

/// Keeps all memory in the memory of the machine where the project asks for it. What the system does not permit is a problem
/// of every context; without one it is said here.
fn locked_memory(config: &Config) -> Granted {
    if !config.hub.lock_memory {
        return Granted::NotAsked;
    }
    let granted = scan_thread::lock_memory();
    if granted != Granted::Yes && config.plcs.is_empty() && config.piplc.is_none() {
        let denied = Realtime::of(RealtimeWish::default(), RealtimeAnswer::default(), granted).denied;
        tracing::warn!("{}", denied.join("; "));
    }
    granted
}

/// Grows from one start to the next while the wall clock does. A machine whose clock was set back, or that begins every day at the
/// same time because it has no battery, may start twice in the same second of it: there chance keeps the two apart.
fn epoch_base() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut chance = [0; 4];
    let chance = match getrandom::fill(&mut chance) {
        Ok(()) => u32::from_le_bytes(chance),
        // A system without chance has at least a fine clock.
        Err(_) => since.subsec_nanos(),
    };
    epoch_base_of(since, chance)
}

/// Stays exact in a JSON number of any language, until the year 2106.
fn epoch_base_of(since: Duration, chance: u32) -> u64 {
    let seconds = since.as_secs() & u64::from(u32::MAX);
    (seconds << EPOCH_CHANCE_BITS) | u64::from(chance >> (u32::BITS - EPOCH_CHANCE_BITS))
}

fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(WORKERS_MAX))
}

/// Waits for the order to end; gives its name.
#[cfg(unix)]
async fn wait_for_end() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    match (interrupt, terminate) {
        (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        },
        // Without handlers the system ends the process by itself.
        _ => std::future::pending().await,
    }
}

/// Waits for the order to end; gives its name.
#[cfg(not(unix))]
async fn wait_for_end() -> &'static str {
    match tokio::signal::ctrl_c().await {
        Ok(()) => "Ctrl+C",
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_grows_with_the_clock_and_differs_when_the_clock_does_not() {
        let at = |seconds: u64, chance: u32| epoch_base_of(Duration::from_secs(seconds), chance);
        assert!(at(1_000, u32::MAX) < at(1_001, 0));
        assert_ne!(at(1_000, 0), at(1_000, 1 << 31), "a clock that was set back");
        let last = at(u64::from(u32::MAX), u32::MAX);
        assert_eq!(last, (1 << 53) - 1, "the last whole number that every language has");
        assert_ne!(epoch_base(), epoch_base(), "two starts within a second");
    }

    #[test]
    fn what_nobody_waits_for_any_longer_is_not_done() {
        use crosstie_hub::api::{Reply, Request};
        let folder = tempfile::tempdir().unwrap();
        let project = "[web]\nport = 0\n[[realvirtual]]\nname = \"line\"\nport = 0\nsignal = [{ name = \"Run\", type = \"Bool\", writer = \"hub\" }]\n";
        std::fs::write(folder.path().join("crosstie.toml"), project).unwrap();
        let loaded = crate::config::load(folder.path(), &crate::config::Overrides::default());
        let hub = RunningHub::start(loaded.config.unwrap()).unwrap();
        let by = || crosstie_hub::access::Actor::full("Ada", "");
        let name = || String::from("twin/line/Run");
        let write = || Request::Write {
            name: name(),
            value: crosstie_hub::signal::Value::Bool(true),
        };
        let run = || match hub
            .runtime
            .block_on(hub.door.ask(by(), Request::Signal { name: name() }))
        {
            Ok(Reply::Signal(row, ..)) => row.value,
            other => panic!("{other:?}"),
        };
        let order = |reply| Event::Request {
            by: Box::new(by()),
            request: write(),
            reply,
        };
        let (reply, given_up) = tokio::sync::oneshot::channel();
        drop(given_up);
        hub.door.tell(order(Some(reply)));
        assert_eq!(run(), crosstie_hub::signal::Value::Bool(false));
        // The hub's own orders are waited for by nobody.
        hub.door.tell(order(None));
        assert_eq!(run(), crosstie_hub::signal::Value::Bool(true));
        hub.stop();
    }
}
