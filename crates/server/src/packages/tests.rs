//! Packages in folders of their own, read as the hub reads them.

use std::fs;
use std::path::{Path, PathBuf};

use crosstie_hub::classroom::catalog::{Catalog, Entry};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::picture::{self, Refusal};
use super::{
    CATALOG_DEPTH_MAX, FILE_LEN_MAX, FOLDERS_MAX, MODELS_MAX, PICTURE_LEN_MAX, PROBLEMS_MAX, RootKind, Sources,
};
use super::{diagnostics, read};

/// A folder of packages that ends with its test.
struct Packages {
    folder: TempDir,
}

impl Packages {
    fn new(files: &[(&str, &str)]) -> Packages {
        let packages = Packages {
            folder: tempfile::tempdir().unwrap(),
        };
        for (path, text) in files {
            packages.write(path, text.as_bytes());
        }
        packages
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn sources(&self) -> Sources {
        Sources {
            main: Some(self.path("learning-packages")),
            ..Sources::default()
        }
    }

    fn read(&self) -> Catalog {
        read(&self.sources())
    }

    /// The problems, with the folder taken out of their texts.
    fn problems(&self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        let catalog = self.read();
        let line = |problem: &crosstie_hub::classroom::catalog::CatalogProblem| {
            let word = if problem.is_error { "error" } else { "warning" };
            let place = problem
                .place
                .map_or(String::new(), |(line, column)| format!(":{line}:{column}"));
            format!("{word} {}{place}: {}", problem.file, problem.text).replace(&folder, "")
        };
        catalog.problems.iter().map(line).collect()
    }
}

/// A `settings.json` of one model, with these fields besides those that it needs.
fn model(fields: Value) -> String {
    let mut model = json!({"type": "json_settings", "name": "M", "model_file_path": "m.gaml", "experiment_name": "e"});
    for (name, value) in fields.as_object().unwrap() {
        model[name] = value.clone();
    }
    model.to_string()
}

/// The three packages that the platform was recorded with, written from what it said about them (SI-15, SI-16).
fn recorded() -> Packages {
    Packages::new(&[
        (
            "learning-packages/alpha/settings.json",
            r#"[{"type":"catalog","name":"In an array","entries":[
                {"type":"json_settings","name":"InArrCat","splashscreen":"","model_file_path":"q.gaml","experiment_name":"e",
                 "minimal_players":"1","maximal_players":"1"}]}]"#,
        ),
        (
            "learning-packages/demo/settings.json",
            r#"{"type":"json_settings","name":"LinkToUnity","splashscreen":"learning-packages/demo/splashscreen/demoOne.png",
                "model_file_path":"Models/Demo/Simple Player Game/DemoModelVR.gaml","experiment_name":"vr_xp",
                "minimal_players":"0","maximal_players":"4","selected_monitoring":"gama_screen"}"#,
        ),
        (
            "learning-packages/zed/settings.json",
            r#"{"type":"catalog","name":"Flood scenarios","splashscreen":"learning-packages/demo/splashscreen/demoOne.png","entries":[
                {"type":"catalog","name":"Inner","entries":[
                    {"type":"json_settings","name":"In A","splashscreen":"x.png","model_file_path":"./m/a.gaml",
                     "experiment_name":"ea","minimal_players":"1","maximal_players":"2"}]},
                {"type":"json_settings","name":"Out B","model_file_path":"m/b.gaml","experiment_name":"eb"},
                {"name":"Legacy C","model_file_path":"m/c.gaml","experiment_name":"ec"}]}"#,
        ),
        ("learning-packages/demo/splashscreen/demoOne.png", "picture"),
        ("learning-packages/zed/x.png", "picture"),
    ])
}

#[test]
fn si51_the_recorded_list_and_its_indexes_come_out_byte_for_byte() {
    let catalog = recorded().read();
    // Golden: what the platform 4.0.0 sends as its list.
    let golden = r#"[{"type":"json_settings","name":"LinkToUnity","splashscreen":"learning-packages/demo/splashscreen/demoOne.png","model_index":1},{"type":"catalog","name":"Flood scenarios","entries":[{"type":"json_settings","name":"Out B","model_index":3},{"type":"json_settings","name":"Legacy C","model_index":4},{"type":"catalog","name":"Inner","entries":[{"type":"json_settings","name":"In A","splashscreen":"x.png","model_index":2}]}],"splashscreen":"learning-packages/demo/splashscreen/demoOne.png"}]"#;
    assert_eq!(catalog.text, golden);
    let names: Vec<&str> = catalog.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(names, ["InArrCat", "LinkToUnity", "In A", "Out B", "Legacy C"]);
    let demo = Some(String::from("/learning-packages/demo/splashscreen/demoOne.png"));
    let inner = Entry::Catalog {
        name: String::from("Inner"),
        splash: None,
        entries: vec![Entry::Model(2)],
    };
    let expected = [
        Entry::Catalog {
            name: String::from("In an array"),
            splash: None,
            entries: vec![Entry::Model(0)],
        },
        Entry::Model(1),
        Entry::Catalog {
            name: String::from("Flood scenarios"),
            splash: demo,
            entries: vec![Entry::Model(3), Entry::Model(4), inner],
        },
    ];
    assert_eq!(
        catalog.entries, expected,
        "the page shows also what the list leaves out"
    );
}

#[test]
fn si52_the_recorded_settings_come_out_byte_for_byte() {
    let packages = recorded();
    let root = packages.folder.path().display().to_string();
    let catalog = packages.read();
    // Goldens: what the platform 4.0.0 sends for the indexes 0, 1 and 2.
    let goldens = [
        r#"{"type":"json_settings","name":"InArrCat","splashscreen":"","model_file_path":"<ROOT>/learning-packages/alpha/q.gaml","experiment_name":"e","minimal_players":"1","maximal_players":"1"}"#,
        r#"{"type":"json_settings","name":"LinkToUnity","splashscreen":"learning-packages/demo/splashscreen/demoOne.png","model_file_path":"<ROOT>/learning-packages/demo/Models/Demo/Simple Player Game/DemoModelVR.gaml","experiment_name":"vr_xp","minimal_players":"0","maximal_players":"4","selected_monitoring":"gama_screen"}"#,
        r#"{"type":"json_settings","name":"In A","splashscreen":"x.png","model_file_path":"<ROOT>/learning-packages/zed/m/a.gaml","experiment_name":"ea","minimal_players":"1","maximal_players":"2"}"#,
    ];
    for (index, golden) in goldens.iter().enumerate() {
        let settings = &catalog.models[index].settings;
        assert_eq!(settings.replace(&root, "<ROOT>"), *golden);
        let with_index = format!(r#"{},"model_index":{index}}}"#, settings.strip_suffix('}').unwrap());
        assert_eq!(catalog.models[index].selected, with_index);
    }
    assert!(
        catalog.models[4]
            .settings
            .starts_with(r#"{"type":"json_settings","name":"Legacy C","#)
    );
    let demo = &catalog.models[1];
    assert_eq!((demo.minimal_players, demo.maximal_players), (Some(0), Some(4)));
    assert_eq!(
        demo.splash.as_deref(),
        Some("/learning-packages/demo/splashscreen/demoOne.png")
    );
    assert_eq!(
        catalog.models[2].splash.as_deref(),
        Some("/learning-packages/zed/x.png")
    );
    assert!(!demo.is_here);
}

#[test]
fn si50_a_root_comes_before_its_folders_and_the_extra_root_last() {
    let named = |name: &str| model(json!({"name": name}));
    let packages = Packages::new(&[
        ("learning-packages/settings.json", &named("root")),
        ("learning-packages/b/settings.json", &named("b")),
        ("learning-packages/B/settings.json", &named("B")),
        ("learning-packages/ä/settings.json", &named("ä")),
        ("learning-packages/a/deep/settings.json", &named("too deep")),
        ("learning-packages/.git/settings.json", &named(".git")),
        ("more/settings.json", &named("more")),
        ("more/0/settings.json", &format!("[{},{}]", named("x"), named("y"))),
    ]);
    let sources = Sources {
        extra: Some(packages.path("more")),
        ..packages.sources()
    };
    let names: Vec<String> = read(&sources).models.into_iter().map(|model| model.name).collect();
    assert_eq!(names, ["root", ".git", "B", "b", "ä", "more", "x", "y"]);
    let roots = [packages.path("learning-packages"), packages.path("more")];
    assert_eq!(read(&sources).roots, roots.map(|root| root.display().to_string()));
}

#[test]
fn si53_each_mistake_is_told_with_its_place_and_the_others_load() {
    let packages = Packages::new(&[
        (
            "learning-packages/a/settings.json",
            "{\n  \"type\": \"json_settings\",\n  oops\n}",
        ),
        (
            "learning-packages/b/settings.json",
            r#"{"type":"json_settings","name":"B","experiment_name":"e"}"#,
        ),
        ("learning-packages/c/readme.txt", "no settings here"),
        (
            "learning-packages/d/settings.json",
            "[\n 1,\n {\"type\": \"jsonsettings\"},\n {\"entries\": []}\n]",
        ),
        (
            "learning-packages/e/settings.json",
            "{\"type\":\"catalog\",\n \"entries\":{}}",
        ),
        ("learning-packages/f/settings.json", r#"{"type":"catalog","name":"F"}"#),
        (
            "learning-packages/g/settings.json",
            &model(json!({"model_file_path": 5, "experiment_name": ""})),
        ),
        ("learning-packages/h/settings.json/x", "a folder of that name"),
        (
            "learning-packages/i/settings.json",
            r#"{"name":"I","model_filepath":"m.gaml","experiment_name":"e"}"#,
        ),
        ("learning-packages/m.gaml", "model"),
        (
            "learning-packages/z/settings.json",
            &model(json!({"name": "Z", "model_file_path": "../m.gaml"})),
        ),
    ]);
    packages.write("learning-packages/j/settings.json", b"{\"name\":\n\"\xff\"}");
    let what = "the `.gaml` file, relative to this file's folder or absolute";
    let of_model = "an object of the type \"json_settings\" or \"catalog\", or an array of them";
    let expected = [
        String::from(
            "error learning-packages/a/settings.json:3:3: this is not JSON: the name of a field in double quotes should stand here, or the comma before it is one too many; expected JSON",
        ),
        format!("error learning-packages/b/settings.json:1:1: this model has no `model_file_path`; expected {what}"),
        String::from(
            "warning learning-packages/c: this folder has no settings.json, so it has no models; expected a package, or no folder here",
        ),
        format!("error learning-packages/d/settings.json:2:2: this is a number; expected {of_model}"),
        String::from(
            "error learning-packages/d/settings.json:3:11: the `type` \"jsonsettings\" is unknown; expected \"json_settings\" for a model or \"catalog\"",
        ),
        String::from(
            "error learning-packages/d/settings.json:4:2: entries without a `type`; expected \"type\": \"catalog\" beside them",
        ),
        String::from(
            "error learning-packages/e/settings.json:2:12: `entries` is an object; expected an array of models and catalogs",
        ),
        String::from(
            "error learning-packages/f/settings.json:1:1: a catalog without `entries`; expected an array of models and catalogs",
        ),
        format!("error learning-packages/g/settings.json:1:54: `model_file_path` is 5; expected {what}"),
        String::from(
            "error learning-packages/g/settings.json:1:74: `experiment_name` is \"\"; expected the name of an experiment in the model",
        ),
        String::from("error learning-packages/h/settings.json: this is not a file; expected a file with JSON"),
        format!(
            "error learning-packages/i/settings.json:1:1: this model has no `model_file_path` (is `model_filepath` meant to be it?); expected {what}"
        ),
        String::from(
            "error learning-packages/j/settings.json:2:2: this is not UTF-8; expected text in UTF-8: save the file with that encoding",
        ),
    ];
    assert_eq!(packages.problems(), expected);
    let catalog = packages.read();
    assert_eq!(catalog.models.len(), 1);
    assert!(catalog.models[0].is_here);
    assert_eq!(
        catalog.models[0].file,
        packages.path("learning-packages/m.gaml").display().to_string()
    );
}

#[test]
fn si53_what_only_deserves_a_warning_loads() {
    let packages = Packages::new(&[
        (
            "learning-packages/a/settings.json",
            &model(json!({"name": 1, "minimal_players": "two", "maximal_players": 3, "splashscreen": "none.png"})),
        ),
        (
            "learning-packages/b/settings.json",
            &model(
                json!({"minimal_players": "3", "maximal_players": "", "splashscreen": 7, "model_file_path": "C:\\m.gaml"}),
            ),
        ),
        (
            "learning-packages/c/settings.json",
            "\u{feff}{\"name\":\"C\",\"model_file_path\":\"c.gaml\",\"experiment_name\":\"e\",\"minimal_players\":\"3\",\"maximal_players\":\"2\"}",
        ),
        ("learning-packages/c/c.gaml", ""),
    ]);
    let catalog = packages.read();
    let players: Vec<_> = catalog
        .models
        .iter()
        .map(|model| (model.minimal_players, model.maximal_players))
        .collect();
    assert_eq!(players, [(None, Some(3)), (Some(3), None), (Some(3), Some(2))]);
    assert_eq!(
        catalog.models[0].name, "e",
        "the experiment stands for a name that is none"
    );
    assert!(
        catalog.models[0].settings.contains(r#""name":1,"#),
        "what stands there is kept"
    );
    assert_eq!(catalog.models[1].file, "C:\\m.gaml");
    assert!(
        catalog
            .problems
            .iter()
            .all(|problem| !problem.is_error && problem.place.is_some())
    );
    let texts: String = packages.problems().join("\n");
    for part in [
        "`name` is 1, so 'e' is shown",
        "`minimal_players` is \"two\", which counts as no limit",
        "the picture \"none.png\" is not shown: there is no such file",
        "`splashscreen` is 7, so there is no picture",
        "C:\\m.gaml is not on this machine",
        "`minimal_players` is 3 and `maximal_players` 2",
    ] {
        assert_eq!(texts.matches(part).count(), 1, "{part} in {texts}");
    }
    assert_eq!(catalog.problems.len(), 7, "{texts}");
}

#[test]
fn si53_a_missing_root_is_a_warning_and_the_other_one_loads() {
    let packages = Packages::new(&[("more/settings.json", &model(json!({})))]);
    let sources = Sources {
        extra: Some(packages.path("more")),
        ..packages.sources()
    };
    let catalog = read(&sources);
    assert_eq!(catalog.models.len(), 1);
    let problem = &catalog.problems[0];
    assert!(
        !problem.is_error && problem.text.contains("no such folder") && problem.text.contains("`learning_packages`")
    );
    assert_eq!(read(&Sources::default()).text, "[]");
}

#[test]
fn si53_a_prefix_of_model_paths_is_rewritten_and_then_nothing_is_missed_here() {
    let packages = Packages::new(&[("learning-packages/a/settings.json", &model(json!({})))]);
    let from = packages.path("learning-packages").display().to_string();
    let sources = Sources {
        model_path_map: vec![(from, String::from("C:\\lessons"))],
        ..packages.sources()
    };
    let catalog = read(&sources);
    assert_eq!(catalog.models[0].file, "C:\\lessons\\a\\m.gaml");
    assert!(
        catalog.models[0]
            .settings
            .contains(r#""model_file_path":"C:\\lessons\\a\\m.gaml""#)
    );
    assert_eq!(catalog.problems, []);
}

#[test]
fn unknown_fields_are_kept_in_their_order_and_the_last_of_two_counts() {
    let text = r#"{"z":[1,{"b":null,"a":2.50}],"type":"json_settings","model_index":9,"name":"M",
        "model_file_path":"old.gaml","experiment_name":"e","ä":"\u00e4\n","model_file_path":"m.gaml"}"#;
    let packages = Packages::new(&[
        ("learning-packages/a/settings.json", text),
        ("learning-packages/a/m.gaml", ""),
    ]);
    let file = packages.path("learning-packages/a/m.gaml").display().to_string();
    let settings = &packages.read().models[0].settings;
    let expected = format!(
        r#"{{"type":"json_settings","z":[1,{{"b":null,"a":2.5}}],"name":"M","model_file_path":"{file}","experiment_name":"e","ä":"ä\n"}}"#
    );
    assert_eq!(*settings, expected);
}

#[test]
fn limits_are_told_and_what_is_within_them_loads() {
    // Depth.
    let mut nested = model(json!({}));
    for _ in 0..=CATALOG_DEPTH_MAX {
        nested = format!(
            r#"{{"type":"catalog","name":"c","entries":[{nested},{}]}}"#,
            model(json!({}))
        );
    }
    let packages = Packages::new(&[("learning-packages/a/settings.json", &nested)]);
    let catalog = packages.read();
    assert_eq!(catalog.models.len(), CATALOG_DEPTH_MAX);
    assert_eq!(catalog.problems.iter().filter(|problem| problem.is_error).count(), 1);
    // Nesting that only a stack would feel.
    let deep = model(json!({})).replace(
        "\"e\"",
        &format!("\"e\",\"x\":{}{}", "[".repeat(100_000), "]".repeat(100_000)),
    );
    for text in [&deep, &"[".repeat(500_000), &"{\"a\":".repeat(100_000)] {
        let packages = Packages::new(&[("learning-packages/a/settings.json", text)]);
        assert_eq!(packages.read().models.len(), 0);
        assert_eq!(packages.problems().len(), 1);
    }
    // Models, problems.
    let many = vec![model(json!({})); MODELS_MAX + 2].join(",");
    let packages = Packages::new(&[("learning-packages/a/settings.json", &format!("[{many}]"))]);
    let catalog = packages.read();
    assert_eq!(catalog.models.len(), MODELS_MAX);
    assert_eq!(catalog.problems.len(), PROBLEMS_MAX + 1, "each model misses its file");
    let last = catalog.problems.last().unwrap();
    assert!(last.is_error && last.text.starts_with("801 more problems"), "{last:?}");
    // Size of a file.
    let packages = Packages::new(&[(
        "learning-packages/a/settings.json",
        &" ".repeat(FILE_LEN_MAX as usize + 1),
    )]);
    assert!(packages.problems()[0].contains("larger than 1 MiB"));
    // Folders.
    let packages = Packages::new(&[]);
    for number in 0..=FOLDERS_MAX {
        fs::create_dir_all(packages.path(&format!("learning-packages/.{number}"))).unwrap();
    }
    assert!(packages.problems()[0].contains("1001 folders are here"));
}

#[test]
fn si54_a_picture_is_found_as_its_url_beside_its_file_or_below_the_root() {
    let packages = Packages::new(&[
        ("learning-packages/a b/é/x.PNG", "1"),
        ("learning-packages/a b/own.jpg", "2"),
        ("learning-packages/shared.webp", "3"),
        ("more/p/q.gif", "4"),
        ("outside.png", "5"),
    ]);
    let sources = Sources {
        extra: Some(packages.path("more")),
        ..packages.sources()
    };
    let roots: Vec<_> = sources.roots().collect();
    let folder = packages.path("learning-packages/a b");
    for (said, url) in [
        (
            "learning-packages/a b/é/x.PNG",
            Some("/learning-packages/a%20b/%C3%A9/x.PNG"),
        ),
        (
            "/learning-packages/a b/own.jpg",
            Some("/learning-packages/a%20b/own.jpg"),
        ),
        ("./own.jpg", Some("/learning-packages/a%20b/own.jpg")),
        ("own.jpg", Some("/learning-packages/a%20b/own.jpg")),
        ("é\\x.PNG", Some("/learning-packages/a%20b/%C3%A9/x.PNG")),
        ("../shared.webp", Some("/learning-packages/shared.webp")),
        ("shared.webp", Some("/learning-packages/shared.webp")),
        (
            "extra-learning-packages/p/q.gif",
            Some("/extra-learning-packages/p/q.gif"),
        ),
        ("../../outside.png", None),
        ("learning-packages/../../outside.png", None),
        ("https://example.org/x.png", None),
        ("data:image/png;base64,AAAA", None),
    ] {
        assert_eq!(
            picture::find(&sources, &roots[0], &folder, said).ok().as_deref(),
            url,
            "{said}"
        );
    }
    // The second root stands where the first one would.
    let of_extra = picture::find(
        &sources,
        &roots[1],
        &packages.path("more/p"),
        "learning-packages/p/q.gif",
    );
    assert_eq!(of_extra.as_deref(), Ok("/extra-learning-packages/p/q.gif"));
}

#[test]
fn si54_nothing_but_pictures_inside_the_root_is_served() {
    let packages = Packages::new(&[
        ("learning-packages/a/x.png", "picture"),
        ("learning-packages/a/settings.json", "{}"),
        ("learning-packages/a/.hidden.png", "hidden"),
        ("learning-packages/.git/x.png", "hidden"),
        ("learning-packages/a/folder.png/x.txt", "folder"),
        ("secret.png", "secret"),
        ("state/keys.toml", "secret"),
    ]);
    packages.write("learning-packages/a/large.png", &vec![0; PICTURE_LEN_MAX as usize + 1]);
    #[cfg(unix)]
    for (target, link) in [
        ("secret.png", "learning-packages/a/out.png"),
        ("state/keys.toml", "learning-packages/a/keys.png"),
        ("learning-packages/a/settings.json", "learning-packages/a/settings.png"),
        (".", "learning-packages/up"),
        ("learning-packages/a/x.png", "learning-packages/a/in.png"),
    ] {
        std::os::unix::fs::symlink(packages.path(target), packages.path(link)).unwrap();
    }
    let sources = packages.sources();
    let refused = |path: &str| picture::load(&sources, RootKind::Main, path.as_bytes()).unwrap_err();
    let picture = picture::load(&sources, RootKind::Main, b"a/x.png").unwrap();
    assert_eq!(
        (picture.content_type, picture.bytes.as_slice()),
        ("image/png", &b"picture"[..])
    );
    for path in [
        "",
        ".",
        "..",
        "/",
        "a",
        "a/",
        "a//x.png",
        "/a/x.png",
        "a/./x.png",
        "a/../a/x.png",
        "../secret.png",
        "a/../../secret.png",
        "..\\secret.png",
        "a\\x.png",
        "a/x.png\0",
        "a/x.png/",
        "C:x.png",
        "a/x.png:stream",
        "a/.hidden.png",
        ".git/x.png",
        "a/folder.png",
        "a/out.png",
        "a/keys.png",
        "up/secret.png",
        "%2e%2e/secret.png",
        "nowhere/x.png",
    ] {
        let refusal = refused(path);
        let is_kept = matches!(refusal, Refusal::NotFound | Refusal::NotAPicture);
        assert!(is_kept, "{path}: {refusal:?}");
    }
    let absolute = packages.path("secret.png").display().to_string();
    assert_eq!(refused(&absolute), Refusal::NotFound);
    assert_eq!(refused(&"a/".repeat(10_000)), Refusal::NotFound);
    assert_eq!(refused("a/settings.json"), Refusal::NotAPicture);
    assert_eq!(refused("a/large.png"), Refusal::TooLarge);
    #[cfg(unix)]
    {
        assert_eq!(
            refused("a/settings.png"),
            Refusal::NotAPicture,
            "a link makes nothing a picture"
        );
        assert!(picture::load(&sources, RootKind::Main, b"a/in.png").is_ok());
    }
    assert_eq!(
        picture::load(&sources, RootKind::Extra, b"a/x.png").unwrap_err(),
        Refusal::NotFound
    );
    assert_eq!(
        picture::load(&sources, RootKind::Main, b"a/\xff.png").unwrap_err(),
        Refusal::NotFound
    );
}

#[test]
fn si53_check_shows_the_line_of_a_mistake() {
    let packages = Packages::new(&[
        ("learning-packages/a/settings.json", "{\n  \"type\": \"ä\", \"x\": }\n"),
        ("learning-packages/b/x", ""),
    ]);
    let found = diagnostics(&packages.sources());
    assert_eq!(found.len(), 2);
    let first = &found[0];
    assert_eq!((first.line, first.column, first.code), (2, 21, "not_json"));
    assert_eq!(&first.source.text[first.span.clone()], "}");
    assert!(first.render(crate::config::Style::Plain).contains("\"x\": }"));
    assert_eq!((found[1].code, found[1].severity.word()), ("no_settings", "warning"));
    assert!(!found[1].render(crate::config::Style::Plain).is_empty());
}

/// Any JSON, with the words of packages in it.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("type"),
        Just("json_settings"),
        Just("catalog"),
        Just("name"),
        Just("entries"),
        Just("splashscreen"),
        Just("model_file_path"),
        Just("experiment_name"),
        Just("minimal_players"),
        Just("../x.png"),
        Just("7"),
    ];
    let word = word.prop_map(String::from);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    let good = json!({"type": "json_settings", "name": "M", "model_file_path": "m.gaml", "experiment_name": "e"});
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let catalog = prop::collection::vec(inner.clone(), 0..5)
            .prop_map(|entries| json!({"type": "catalog", "name": "C", "entries": entries}));
        prop_oneof![
            2 => catalog,
            1 => prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            1 => prop::collection::vec((word.clone(), inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
            2 => Just(good.clone()),
        ]
    })
}

/// The promises of a catalog, whatever the file was.
fn keeps_its_promises(catalog: &Catalog) {
    fn indexes(entries: &[Entry], found: &mut Vec<usize>) {
        for entry in entries {
            match entry {
                Entry::Model(index) => found.push(*index),
                Entry::Catalog { entries, .. } => indexes(entries, found),
            }
        }
    }
    let mut found = Vec::new();
    indexes(&catalog.entries, &mut found);
    found.sort_unstable();
    assert_eq!(
        found,
        (0..catalog.models.len()).collect::<Vec<_>>(),
        "every model is listed once"
    );
    let list: Value = serde_json::from_str(&catalog.text).unwrap();
    assert!(list.is_array());
    for (index, model) in catalog.models.iter().enumerate() {
        let settings: Value = serde_json::from_str(&model.settings).unwrap();
        let selected: Value = serde_json::from_str(&model.selected).unwrap();
        assert_eq!(
            (&settings["type"], &settings["model_index"]),
            (&json!("json_settings"), &Value::Null)
        );
        assert_eq!(selected["model_index"], index);
        assert!(Path::new(&model.file).is_absolute());
        assert!(catalog.text.len() <= 2 || !settings["name"].is_null());
    }
}

/// Files that were or could be wrong: those of the corpus, each cut off at every byte of its first hundred.
#[test]
fn the_packages_corpus_breaks_no_promise() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/package");
    let mut count = 0;
    for file in fs::read_dir(folder).expect("the corpus is readable") {
        let bytes = fs::read(file.expect("the corpus is readable").path()).expect("the corpus is readable");
        for end in (0..bytes.len().min(100)).chain([bytes.len()]) {
            let packages = Packages::new(&[]);
            packages.write("learning-packages/a/settings.json", &bytes[..end]);
            keeps_its_promises(&packages.read());
        }
        count += 1;
    }
    assert!(count >= 8, "{count} files in the corpus");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_tree_is_read_without_harm_and_indexes_are_dense(value in any_json(), pretty: bool) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        let packages = Packages::new(&[("learning-packages/a/settings.json", &text)]);
        keeps_its_promises(&packages.read());
        let _ = diagnostics(&packages.sources());
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes: Vec<u8>, path in ".{0,40}") {
        let packages = Packages::new(&[]);
        packages.write("learning-packages/a/settings.json", &bytes);
        keeps_its_promises(&packages.read());
        let _ = diagnostics(&packages.sources());
        prop_assert!(picture::load(&packages.sources(), RootKind::Main, path.as_bytes()).is_err());
    }
}
