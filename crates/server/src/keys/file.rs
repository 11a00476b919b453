//! The file with the keys: read with every mistake located, written whole under a lock.

use super::{FILE_NAME, KEYS_MAX, Key, NAME_LEN_MAX, NewKey, PATTERN_LEN_MAX, PATTERNS_MAX, secret};
use crate::config::{Diagnostic, Findings, Limits, Place, SourceText, read_file, shown_path};
use crate::state;
use crosstie_hub::access::Role;
use data_encoding::HEXLOWER;
use std::io;
use std::path::Path;
use std::time::SystemTime;
use toml_edit::{Array, ArrayOfTables, Document, DocumentMut, Item, Table};

/// Name of the lock of the file.
const LOCK_NAME: &str = "keys.lock";

/// First lines of the file.
const HEADING: &str = "# The access keys of this project, by their hashes: the keys themselves stand nowhere.\n\
                       # `crosstie key` and the page change this file; a running hub takes every change within a second.\n";

/// What stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeysFile {
    /// Number of the last id that was given, so that none is given again.
    pub(crate) last_id: u64,
    /// The keys, in the order in which they were made.
    pub(crate) keys: Vec<Key>,
}

/// Why the keys were not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// What was asked for does not fit.
    #[error("{0}")]
    BadValue(String),
    /// There is no such key.
    #[error("no key is called '{0}': the ids are those of `crosstie key list`, such as k1")]
    Unknown(String),
    /// It would break a rule; the text names it.
    #[error("{0}")]
    Conflict(&'static str),
    /// There is no room.
    #[error("there are {KEYS_MAX} keys already, which is the limit: revoke one first")]
    TooMany,
    /// The file is damaged.
    #[error("the file with the keys is damaged: {}", .0.first().map_or(String::new(), ToString::to_string))]
    Damaged(Vec<Diagnostic>),
    /// The file could not be written.
    #[error("the file with the keys cannot be written: {0}")]
    Write(#[from] io::Error),
    /// The change could not be written down.
    #[error("the audit log cannot be written, so nothing was changed: {0}")]
    Audit(io::Error),
    /// The system gives no random bytes.
    #[error("no key can be made: {0}")]
    Random(getrandom::Error),
}

/// Reads the keys of a project from its state folder; `None` when there is no such file.
///
/// # Errors
///
/// Everything that is wrong with the file.
pub(crate) fn read(folder: &Path) -> Result<Option<KeysFile>, Vec<Diagnostic>> {
    let path = folder.join(FILE_NAME);
    match read_file(&path) {
        Ok(text) => parse(SourceText::new(shown_path(&path), text)).map(Some),
        Err(unreadable) if unreadable.code == "no_file" => Ok(None),
        Err(unreadable) => {
            let source = SourceText::new(shown_path(&path), unreadable.text);
            let span = unreadable.at..unreadable.at;
            let mut findings = Findings::default();
            findings.error(
                &Place { source, span },
                unreadable.code,
                unreadable.found,
                unreadable.expected,
            );
            Err(findings.into_diagnostics())
        }
    }
}

/// Makes a key; gives what is kept of it, and the key itself, which nobody can get a second time. With `must_exist` a file
/// that is not there is not begun anew: a running hub knows that there was one. `note` writes the change down and is called
/// before it: what could not be written down is not done, so no key is ever valid that the audit log does not have.
///
/// # Errors
///
/// [`KeysError`]; then nothing has changed.
pub(crate) fn add(
    folder: &Path,
    new: NewKey,
    must_exist: bool,
    note: impl FnOnce(&Key) -> io::Result<()>,
) -> Result<(Key, String), KeysError> {
    check_name(&new.name)?;
    check_patterns("view", new.view.as_deref())?;
    check_patterns("write", new.write.as_deref())?;
    let _locked = state::lock(folder, LOCK_NAME)?;
    let mut file = match read(folder).map_err(KeysError::Damaged)? {
        Some(file) => file,
        None if must_exist => {
            return Err(KeysError::Conflict(
                "the file with the keys has vanished: put it back, or end the hub and begin with a new first key",
            ));
        }
        None => KeysFile::default(),
    };
    if file.keys.len() >= KEYS_MAX {
        return Err(KeysError::TooMany);
    }
    if file.keys.is_empty() && new.role != Role::Engineer {
        return Err(KeysError::BadValue(String::from(
            "the first key has the role engineer: with it everything wants a key, and only an engineer makes further ones",
        )));
    }
    let secret = secret::new_secret().map_err(KeysError::Random)?;
    file.last_id += 1;
    let key = Key {
        id: format!("k{}", file.last_id),
        name: new.name,
        role: new.role,
        view: new.view,
        write: new.write,
        sha256: secret::hash(secret.as_bytes()),
        created: state::rfc3339(SystemTime::now()),
    };
    file.keys.push(key.clone());
    note(&key).map_err(KeysError::Audit)?;
    write(folder, &file)?;
    Ok((key, secret))
}

/// Takes a key away; gives what was kept of it. `note` is called before, as in [`add`].
///
/// # Errors
///
/// [`KeysError`]; then nothing has changed.
pub(crate) fn revoke(folder: &Path, id: &str, note: impl FnOnce(&Key) -> io::Result<()>) -> Result<Key, KeysError> {
    let _locked = state::lock(folder, LOCK_NAME)?;
    let mut file = read(folder).map_err(KeysError::Damaged)?.unwrap_or_default();
    let index = file.keys.iter().position(|key| key.id == id);
    let key = file
        .keys
        .remove(index.ok_or_else(|| KeysError::Unknown(id.to_owned()))?);
    let has_engineer = file.keys.iter().any(|key| key.role == Role::Engineer);
    if key.role == Role::Engineer && !has_engineer && !file.keys.is_empty() {
        return Err(KeysError::Conflict(
            "this is the last key of an engineer: make another one first, or revoke the other keys before it",
        ));
    }
    note(&key).map_err(KeysError::Audit)?;
    write(folder, &file)?;
    Ok(key)
}

fn check_name(name: &str) -> Result<(), KeysError> {
    if name.trim().is_empty() || name.len() > NAME_LEN_MAX || name.chars().any(char::is_control) {
        let text = format!("a name of 1 to {NAME_LEN_MAX} bytes without control characters was expected");
        return Err(KeysError::BadValue(text));
    }
    Ok(())
}

fn check_patterns(what: &str, patterns: Option<&[String]>) -> Result<(), KeysError> {
    let patterns = patterns.unwrap_or_default();
    // A star stands for whole segments; one among other letters would never fit anything.
    let is_whole = |segment: &str| segment == "*" || segment == "**" || !segment.contains('*');
    let is_path = |text: &str| {
        let (front, _) = text.rsplit_once('/').unwrap_or_default();
        text.split('/').all(is_whole) && !front.split('/').any(|segment| segment == "**")
    };
    if let Some(odd) = patterns.iter().find(|text| !is_path(text)) {
        let text = format!(
            "`{what}`: '{}' fits no name: `*` stands for one whole segment and `**`, at the end, for all that follow",
            odd.escape_debug()
        );
        return Err(KeysError::BadValue(text));
    }
    let is_good = |text: &String| !text.is_empty() && text.len() <= PATTERN_LEN_MAX && !text.contains(char::is_control);
    if patterns.len() > PATTERNS_MAX || !patterns.iter().all(is_good) {
        let text = format!(
            "`{what}`: at most {PATTERNS_MAX} patterns of names were expected, such as twin/line/**, each of at most \
             {PATTERN_LEN_MAX} bytes"
        );
        return Err(KeysError::BadValue(text));
    }
    Ok(())
}

fn write(folder: &Path, file: &KeysFile) -> Result<(), KeysError> {
    let text = render(file);
    if text.len() as u64 > Limits::DEFAULT.file_bytes_max {
        let text =
            String::from("the file with the keys would become too large: fewer or shorter patterns were expected");
        return Err(KeysError::BadValue(text));
    }
    Ok(state::write_whole(&folder.join(FILE_NAME), text.as_bytes())?)
}

fn render(file: &KeysFile) -> String {
    let mut tables = ArrayOfTables::new();
    for key in &file.keys {
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        table.insert("id", toml_edit::value(&key.id));
        table.insert("name", toml_edit::value(&key.name));
        table.insert("role", toml_edit::value(key.role.word()));
        for (name, patterns) in [("view", &key.view), ("write", &key.write)] {
            if let Some(patterns) = patterns {
                table.insert(name, toml_edit::value(patterns.iter().collect::<Array>()));
            }
        }
        table.insert("sha256", toml_edit::value(HEXLOWER.encode(&key.sha256)));
        table.insert("created", toml_edit::value(&key.created));
        tables.push(table);
    }
    let mut document = DocumentMut::new();
    // Ids count far below 2^63: one more key each.
    document.insert("next_id", toml_edit::value(file.last_id.saturating_add(1) as i64));
    document.insert("key", Item::ArrayOfTables(tables));
    format!("{HEADING}{document}")
}

fn parse(source: SourceText) -> Result<KeysFile, Vec<Diagnostic>> {
    let mut reader = Reader {
        findings: Findings::default(),
        source,
    };
    let file = reader.file();
    if reader.findings.has_errors() {
        Err(reader.findings.into_diagnostics())
    } else {
        Ok(file)
    }
}

/// One pass over the file, which collects every mistake.
struct Reader {
    findings: Findings,
    source: SourceText,
}

impl Reader {
    fn file(&mut self) -> KeysFile {
        let mut file = KeysFile::default();
        let text = self.source.text.clone();
        let document = match Document::parse(&*text) {
            Ok(document) => document,
            Err(error) => {
                let found = format!("not TOML: {}", error.message().lines().next().unwrap_or_default());
                self.error(error.span(), "syntax", found, "the file as Crosstie has written it");
                return file;
            }
        };
        let mut next_id = None;
        for (name, item) in document.iter() {
            match (name, item) {
                ("next_id", item) => {
                    let number = item.as_integer().and_then(|next| u64::try_from(next).ok());
                    next_id = Some(number.filter(|next| *next > 0).unwrap_or(u64::MAX));
                    if next_id == Some(u64::MAX) {
                        let found = "`next_id` is no number of an id";
                        self.error(item.span(), "wrong_type", found, "a whole number from 1 on");
                    }
                }
                ("key", Item::ArrayOfTables(tables)) => {
                    for table in tables.iter().take(KEYS_MAX) {
                        file.keys.extend(self.key(table));
                    }
                    if let Some(beyond) = tables.get(KEYS_MAX) {
                        let found = format!("{} keys", tables.len());
                        self.error(beyond.span(), "too_large", found, format!("at most {KEYS_MAX}"));
                    }
                }
                (_, item) => {
                    self.error(
                        item.span(),
                        "unknown_key",
                        format!("`{name}`"),
                        "`next_id` and [[key]] and nothing else",
                    );
                }
            }
        }
        self.check_ids(&mut file, next_id);
        file
    }

    fn check_ids(&mut self, file: &mut KeysFile, next_id: Option<u64>) {
        let numbers = file.keys.iter().filter_map(|key| number_of(&key.id));
        file.last_id = next_id.unwrap_or(1).saturating_sub(1);
        match next_id {
            None => self.error(
                None,
                "missing_key",
                "no `next_id`",
                "`next_id`, a number above those of all ids",
            ),
            Some(next) if numbers.max().is_some_and(|largest| largest >= next) => {
                let expected = "a number above those of all ids, so that none is given a second time";
                self.error(None, "out_of_range", format!("`next_id` is {next}"), expected);
            }
            Some(_) => {}
        }
        let mut ids: Vec<&str> = file.keys.iter().map(|key| key.id.as_str()).collect();
        ids.sort_unstable();
        if let Some(double) = ids
            .windows(2)
            .find(|pair| pair[0] == pair[1])
            .map(|pair| pair[0].to_owned())
        {
            self.error(
                None,
                "duplicate_name",
                format!("two keys have the id {double}"),
                "an id of its own for each key",
            );
        }
    }

    fn key(&mut self, table: &Table) -> Option<Key> {
        const KNOWN: [&str; 7] = ["id", "name", "role", "view", "write", "sha256", "created"];
        for (name, item) in table.iter().filter(|(name, _)| !KNOWN.contains(name)) {
            self.error(
                item.span(),
                "unknown_key",
                format!("`{name}` in a [[key]]"),
                "no further settings of a key",
            );
        }
        let id = self.text(table, "id", "an id such as k1", |text| {
            number_of(text).map(|_| text.to_owned())
        });
        let name = self.text(table, "name", "a name", |text| {
            check_name(text).is_ok().then(|| text.to_owned())
        });
        let role = self.text(table, "role", "viewer, operator or engineer", Role::from_word);
        let sha256 = self.text(table, "sha256", "64 hexadecimal digits", |text| {
            HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()
        });
        let created = self.text(table, "created", "a time such as 2026-03-01T09:30:00.000Z", |text| {
            (text.len() <= NAME_LEN_MAX).then(|| text.to_owned())
        });
        let view = self.patterns(table, "view");
        let write = self.patterns(table, "write");
        Some(Key {
            id: id?,
            name: name?,
            role: role?,
            view: view?,
            write: write?,
            sha256: sha256?,
            created: created?,
        })
    }

    fn text<T>(&mut self, table: &Table, key: &str, expected: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let item = table.get(key);
        let value = item.and_then(Item::as_str).and_then(read);
        if value.is_none() {
            let found = match item {
                // The hash is no secret worth much, but nobody needs to see it either.
                Some(_) => format!("`{key}` of a [[key]] does not fit"),
                None => format!("a [[key]] without `{key}`"),
            };
            let span = item.and_then(Item::span).or_else(|| table.span());
            self.error(
                span,
                if item.is_some() { "bad_value" } else { "missing_key" },
                found,
                expected,
            );
        }
        value
    }

    /// `Some(None)` where nothing stands, which means every signal; `None` for a mistake.
    fn patterns(&mut self, table: &Table, key: &str) -> Option<Option<Vec<String>>> {
        let Some(item) = table.get(key) else {
            return Some(None);
        };
        let texts = item
            .as_array()
            .map(|array| array.iter().map(|text| text.as_str().map(str::to_owned)));
        let texts = texts.and_then(Iterator::collect::<Option<Vec<String>>>);
        match texts.filter(|texts| check_patterns(key, Some(texts)).is_ok()) {
            Some(texts) => Some(Some(texts)),
            None => {
                let expected = format!("at most {PATTERNS_MAX} patterns of names, such as twin/line/**");
                self.error(
                    item.span(),
                    "bad_value",
                    format!("`{key}` of a [[key]] does not fit"),
                    expected,
                );
                None
            }
        }
    }

    fn error(
        &mut self,
        span: Option<std::ops::Range<usize>>,
        code: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let place = Place {
            source: self.source.clone(),
            span: span.unwrap_or(0..0),
        };
        self.findings.error(&place, code, found, expected);
    }
}

/// The number of an id in its one spelling.
fn number_of(id: &str) -> Option<u64> {
    let number: u64 = id.strip_prefix('k')?.parse().ok()?;
    (number > 0 && format!("k{number}") == id).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(name: &str, role: Role) -> NewKey {
        NewKey {
            name: name.to_owned(),
            role,
            view: None,
            write: Some(vec![String::from("twin/*/Start")]),
        }
    }

    #[test]
    fn keys_are_made_kept_and_taken_away_and_no_id_comes_twice() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        assert_eq!(read(&state).unwrap(), None);
        let (first, secret) = add(&state, new("Anna", Role::Engineer), false, |_| Ok(())).unwrap();
        let (second, _) = add(&state, new("HMI \"west\"", Role::Operator), false, |_| Ok(())).unwrap();
        assert_eq!((first.id.as_str(), second.id.as_str()), ("k1", "k2"));
        let text = std::fs::read_to_string(state.join(FILE_NAME)).unwrap();
        assert!(!text.contains(&secret), "only its hash is kept");
        assert_eq!(read(&state).unwrap().unwrap().keys, [first, second.clone()]);
        assert_eq!(revoke(&state, "k2", |_| Ok(())).unwrap(), second);
        assert!(matches!(revoke(&state, "k2", |_| Ok(())), Err(KeysError::Unknown(_))));
        assert_eq!(
            add(&state, new("Ben", Role::Viewer), false, |_| Ok(())).unwrap().0.id,
            "k3"
        );
        revoke(&state, "k3", |_| Ok(())).unwrap();
        revoke(&state, "k1", |_| Ok(())).unwrap();
        let file = read(&state).unwrap().unwrap();
        assert_eq!((file.last_id, file.keys.len()), (3, 0));
    }

    #[test]
    fn there_is_always_an_engineer_while_there_are_keys() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            add(folder.path(), new("HMI", Role::Operator), false, |_| Ok(())),
            Err(KeysError::BadValue(_))
        ));
        assert!(matches!(
            add(folder.path(), new("Anna", Role::Engineer), true, |_| Ok(())),
            Err(KeysError::Conflict(_))
        ));
        add(folder.path(), new("Anna", Role::Engineer), false, |_| Ok(())).unwrap();
        add(folder.path(), new("HMI", Role::Operator), true, |_| Ok(())).unwrap();
        assert!(matches!(
            revoke(folder.path(), "k1", |_| Ok(())),
            Err(KeysError::Conflict(_))
        ));
        add(folder.path(), new("Ben", Role::Engineer), true, |_| Ok(())).unwrap();
        revoke(folder.path(), "k1", |_| Ok(())).unwrap();
    }

    #[test]
    fn names_and_patterns_have_their_limits() {
        let folder = tempfile::tempdir().unwrap();
        let check = |change: fn(&mut NewKey), is_good: bool| {
            let mut key = new("Anna", Role::Engineer);
            change(&mut key);
            let shown = format!("{key:?}");
            assert_eq!(add(folder.path(), key, false, |_| Ok(())).is_ok(), is_good, "{shown}");
        };
        check(|key| key.name = "x".repeat(NAME_LEN_MAX), true);
        check(|key| key.name = "x".repeat(NAME_LEN_MAX + 1), false);
        check(|key| key.name = String::from("  "), false);
        check(|key| key.name = String::from("a\nb"), false);
        check(|key| key.view = Some(vec![String::from("twin/**"); PATTERNS_MAX]), true);
        check(
            |key| key.view = Some(vec![String::from("twin/**"); PATTERNS_MAX + 1]),
            false,
        );
        check(|key| key.write = Some(Vec::new()), true);
        check(|key| key.write = Some(vec![String::new()]), false);
        check(|key| key.write = Some(vec!["x".repeat(PATTERN_LEN_MAX + 1)]), false);
    }

    #[test]
    fn every_mistake_in_the_file_is_located() {
        let good = "next_id = 2\n[[key]]\nid = \"k1\"\nname = \"Anna\"\nrole = \"engineer\"\nsha256 = \"HASH\"\ncreated = \"x\"\n"
            .replace("HASH", &"0a".repeat(32));
        let check = |from: &str, to: &str, code: &str, line: usize| {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            let found = parse(SourceText::new("keys.toml", text.as_str())).unwrap_err();
            let is_there = found.iter().any(|found| (found.code, found.line) == (code, line));
            assert!(is_there, "{code} at {line}: {found:?}");
        };
        assert_eq!(
            parse(SourceText::new("keys.toml", good.as_str())).unwrap().keys.len(),
            1
        );
        check("next_id = 2", "next_id = 1", "out_of_range", 1);
        check("next_id = 2\n", "", "missing_key", 1);
        check("next_id = 2", "next_id = \"2\"", "wrong_type", 1);
        check("[[key]]", "[[key]", "syntax", 2);
        check("[[key]]", "[key]", "unknown_key", 2);
        check("\"k1\"", "\"k01\"", "bad_value", 3);
        check("engineer", "root", "bad_value", 5);
        check("0a0a", "0a0", "bad_value", 6);
        check("name = ", "nam = ", "unknown_key", 4);
        check("created", "view = [1]\ncreated", "bad_value", 7);
        check("created = \"x\"\n", "", "missing_key", 2);
        let double = good.replace("next_id = 2\n", "");
        let double = format!("next_id = 2\n{double}{double}");
        assert_eq!(
            parse(SourceText::new("keys.toml", double)).unwrap_err()[0].code,
            "duplicate_name"
        );
    }
}
