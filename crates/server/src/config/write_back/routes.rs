//! Routes of a project file: added at the end, changed in their place key by key, taken out with the comment above them.

use super::super::limits::Limits;
use super::super::routes::{RoutePlan, route_table};
use super::{WriteError, edit, push, put, replace};
use crosstie_hub::settings::RouteSetting;
use crosstie_hub::signal::name::canonical;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use toml_edit::{DocumentMut, Item, Table, TableLike, Value};

/// Adds a route at the end of the routes of a project file.
///
/// # Errors
/// [`WriteError`]; [`WriteError::Invalid`] when the names are none or the route exists.
pub fn add_route(path: &Path, route: &RouteSetting) -> Result<(), WriteError> {
    let plan = RoutePlan {
        added: vec![route.clone()],
        ..RoutePlan::default()
    };
    set_routes(path, &plan).map(drop)
}

/// Makes another route of one of a project file. Only the keys that differ are written, in the place where it stands.
///
/// # Errors
/// [`WriteError`]; [`WriteError::UnknownRoute`] when the file has no such route.
pub fn change_route(path: &Path, old: &RouteSetting, new: &RouteSetting) -> Result<(), WriteError> {
    let plan = RoutePlan {
        changed: vec![(old.clone(), new.clone())],
        ..RoutePlan::default()
    };
    set_routes(path, &plan).map(drop)
}

/// Removes a route from a project file, with the comment that stands directly above it.
///
/// # Errors
/// [`WriteError`]; [`WriteError::UnknownRoute`] when the file has no such route.
pub fn remove_route(path: &Path, from: &str, to: &str) -> Result<(), WriteError> {
    let plan = RoutePlan {
        removed: vec![RouteSetting::plain(from, to)],
        ..RoutePlan::default()
    };
    set_routes(path, &plan).map(drop)
}

/// The text of a project file before a change and after it.
#[derive(Clone, Debug)]
pub(crate) struct Rewritten {
    pub(crate) before: String,
    pub(crate) after: String,
}

/// Carries out what a file of routes asks for, all of it or nothing.
///
/// # Errors
/// [`WriteError`]; [`WriteError::UnknownRoute`] when the file lacks a route that is to change or to go.
pub(crate) fn set_routes(path: &Path, plan: &RoutePlan) -> Result<Rewritten, WriteError> {
    let edited = edit(path, |text, document| {
        let removed = take_out(path, text, document.get("route"), &plan.removed)?;
        let text = removed.as_deref().unwrap_or(text);
        let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| WriteError::Syntax {
            path: path.to_owned(),
            reason: error.message().lines().next().unwrap_or_default().to_owned(),
        })?;
        if removed.is_none() {
            for route in &plan.removed {
                remove_from(&mut document, route).ok_or_else(|| unknown(path, route))?;
            }
        }
        change_all(path, &mut document, &plan.changed)?;
        for route in &plan.added {
            push(document.as_table_mut(), "route", route_table(route));
        }
        Ok(document.to_string())
    });
    edited.map(|(before, after)| Rewritten { before, after })
}

/// Undoes a change of a project file, unless somebody has changed it since; true when it is undone.
///
/// # Errors
/// [`WriteError::Read`] and [`WriteError::Write`].
pub(crate) fn put_back(path: &Path, rewritten: &Rewritten) -> Result<bool, WriteError> {
    let read = |source| WriteError::Read {
        path: path.to_owned(),
        source,
    };
    let real = path.canonicalize().map_err(read)?;
    if fs::read_to_string(&real).map_err(read)? != rewritten.after {
        return Ok(false);
    }
    replace(&real, &rewritten.before).map_err(|source| WriteError::Write {
        path: path.to_owned(),
        source,
    })?;
    Ok(true)
}

fn unknown(path: &Path, route: &RouteSetting) -> WriteError {
    WriteError::UnknownRoute {
        path: path.to_owned(),
        from: route.from.clone(),
        to: route.to.clone(),
    }
}

/// Takes the lines of routes out of the text, which keeps every other line; `None` where a route is more than its lines.
fn take_out(
    path: &Path,
    text: &str,
    routes: Option<&Item>,
    removed: &[RouteSetting],
) -> Result<Option<String>, WriteError> {
    let Some(sections) = routes.and_then(Item::as_array_of_tables) else {
        return Ok(None);
    };
    let tables: Vec<&Table> = sections.iter().collect();
    let places = places_of(tables.iter().map(|table| Some(*table as &dyn TableLike)));
    let mut spans = Vec::with_capacity(removed.len());
    for route in removed {
        let section = place_in(&places, route).and_then(|index| tables.get(index));
        let section = section.ok_or_else(|| unknown(path, route))?;
        // A section inside the section may stand anywhere below it.
        if section.iter().any(|(_, item)| item.is_table()) {
            return Ok(None);
        }
        spans.push(lines_of(text, section));
    }
    spans.sort_unstable();
    let (mut kept, mut from) = (String::with_capacity(text.len()), 0);
    for (start, end) in spans {
        kept.push_str(text.get(from..start).unwrap_or_default());
        from = end.max(from);
    }
    kept.push_str(&text[from..]);
    Ok(Some(kept))
}

fn remove_from(document: &mut DocumentMut, route: &RouteSetting) -> Option<()> {
    let is_it = |table: &dyn TableLike| is_route(table, &route.from, &route.to);
    match document.get_mut("route")? {
        Item::ArrayOfTables(sections) => {
            let index = sections.iter().position(|section| is_it(section))?;
            sections.remove(index);
        }
        Item::Value(Value::Array(list)) => {
            let index = list
                .iter()
                .position(|value| value.as_inline_table().is_some_and(|table| is_it(table)))?;
            list.remove(index);
        }
        _ => return None,
    }
    Some(())
}

fn change_all(
    path: &Path,
    document: &mut DocumentMut,
    changed: &[(RouteSetting, RouteSetting)],
) -> Result<(), WriteError> {
    // Found before any is changed: a route may take the names that another gives up.
    let known = match document.get("route") {
        Some(Item::ArrayOfTables(sections)) => {
            places_of(sections.iter().map(|section| Some(section as &dyn TableLike)))
        }
        Some(Item::Value(Value::Array(list))) => {
            let tables = list.iter().map(Value::as_inline_table);
            places_of(tables.map(|table| table.map(|table| table as &dyn TableLike)))
        }
        _ => Places::default(),
    };
    let places = changed
        .iter()
        .map(|(old, _)| place_in(&known, old).ok_or_else(|| unknown(path, old)));
    let places = places.collect::<Result<Vec<_>, _>>()?;
    for (index, (old, new)) in places.into_iter().zip(changed) {
        match document.get_mut("route") {
            Some(Item::ArrayOfTables(sections)) => {
                if let Some(section) = sections.get_mut(index) {
                    change(section, old, new);
                }
            }
            Some(Item::Value(Value::Array(list))) => {
                if let Some(table) = list.get_mut(index).and_then(Value::as_inline_table_mut) {
                    change(table, old, new);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where the routes of a file stand in its list, by the names of their ends.
type Places = HashMap<(String, String), usize>;

/// Names count as they stand in the file and in their canonical spelling: the file may say `plc/PLC1/o:0/3` where the hub says
/// `plc/PLC1/O:0/3`. Of two alike the first counts.
fn places_of<'a>(tables: impl Iterator<Item = Option<&'a dyn TableLike>>) -> Places {
    let mut places = Places::new();
    for (index, table) in tables.enumerate() {
        let Some(table) = table else { continue };
        let word = |key: &str| table.get(key).and_then(Item::as_str);
        let (Some(from), Some(to)) = (word("from"), word("to")) else {
            continue;
        };
        for from in spellings(from) {
            for to in spellings(to) {
                places.entry((from.clone(), to)).or_insert(index);
            }
        }
    }
    places
}

fn place_in(places: &Places, route: &RouteSetting) -> Option<usize> {
    places.get(&(route.from.clone(), route.to.clone())).copied()
}

/// A name as it stands there, and canonically where that is another one.
fn spellings(word: &str) -> Vec<String> {
    let own = word.to_owned();
    match canonical(word, Limits::DEFAULT.name_len_max) {
        Ok(other) if other != own => vec![own, other],
        _ => vec![own],
    }
}

/// Writes what differs between two forms of a route; a key whose default is wanted is left out.
fn change(table: &mut dyn TableLike, old: &RouteSetting, new: &RouteSetting) {
    let (old, new) = (route_table(old), route_table(new));
    for (key, item) in &new {
        let before = old.get(key).map(ToString::to_string);
        let Some(value) = item.as_value().filter(|value| before != Some(value.to_string())) else {
            continue;
        };
        // A table in the other spelling of TOML is written anew.
        if table.get(key).is_some_and(|item| !item.is_value()) {
            table.remove(key);
        }
        put(table, key, value.clone());
    }
    for (key, _) in old.iter().filter(|(key, _)| !new.contains_key(key)) {
        table.remove(key);
    }
}

fn is_route(table: &dyn TableLike, from: &str, to: &str) -> bool {
    let same = |key: &str, name: &str| {
        let word = table.get(key).and_then(Item::as_str);
        word.is_some_and(|word| spellings(word).iter().any(|word| word == name))
    };
    same("from", from) && same("to", to)
}

/// The bytes of a section: its lines, the comment directly above them, and the blank line that parted it from the one before.
fn lines_of(text: &str, section: &Table) -> (usize, usize) {
    let header = section.span().unwrap_or(0..0);
    let last = section
        .iter()
        .filter_map(|(_, item)| item.span())
        .map(|span| span.end)
        .fold(header.end, usize::max);
    let end = text[last..].find('\n').map_or(text.len(), |newline| last + newline + 1);
    let mut start = line_start(text, header.start);
    while start > 0 && text[line_start(text, start - 1)..start].trim_start().starts_with('#') {
        start = line_start(text, start - 1);
    }
    let is_blank_below = text[end..].lines().next().is_none_or(|line| line.trim().is_empty());
    if is_blank_below && start > 0 && text[line_start(text, start - 1)..start].trim().is_empty() {
        start = line_start(text, start - 1);
    }
    (start, end)
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}
