//! What one `settings.json` means: models, and catalogs of models (SI-50 to SI-53).

use crosstie_hub::classroom::catalog::Model;
use serde_json::Value;

use super::document::{Fields, Node};
use super::list::Listed;
use super::read::{PackageFile, Reader};
use super::{CATALOG_DEPTH_MAX, MODELS_MAX, paths, picture};
use crate::config::nearest;

/// The word of a model in `type`.
const MODEL: &str = "json_settings";

/// The word of a catalog in `type`.
const CATALOG: &str = "catalog";

/// What a `settings.json` may be.
const A_PACKAGE: &str = "an object of the type \"json_settings\" or \"catalog\", or an array of them";

impl Reader<'_> {
    /// Reads what stands in a file.
    pub(super) fn document(&mut self, file: &PackageFile<'_>, node: Node<'_>) -> Vec<Listed> {
        let Some(elements) = node.elements() else {
            return self.entry(file, node, 0).into_iter().collect();
        };
        let mut listed = Vec::new();
        for element in elements {
            let mut entry = self.entry(file, element, 0);
            if let Some(Listed::Catalog { is_in_text, name, .. }) = &mut entry {
                *is_in_text = false;
                let found = format!(
                    "the catalog '{name}' stands in an array: Crosstie's page shows it, front ends of the SIMPLE platform do not"
                );
                self.findings.warning(
                    file.at(element.position()),
                    "catalog_in_array",
                    found,
                    "a catalog that is a file of its own",
                );
            }
            listed.extend(entry);
        }
        listed
    }

    fn entry(&mut self, file: &PackageFile<'_>, node: Node<'_>, depth: usize) -> Option<Listed> {
        let at = file.at(node.position());
        let Some(fields) = node.fields() else {
            self.findings
                .error(at, "not_a_package", format!("this is {}", node.kind()), A_PACKAGE);
            return None;
        };
        match fields.get("type") {
            // Older packages have models without a type.
            None if fields.get("entries").is_none() => self.model(file, node, &fields),
            None => {
                let found = "entries without a `type`";
                self.findings
                    .error(at, "no_type", found, "\"type\": \"catalog\" beside them");
                None
            }
            Some(kind) => match kind.text().as_deref() {
                Some(MODEL) => self.model(file, node, &fields),
                Some(CATALOG) => self.catalog(file, node, &fields, depth),
                _ => {
                    let found = format!("the `type` {} is unknown", shown(kind));
                    let expected = "\"json_settings\" for a model or \"catalog\"";
                    self.findings
                        .error(file.at(kind.position()), "unknown_type", found, expected);
                    None
                }
            },
        }
    }

    fn catalog(&mut self, file: &PackageFile<'_>, node: Node<'_>, fields: &Fields<'_>, depth: usize) -> Option<Listed> {
        let at = file.at(node.position());
        if depth == CATALOG_DEPTH_MAX {
            let found = format!("this catalog is the {}th within another", depth + 1);
            self.findings
                .error(at, "too_deep", found, "fewer catalogs within catalogs (32 at most)");
            return None;
        }
        let elements = match fields.get("entries") {
            Some(entries) => match entries.elements() {
                Some(elements) => elements,
                None => {
                    let found = format!("`entries` is {}", entries.kind());
                    let expected = "an array of models and catalogs";
                    self.findings
                        .error(file.at(entries.position()), "wrong_kind", found, expected);
                    return None;
                }
            },
            None => {
                self.findings.error(
                    at,
                    "no_entries",
                    "a catalog without `entries`",
                    "an array of models and catalogs",
                );
                return None;
            }
        };
        let name = self.name(file, node, fields, || folder_name(file));
        let (splashscreen, splash) = self.splash(file, fields);
        let entries = elements
            .into_iter()
            .filter_map(|element| self.entry(file, element, depth + 1));
        Some(Listed::Catalog {
            name,
            splashscreen,
            splash,
            entries: entries.collect(),
            is_in_text: true,
        })
    }

    fn model(&mut self, file: &PackageFile<'_>, node: Node<'_>, fields: &Fields<'_>) -> Option<Listed> {
        let at = file.at(node.position());
        if self.models.len() == MODELS_MAX {
            if !std::mem::replace(&mut self.is_full, true) {
                let found = format!("there are {MODELS_MAX} models before this one; it and all after it are left out");
                self.findings.error(at, "too_many_models", found, "fewer models");
            }
            return None;
        }
        let what = "the `.gaml` file, relative to this file's folder or absolute";
        let path = self.demand(file, node, fields, "model_file_path", what);
        let experiment = self.demand(
            file,
            node,
            fields,
            "experiment_name",
            "the name of an experiment in the model",
        );
        let (path, experiment) = (path?, experiment?);
        let mut object = match node.object() {
            Ok(object) => object,
            Err(mistake) => {
                self.findings.error(
                    file.at(mistake.at),
                    "not_kept",
                    mistake.text,
                    "a value that can be kept",
                );
                return None;
            }
        };
        let name = self.name(file, node, fields, || experiment.clone());
        let (model_file, is_here) = self.model_file(file, fields, &path);
        let (splashscreen, splash) = self.splash(file, fields);
        let minimal_players = self.players(file, fields, "minimal_players");
        let maximal_players = self.players(file, fields, "maximal_players");
        if let (Some(minimal), Some(maximal)) = (minimal_players, maximal_players)
            && minimal > maximal
        {
            let found = format!("`minimal_players` is {minimal} and `maximal_players` {maximal}");
            self.findings
                .warning(at, "no_players", found, "a maximum that is not below the minimum");
        }

        let index = self.models.len();
        object.shift_insert(0, String::from("type"), Value::from(MODEL));
        if object.get("name").is_none_or(Value::is_null) {
            object.shift_insert(1, String::from("name"), Value::from(name.as_str()));
        }
        object.insert(String::from("model_file_path"), Value::from(model_file.as_str()));
        object.shift_remove("model_index");
        let settings = Value::Object(object.clone()).to_string();
        object.insert(String::from("model_index"), Value::from(index));
        self.models.push(Model {
            name: name.clone(),
            experiment,
            file: model_file,
            is_here,
            splash,
            minimal_players,
            maximal_players,
            settings,
            selected: Value::Object(object).to_string(),
        });
        Some(Listed::Model {
            index,
            name,
            splashscreen,
        })
    }

    /// A text that a model cannot do without.
    fn demand(
        &mut self,
        file: &PackageFile<'_>,
        node: Node<'_>,
        fields: &Fields<'_>,
        field: &str,
        expected: &str,
    ) -> Option<String> {
        let Some(found) = fields.get(field) else {
            let meant = nearest(field, fields.names());
            let found = match meant.filter(|meant| *meant != field) {
                Some(meant) => format!("this model has no `{field}` (is `{meant}` meant to be it?)"),
                None => format!("this model has no `{field}`"),
            };
            self.findings
                .error(file.at(node.position()), "missing_field", found, expected);
            return None;
        };
        let text = found.text().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            let found_text = format!("`{field}` is {}", shown(found));
            self.findings
                .error(file.at(found.position()), "wrong_kind", found_text, expected);
        }
        text
    }

    /// The name of a model or a catalog, or what stands for it.
    fn name(
        &mut self,
        file: &PackageFile<'_>,
        node: Node<'_>,
        fields: &Fields<'_>,
        other: impl FnOnce() -> String,
    ) -> String {
        let found = fields.get("name");
        if let Some(name) = found.and_then(|found| found.text()) {
            return name;
        }
        let other = other();
        let (place, what) = match found {
            Some(found) => (found.position(), format!("`name` is {}", shown(found))),
            None => (node.position(), String::from("there is no `name`")),
        };
        self.findings.warning(
            file.at(place),
            "no_name",
            format!("{what}, so '{other}' is shown"),
            "a text",
        );
        other
    }

    /// Where GAMA finds a model, and whether the file is on this machine.
    fn model_file(&mut self, file: &PackageFile<'_>, fields: &Fields<'_>, path: &str) -> (String, bool) {
        let here = paths::model_file(&file.folder, path);
        let is_here = std::fs::metadata(&here).is_ok_and(|data| data.is_file());
        if let Some(mapped) = paths::mapped(&self.sources.model_path_map, &here) {
            return (mapped, is_here);
        }
        if !is_here && let Some(found) = fields.get("model_file_path") {
            let text = format!("{here} is not on this machine");
            let expected = "a file that GAMA can open (where GAMA runs elsewhere, `model_path_map` rewrites the path)";
            self.findings
                .warning(file.at(found.position()), "no_model_file", text, expected);
        }
        (here, is_here)
    }

    /// The picture as the file says it, and where it is served.
    fn splash(&mut self, file: &PackageFile<'_>, fields: &Fields<'_>) -> (Option<String>, Option<String>) {
        let Some(found) = fields.get("splashscreen") else {
            return (None, None);
        };
        let Some(said) = found.text() else {
            let text = format!("`splashscreen` is {}, so there is no picture", shown(found));
            self.findings
                .warning(file.at(found.position()), "wrong_kind", text, "the path of a picture");
            return (None, None);
        };
        if said.trim().is_empty() {
            return (Some(said), None);
        }
        match picture::find(self.sources, file.root, &file.folder, &said) {
            Ok(url) => (Some(said), Some(url)),
            Err(refusal) => {
                let text = format!("the picture {} is not shown: {refusal}", shown(found));
                let expected = "a png, jpg, gif, webp or svg file in the package, relative to this file's folder";
                self.findings
                    .warning(file.at(found.position()), "no_picture", text, expected);
                (Some(said), None)
            }
        }
    }

    /// A number of players: a text that holds one, or a number.
    fn players(&mut self, file: &PackageFile<'_>, fields: &Fields<'_>, field: &str) -> Option<u32> {
        let found = fields.get(field)?;
        let text = found.text().unwrap_or_else(|| found.raw().to_owned());
        let number = text.trim().parse().ok();
        if number.is_none() && !text.trim().is_empty() {
            let text = format!("`{field}` is {}, which counts as no limit", shown(found));
            self.findings.warning(
                file.at(found.position()),
                "wrong_kind",
                text,
                "a whole number, such as \"4\"",
            );
        }
        number
    }
}

/// A value for people: a short one as it stands there.
fn shown(node: Node<'_>) -> String {
    const SHOWN_LEN_MAX: usize = 100;
    match node.raw() {
        raw if raw.starts_with(['{', '[']) || raw.len() > SHOWN_LEN_MAX => node.kind().to_owned(),
        raw => raw.to_owned(),
    }
}

fn folder_name(file: &PackageFile<'_>) -> String {
    let name = file.folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
