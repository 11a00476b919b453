//! What a file of routes makes of the routes of a project: which come, which change, which go.

use super::super::Config;
use super::super::csv_file::Rows;
use super::super::diagnostic::{Diagnostic, Findings, SourceText};
use super::super::plcs::hub_contexts;
use super::super::raw::{RawEntry, RawTable, RawValue};
use super::read::read_route;
use super::write::{route_cell, route_key};
use super::{ROUTE_FILE, ROUTE_KEYS, RouteReader};
use crosstie_hub::settings::RouteSetting;
use std::collections::{HashMap, HashSet};

/// The routes of a file beside those that the project has.
#[derive(Clone, Debug, Default)]
pub(crate) struct RoutePlan {
    /// Every route of the file, in its order, with what the project says where the file has no column.
    pub(crate) routes: Vec<RouteSetting>,
    /// Those that the project does not have.
    pub(crate) added: Vec<RouteSetting>,
    /// Those that the project has otherwise: as it is, and as it is to be.
    pub(crate) changed: Vec<(RouteSetting, RouteSetting)>,
    /// Those that the project has and the file does not, where the file is to be all.
    pub(crate) removed: Vec<RouteSetting>,
    /// Routes of the file that the project has as they are.
    pub(crate) same: usize,
}

/// Compares a file of routes with a project. With `replace` the file is to be all of its routes.
///
/// # Errors
///
/// Every mistake at its row and column.
pub(crate) fn plan(config: &Config, file: &SourceText, replace: bool) -> Result<RoutePlan, Vec<Diagnostic>> {
    let mut findings = Findings::default();
    let known: HashMap<_, &RouteSetting> = config.routes.iter().map(|route| (route_key(route), route)).collect();
    let rows = rows(file, &known, &mut findings);
    let wanted: HashSet<(Option<String>, String)> = rows
        .iter()
        .filter_map(|row| read_route(&mut Findings::default(), file, row))
        .map(|route| owned_key(&route))
        .collect();
    let contexts = hub_contexts(config.piplc.as_ref(), &config.plcs);
    let mut reader = RouteReader::new(&mut findings, &config.endpoints, &contexts, config.classroom.as_ref());
    let (others, removed): (Vec<_>, Vec<_>) = config
        .routes
        .iter()
        .filter(|route| !wanted.contains(&owned_key(route)))
        .partition(|_| !replace);
    others.into_iter().for_each(|route| reader.lay(route));
    let mut plan = RoutePlan {
        removed: removed.into_iter().cloned().collect(),
        ..RoutePlan::default()
    };
    for row in rows {
        // What the project says already is not doubted again.
        let is_known = |route: &RouteSetting| known.get(&route_key(route)) == Some(&route);
        let Some(route) = reader.take(file, &row, is_known) else {
            continue;
        };
        match known.get(&route_key(&route)) {
            None => plan.added.push(route.clone()),
            Some(old) if **old == route => plan.same += 1,
            Some(old) => plan.changed.push(((*old).clone(), route.clone())),
        }
        plan.routes.push(route);
    }
    match findings.has_errors() {
        true => Err(findings.into_diagnostics()),
        false => Ok(plan),
    }
}

fn owned_key(route: &RouteSetting) -> (Option<String>, String) {
    let (from, to) = route_key(route);
    (from.map(str::to_owned), to.to_owned())
}

/// The rows of the file, each with what the project says under the columns that the file does not have.
fn rows(
    file: &SourceText,
    known: &HashMap<(Option<&str>, &str), &RouteSetting>,
    findings: &mut Findings,
) -> Vec<RawTable> {
    let mut all = Vec::new();
    let Some(mut rows) = Rows::open(file, &ROUTE_FILE, findings) else {
        return all;
    };
    let columns = rows.columns().to_vec();
    while let Some(mut row) = rows.next(findings) {
        // Read for its names only: what is wrong in it is found when it is taken.
        let names = RawTable {
            span: row.span.clone(),
            entries: (row.entries.iter())
                .filter(|entry| ["from", "to"].contains(&&*entry.key))
                .cloned()
                .collect(),
        };
        let route = read_route(&mut Findings::default(), file, &names);
        if let Some(old) = route.as_ref().and_then(|route| known.get(&route_key(route))) {
            complete(&mut row, old, &columns);
        }
        all.push(row);
    }
    all
}

fn complete(row: &mut RawTable, old: &RouteSetting, columns: &[&str]) {
    for key in ROUTE_KEYS.into_iter().filter(|key| !columns.contains(key)) {
        let cell = route_cell(old, key);
        if !cell.is_empty() {
            row.entries.push(RawEntry {
                key: key.to_owned(),
                key_span: row.span.clone(),
                value: RawValue::Plain(cell),
                value_span: row.span.clone(),
            });
        }
    }
}
