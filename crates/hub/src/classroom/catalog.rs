//! The models of the learning packages, as the driver has read them (SI-50 to SI-54). Plain data.

use serde::{Deserialize, Serialize};

/// Everything that can be launched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// The models by their `model_index` (SI-51).
    pub models: Vec<Model>,
    /// What the list shows, nested, leaves before sub-catalogs.
    pub entries: Vec<Entry>,
    /// JSON text of the list, as SI-15 describes its leaves and catalogs.
    pub text: String,
    /// What was found wrong while reading; what is not named here works.
    pub problems: Vec<CatalogProblem>,
    /// The folders that were read, for people.
    pub roots: Vec<String>,
}

/// One model with its settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// The experiment in it.
    pub experiment: String,
    /// The `.gaml` file as GAMA is to open it: absolute, a mapped prefix replaced.
    pub file: String,
    /// The file is on this machine.
    pub is_here: bool,
    /// Where its picture is served, from the root of the web port; `None` where it has none.
    pub splash: Option<String>,
    /// Players that it needs at least, where the settings say a number.
    pub minimal_players: Option<u32>,
    /// Players that it takes at most, where the settings say a number.
    pub maximal_players: Option<u32>,
    /// The settings object as JSON text: all its fields, `model_file_path` absolute, no `model_index` (SI-10).
    pub settings: String,
    /// The same with `model_index` (SI-16).
    pub selected: String,
}

impl Model {
    /// What makes it the same model after the packages were read again.
    pub(crate) fn identity(&self) -> ModelIdentity {
        (self.file.clone(), self.experiment.clone())
    }
}

/// File and experiment of a model.
pub(crate) type ModelIdentity = (String, String);

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Entry {
    /// A model, by its index.
    Model(usize),
    /// A catalog in the catalog.
    Catalog {
        /// Its name.
        name: String,
        /// Where its picture is served.
        splash: Option<String>,
        /// What is in it.
        entries: Vec<Entry>,
    },
}

/// Something wrong in a learning package (SI-53).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogProblem {
    /// What is named there is missing from the list; else it is a warning.
    pub is_error: bool,
    /// The file or folder.
    pub file: String,
    /// Line and column, counted from 1, where known.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub text: String,
}
