//! The classroom of a project: its doors, where GAMA is, and where the learning packages lie (SI-1, SI-40, GA-13).

use super::{Config, LOOPBACK, bracketed};
use crosstie_hub::settings::{ClassroomSettings, Flavour, GamaSettings, GamaWatch, GamaWrite, PlayerKey};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// `[classroom]` with `[monitor]`, `[headset]` and `[gama]`, which have their defaults where they are not there.
#[derive(Clone, Debug)]
pub struct ClassroomConfig {
    /// The folder with the learning packages (SI-50), as the project says it: absolute, or from the project folder.
    pub learning_packages: PathBuf,
    /// A second such folder.
    pub extra_learning_packages: Option<PathBuf>,
    /// There is no GAMA: players connect, and that is all.
    pub gamaless: bool,
    /// What makes a headset the same one again (SI-31).
    pub player_key: PlayerKey,
    /// Players that leave are forgotten (SI-20).
    pub aggressive_disconnect: bool,
    /// `content_error` is a text (SI-14).
    pub error_as_text: bool,
    /// The catalog is sent as the array itself (SI-15).
    pub catalog_as_array: bool,
    /// How files are called where GAMA is: `from=to`, each a beginning of a path (SI-53).
    pub model_path_map: Vec<String>,
    /// `[monitor]`.
    pub monitor: MonitorConfig,
    /// `[headset]`.
    pub headset: HeadsetConfig,
    /// `[gama]`.
    pub gama: GamaConfig,
}

impl Default for ClassroomConfig {
    fn default() -> ClassroomConfig {
        let ClassroomSettings {
            player_key,
            aggressive_disconnect,
            error_as_text,
            catalog_as_array,
            ..
        } = ClassroomSettings::default();
        ClassroomConfig {
            learning_packages: PathBuf::from("learning-packages"),
            extra_learning_packages: None,
            gamaless: false,
            player_key,
            aggressive_disconnect,
            error_as_text,
            catalog_as_array,
            model_path_map: Vec::new(),
            monitor: MonitorConfig::default(),
            headset: HeadsetConfig::default(),
            gama: GamaConfig::default(),
        }
    }
}

impl ClassroomConfig {
    /// The beginnings of paths that `model_path_map` replaces, with what stands in their place, in the order of the project.
    pub fn path_map(&self) -> Vec<(String, String)> {
        let pairs = self.model_path_map.iter().filter_map(|pair| pair.split_once('='));
        pairs.map(|(from, to)| (from.to_owned(), to.to_owned())).collect()
    }

    /// The part that the hub is told.
    pub fn hub_settings(&self) -> ClassroomSettings {
        ClassroomSettings {
            gama: (!self.gamaless).then(|| self.gama.hub_settings()),
            player_key: self.player_key,
            aggressive_disconnect: self.aggressive_disconnect,
            error_as_text: self.error_as_text,
            catalog_as_array: self.catalog_as_array,
            allow_expression: self.headset.allows_expressions(),
            allowed_actions: self.headset.allowed_actions.clone(),
        }
    }
}

impl Config {
    /// The folders of the learning packages in their order (SI-50); empty without `[classroom]`.
    pub fn package_roots(&self) -> Vec<PathBuf> {
        let Some(classroom) = &self.classroom else {
            return Vec::new();
        };
        let roots = std::iter::once(&classroom.learning_packages).chain(&classroom.extra_learning_packages);
        roots.map(|root| self.folder.join(root)).collect()
    }
}

/// `[monitor]`: the port where front ends of a SIMPLE WebPlatform connect.
#[derive(Clone, Debug)]
pub struct MonitorConfig {
    /// Address as the project says it.
    pub bind: IpAddr,
    /// Port as the project says it; 0 lets the system choose.
    pub port: u16,
    /// Where to listen: `bind` and `port` with the offset added.
    pub address: SocketAddr,
    /// The only request path that is taken; `None` takes every path (SI-2).
    pub path: Option<String>,
    /// Monitors may connect without a key, also where keys exist or from other machines.
    pub allow_unauthenticated: bool,
    /// Pages of these origins may connect besides those of this hub; `*` stands for every page.
    pub allowed_origins: Vec<String>,
    /// Speak TLS: wss.
    pub tls: bool,
}

impl Default for MonitorConfig {
    fn default() -> MonitorConfig {
        let (bind, port) = (LOOPBACK, 8001);
        MonitorConfig {
            bind,
            port,
            address: SocketAddr::new(bind, port),
            path: None,
            allow_unauthenticated: false,
            allowed_origins: Vec::new(),
            tls: false,
        }
    }
}

/// `[headset]`: the port where headsets connect. The app in a headset can show no key, so nobody needs one there.
#[derive(Clone, Debug)]
pub struct HeadsetConfig {
    /// Address as the project says it.
    pub bind: IpAddr,
    /// Port as the project says it; 0 lets the system choose.
    pub port: u16,
    /// Where to listen: `bind` and `port` with the offset added.
    pub address: SocketAddr,
    /// Headsets may connect without a key also through a reverse proxy, or at `/headset` on the web port from other machines.
    pub allow_unauthenticated: bool,
    /// Pages of these origins may connect besides those of this hub; `*` stands for every page.
    pub allowed_origins: Vec<String>,
    /// Speak TLS: wss.
    pub tls: bool,
    /// Headsets may send every expression and ask (SI-40); `None` where the project does not say, see
    /// [`HeadsetConfig::allows_expressions`].
    pub allow_expression: Option<bool>,
    /// The actions that they may otherwise ask for.
    pub allowed_actions: Vec<String>,
}

impl Default for HeadsetConfig {
    fn default() -> HeadsetConfig {
        let (bind, port) = (LOOPBACK, 8080);
        HeadsetConfig {
            bind,
            port,
            address: SocketAddr::new(bind, port),
            allow_unauthenticated: false,
            allowed_origins: Vec::new(),
            tls: false,
            allow_expression: None,
            allowed_actions: ClassroomSettings::ACTIONS.map(String::from).to_vec(),
        }
    }
}

impl HeadsetConfig {
    /// Other machines may take part without a key.
    pub fn is_open(&self) -> bool {
        self.allow_unauthenticated || !self.bind.to_canonical().is_loopback()
    }

    /// Headsets may send every expression and ask: as the project says, else where only this machine can take part (SI-40).
    pub fn allows_expressions(&self) -> bool {
        self.allow_expression.unwrap_or_else(|| !self.is_open())
    }
}

/// `[gama]`: where GAMA is, and what of it is a signal.
#[derive(Clone, Debug)]
pub struct GamaConfig {
    /// Name or address of the machine.
    pub host: String,
    /// Port of its server.
    pub port: u16,
    /// wss instead of ws.
    pub tls: bool,
    /// Certificates in PEM that may vouch for it, inside the project folder; those of the system when there is none.
    pub ca_file: Option<PathBuf>,
    /// What kind of GAMA it is (GA-6).
    pub flavour: Flavour,
    /// Commands carry a number that comes back with their answers (GA-4).
    pub api_id: bool,
    /// `[[gama.watch]]`: names are unique.
    pub watches: Vec<GamaWatch>,
    /// `[[gama.write]]`: names are unique.
    pub writes: Vec<GamaWrite>,
}

impl Default for GamaConfig {
    fn default() -> GamaConfig {
        let GamaSettings {
            flavour, use_api_id, ..
        } = GamaSettings::default();
        GamaConfig {
            host: String::from("localhost"),
            port: 1000,
            tls: false,
            ca_file: None,
            flavour,
            api_id: use_api_id,
            watches: Vec::new(),
            writes: Vec::new(),
        }
    }
}

impl GamaConfig {
    /// Where it is looked for: `ws://host:port`.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}:{}", bracketed(&self.host), self.port)
    }

    fn hub_settings(&self) -> GamaSettings {
        GamaSettings {
            url: self.url(),
            flavour: self.flavour,
            use_api_id: self.api_id,
            watches: self.watches.clone(),
            writes: self.writes.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn si40_expressions_are_free_where_only_this_machine_can_take_part() {
        let of = |bind: &str, allow_unauthenticated, allow_expression| {
            let headset = HeadsetConfig {
                bind: bind.parse().unwrap(),
                allow_unauthenticated,
                allow_expression,
                ..HeadsetConfig::default()
            };
            (headset.is_open(), headset.allows_expressions())
        };
        assert_eq!(of("127.0.0.1", false, None), (false, true));
        assert_eq!(of("::1", false, None), (false, true));
        assert_eq!(of("::ffff:127.0.0.1", false, None), (false, true));
        assert_eq!(of("0.0.0.0", false, None), (true, false));
        assert_eq!(of("127.0.0.1", true, None), (true, false));
        assert_eq!(of("127.0.0.1", false, Some(false)), (false, false));
        assert_eq!(of("10.0.0.5", false, Some(true)), (true, true));
    }

    #[test]
    fn the_address_of_gama_is_a_url() {
        let mut gama = GamaConfig::default();
        assert_eq!(gama.url(), GamaSettings::default().url);
        gama.host = String::from("fd00::1");
        gama.port = 6868;
        gama.tls = true;
        assert_eq!(gama.url(), "wss://[fd00::1]:6868");
    }

    #[test]
    fn a_map_of_paths_is_read_at_its_first_sign_of_equality() {
        let classroom = ClassroomConfig {
            model_path_map: vec![String::from("/srv/lessons=C:\\lessons"), String::from("a=b=c")],
            ..ClassroomConfig::default()
        };
        let expected = [("/srv/lessons", "C:\\lessons"), ("a", "b=c")];
        let expected = expected.map(|(from, to)| (from.to_owned(), to.to_owned()));
        assert_eq!(classroom.path_map(), expected);
    }
}
