//! The list of models: as a text for front ends (SI-15), and as plain data for the page and the API.

use crosstie_hub::classroom::catalog::Entry;
use crosstie_wire::json::{write_string, write_uint};

/// One line of the list, as it was read.
#[derive(Debug)]
pub(super) enum Listed {
    Model {
        index: usize,
        name: String,
        /// The picture, as the file says it.
        splashscreen: Option<String>,
    },
    Catalog {
        name: String,
        splashscreen: Option<String>,
        /// Where the picture is served.
        splash: Option<String>,
        entries: Vec<Listed>,
        /// compat: a catalog that stands in an array is not in the text of the list (SI-51); its models have their indexes.
        is_in_text: bool,
    },
}

/// Leaves before sub-catalogs, each in the order of the file (SI-51).
fn in_order(entries: &[Listed]) -> impl Iterator<Item = &Listed> {
    let is_leaf = |entry: &&Listed| matches!(entry, Listed::Model { .. });
    let leaves = entries.iter().filter(is_leaf);
    leaves.chain(entries.iter().filter(move |entry| !is_leaf(entry)))
}

/// The list as plain data.
pub(super) fn entries(listed: &[Listed]) -> Vec<Entry> {
    listed.iter().map(entry).collect()
}

fn entry(listed: &Listed) -> Entry {
    match listed {
        Listed::Model { index, .. } => Entry::Model(*index),
        Listed::Catalog {
            name, splash, entries, ..
        } => Entry::Catalog {
            name: name.clone(),
            splash: splash.clone(),
            entries: in_order(entries).map(entry).collect(),
        },
    }
}

/// The list as JSON text.
pub(super) fn text(listed: &[Listed]) -> String {
    let mut out = Vec::new();
    let shown = |entry: &&Listed| !matches!(entry, Listed::Catalog { is_in_text: false, .. });
    write_all(&mut out, listed.iter().filter(shown));
    String::from_utf8(out).expect("JSON of texts is text")
}

fn write_all<'a>(out: &mut Vec<u8>, entries: impl Iterator<Item = &'a Listed>) {
    out.push(b'[');
    for (position, entry) in entries.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write(out, entry);
    }
    out.push(b']');
}

fn write(out: &mut Vec<u8>, listed: &Listed) {
    match listed {
        Listed::Model {
            index,
            name,
            splashscreen,
        } => {
            out.extend_from_slice(br#"{"type":"json_settings","name":"#);
            write_string(out, name);
            write_splashscreen(out, splashscreen.as_deref());
            out.extend_from_slice(br#","model_index":"#);
            write_uint(out, *index as u64);
        }
        Listed::Catalog {
            name,
            splashscreen,
            entries,
            ..
        } => {
            out.extend_from_slice(br#"{"type":"catalog","name":"#);
            write_string(out, name);
            out.extend_from_slice(br#","entries":"#);
            write_all(out, in_order(entries));
            write_splashscreen(out, splashscreen.as_deref());
        }
    }
    out.push(b'}');
}

fn write_splashscreen(out: &mut Vec<u8>, splashscreen: Option<&str>) {
    if let Some(splashscreen) = splashscreen {
        out.extend_from_slice(br#","splashscreen":"#);
        write_string(out, splashscreen);
    }
}
