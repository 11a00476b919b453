//! Learning packages: folders with models for a classroom, each described by a `settings.json` (SI-50 to SI-55).
//!
//! ```text
//!   folders ─▶ read ─▶ Catalog ─▶ the hub            changed? ─▶ watch ─▶ read again
//!   GET /learning-packages/… ─▶ picture ─▶ bytes      crosstie check ─▶ diagnostics
//! ```
//!
//! Reading never fails: what is wrong becomes a problem with its file and place, and everything else is there.
//!
//! | room | what it does |
//! |---|---|
//! | `document` | JSON whose values know their place in the file |
//! | `read` | from the roots to the catalog: which files, in which order |
//! | `entry` | what one file means: models, catalogs in catalogs |
//! | `list` | the text of the list that front ends get |
//! | `paths` | where a model and a picture are |
//! | `picture` | splash screens for the web port |
//! | `watch` | the thread that reads at the start and after every change |
//! | `diagnostics` | the same problems for `crosstie check` |

mod diagnostics;
mod document;
mod entry;
mod list;
mod paths;
pub(crate) mod picture;
mod read;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use diagnostics::diagnostics;
pub use read::read;
pub(crate) use watch::Watch;

use std::path::PathBuf;

use crate::config::Config;

/// Name of the file that describes a package.
pub const SETTINGS_FILE: &str = "settings.json";

/// Bytes of one `settings.json`. A larger one is an error and not read.
pub const FILE_LEN_MAX: u64 = 1 << 20;

/// Bytes of all `settings.json` together. What comes after that is an error and not read.
pub const ALL_FILES_LEN_MAX: u64 = 16 << 20;

/// Sub-folders of one root. Those after that, in byte order, are left out with an error.
pub const FOLDERS_MAX: usize = 1_000;

/// Models of all packages. Those after that are left out with an error.
pub const MODELS_MAX: usize = 1_000;

/// Catalogs within catalogs. A deeper one is left out with an error.
pub const CATALOG_DEPTH_MAX: usize = 32;

/// Problems that are kept. Further ones are counted in one more.
pub const PROBLEMS_MAX: usize = 200;

/// Bytes of a splash screen. A larger one is not served.
pub const PICTURE_LEN_MAX: u64 = 8 << 20;

/// Which folders hold packages, and how GAMA sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The folder of the packages.
    pub main: Option<PathBuf>,
    /// A second one, whose models come after those of the first.
    pub extra: Option<PathBuf>,
    /// Prefixes of model paths here, and what stands there instead for a GAMA that runs elsewhere.
    pub model_path_map: Vec<(String, String)>,
}

impl Sources {
    /// The roots in their order.
    pub(crate) fn roots(&self) -> impl Iterator<Item = Root> {
        let root = |folder: &Option<PathBuf>, kind| folder.clone().map(|folder| Root { folder, kind });
        let roots = [root(&self.main, RootKind::Main), root(&self.extra, RootKind::Extra)];
        roots.into_iter().flatten()
    }
}

/// One folder of packages.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    /// Where it is, as the project says it.
    pub(crate) folder: PathBuf,
    /// Which of the two.
    pub(crate) kind: RootKind,
}

impl Root {
    /// The folder from the root of the file system; links are not followed.
    pub(crate) fn absolute(&self) -> PathBuf {
        std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone())
    }
}

/// Which of the two folders of packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RootKind {
    Main,
    Extra,
}

impl RootKind {
    /// First segment of the paths of its pictures on the web port (SI-54).
    pub(crate) const fn segment(self) -> &'static str {
        match self {
            RootKind::Main => "learning-packages",
            RootKind::Extra => "extra-learning-packages",
        }
    }

    /// The key of the project that names it.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            RootKind::Main => "learning_packages",
            RootKind::Extra => "extra_learning_packages",
        }
    }
}

impl Config {
    /// Where the learning packages of the project are; `None` without a classroom.
    pub fn package_sources(&self) -> Option<Sources> {
        let classroom = self.classroom.as_ref()?;
        let mut roots = self.package_roots().into_iter();
        Some(Sources {
            main: roots.next(),
            extra: roots.next(),
            model_path_map: classroom.path_map(),
        })
    }
}
