//! Where a model is: on this machine, and for a GAMA that runs elsewhere.

use std::path::{Component, Path, PathBuf};

/// The `.gaml` file that a `settings.json` in this folder names, as an absolute path without `.` and `..`.
pub(super) fn model_file(folder: &Path, said: &str) -> String {
    if is_of_another_system(said) {
        return said.to_owned();
    }
    let mut path = normal(&folder.join(said));
    // A package that was written under Windows.
    if cfg!(not(windows)) && said.contains('\\') && !path.exists() {
        path = normal(&folder.join(said.replace('\\', "/")));
    }
    path.display().to_string()
}

/// An absolute path that means nothing on this system: it is GAMA's business.
fn is_of_another_system(said: &str) -> bool {
    let bytes = said.as_bytes();
    if cfg!(windows) {
        return bytes.first() == Some(&b'/');
    }
    let has_drive = matches!(bytes, [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic());
    has_drive || said.starts_with("\\\\")
}

/// A path without `.` and `..`, as its text says; links are not followed.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// The path with the longest prefix of the map replaced; `None` where no prefix fits. A prefix ends at a separator.
pub(super) fn mapped(map: &[(String, String)], path: &str) -> Option<String> {
    const SEPARATORS: [char; 2] = ['/', '\\'];
    let fitting = map.iter().filter_map(|(from, to)| {
        let rest = path.strip_prefix(from.trim_end_matches(SEPARATORS))?;
        (rest.is_empty() || rest.starts_with(SEPARATORS)).then_some((from, to, rest))
    });
    let (_, to, rest) = fitting.max_by_key(|(from, _, _)| from.trim_end_matches(SEPARATORS).len())?;
    let to = to.trim_end_matches(SEPARATORS);
    // A Windows path has its own separators.
    let rest = match to.contains('\\') {
        true => rest.replace('/', "\\"),
        false => rest.replace('\\', "/"),
    };
    Some(format!("{to}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_path_is_absolute_and_without_dots() {
        let folder = Path::new("/p/demo");
        for (said, file) in [
            ("Models/a b/x.gaml", "/p/demo/Models/a b/x.gaml"),
            ("./x.gaml", "/p/demo/x.gaml"),
            ("../other/./x.gaml", "/p/other/x.gaml"),
            ("../../../../x.gaml", "/x.gaml"),
            ("/srv/x.gaml", "/srv/x.gaml"),
            ("Models\\x.gaml", "/p/demo/Models/x.gaml"),
            ("C:\\gama\\x.gaml", "C:\\gama\\x.gaml"),
            ("c:/gama/x.gaml", "c:/gama/x.gaml"),
            ("\\\\server\\share\\x.gaml", "\\\\server\\share\\x.gaml"),
        ] {
            assert_eq!(model_file(folder, said), file, "{said}");
        }
    }

    #[test]
    fn the_longest_prefix_is_replaced_at_a_separator() {
        let map = [("/p", "/gama"), ("/p/demo/", "C:\\models\\"), ("/q", "/")]
            .map(|(from, to)| (from.to_owned(), to.to_owned()));
        for (path, expected) in [
            ("/p/other/x.gaml", Some("/gama/other/x.gaml")),
            ("/p/demo/a b/x.gaml", Some("C:\\models\\a b\\x.gaml")),
            ("/p/demonstration/x.gaml", Some("/gama/demonstration/x.gaml")),
            ("/pq/x.gaml", None),
            ("/q/x.gaml", Some("/x.gaml")),
        ] {
            assert_eq!(mapped(&map, path).as_deref(), expected, "{path}");
        }
        assert_eq!(mapped(&[], "/p/x.gaml"), None);
    }
}
