//! Archives that no backup of ours would be, and one that is.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use super::*;
use crate::config::{self, Overrides};
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use tar::{Builder, EntryType, Header};

const PROJECT_TEXT: &str = "[project]\nname = \"Line\"\n\n[web]\nport = 0\n";

/// One entry of an archive: its name as bytes, its kind, its content.
type Piece<'a> = (&'a str, EntryType, &'a [u8]);

fn archive(pieces: &[Piece<'_>]) -> Vec<u8> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, kind, content) in pieces {
        let mut header = Header::new_ustar();
        // Written by hand: the library refuses such names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o600);
        header.set_size(content.len() as u64);
        header.set_cksum();
        archive.append(&header, *content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn row(path: &str, content: &[u8]) -> Value {
    json!({"path": path, "size": content.len(), "sha256": HEXLOWER.encode(&Sha256::digest(content))})
}

fn manifest(rows: Vec<Value>) -> Vec<u8> {
    let manifest =
        json!({"format": "crosstie-backup", "version": 1, "crosstie": "0.1.0", "project": "Line", "files": rows});
    manifest.to_string().into_bytes()
}

/// Restores these bytes; the folder that this went into, and what came of it.
fn restored(bytes: &[u8]) -> (tempfile::TempDir, Result<Summary, BackupError>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.tar.gz");
    fs::write(&file, bytes).unwrap();
    let result = unpack(&file, &folder.path().join("line"), false);
    (folder, result)
}

#[track_caller]
fn refused(bytes: &[u8], expected: &str) {
    let (folder, result) = restored(bytes);
    let error = result.unwrap_err().to_string();
    assert!(error.contains(expected), "{expected:?} is not in {error}");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing is left but the file itself: {left:?}");
}

#[test]
fn what_leads_out_of_the_folder_or_is_no_plain_file_is_refused() {
    let toml = PROJECT_TEXT.as_bytes();
    let list = manifest(vec![row("crosstie.toml", toml)]);
    let with = |name: &'static str, kind: EntryType, content: &'static [u8]| {
        archive(&[
            ("project/crosstie.toml", EntryType::Regular, toml),
            (name, kind, content),
            (MANIFEST, EntryType::Regular, &list),
        ])
    };
    for name in [
        "/etc/passwd",
        "project//etc/passwd",
        "project/../out",
        "project/a/../../out",
        "project/./a",
        "project/a\\b",
        "project/C:x",
        "project/a\nb",
        "project/",
        "elsewhere/a",
        "crosstie.toml",
    ] {
        refused(
            &with(name, EntryType::Regular, b"x"),
            "names of files inside the project folder",
        );
    }
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Directory,
        EntryType::Fifo,
        EntryType::Char,
        EntryType::Block,
        EntryType::GNULongName,
        EntryType::GNULongLink,
        EntryType::XHeader,
        EntryType::XGlobalHeader,
        EntryType::GNUSparse,
    ] {
        refused(&with("project/state/x", kind, b""), "plain files only");
    }
    refused(&with("project/crosstie.toml", EntryType::Regular, b"x"), "once only");
    refused(
        &with("project/crosstie.toml/x", EntryType::Regular, b"x"),
        "cannot be written",
    );
    refused(
        &with("project/extra", EntryType::Regular, b"x"),
        "nothing that the manifest does not name, such as 'extra'",
    );
}

#[test]
fn what_the_manifest_does_not_vouch_for_is_refused() {
    let toml = PROJECT_TEXT.as_bytes();
    let file = ("project/crosstie.toml", EntryType::Regular, toml);
    let with = |manifest: &[u8]| archive(&[file, (MANIFEST, EntryType::Regular, manifest)]);
    refused(&archive(&[file]), "a manifest.json at its end");
    refused(&with(b"{}"), "a manifest as Crosstie writes it");
    let changed = |key: &str, value: Value| {
        let mut list: Value = serde_json::from_slice(&manifest(vec![row("crosstie.toml", toml)])).unwrap();
        list[key] = value;
        with(list.to_string().as_bytes())
    };
    refused(&changed("format", json!("zip")), "a backup of Crosstie");
    refused(
        &changed("version", json!(2)),
        "restore it with the Crosstie that made it",
    );
    refused(
        &with(&manifest(vec![row("crosstie.toml", b"other")])),
        "with the size and hash",
    );
    let mut wrong_hash = row("crosstie.toml", toml);
    wrong_hash["sha256"] = row("", b"other")["sha256"].clone();
    refused(
        &with(&manifest(vec![wrong_hash])),
        "with the size and hash of the manifest",
    );
    refused(
        &with(&manifest(vec![row("crosstie.toml", toml), row("state/keys.toml", b"")])),
        "'state/keys.toml', which the manifest names",
    );
    let other = ("project/other", EntryType::Regular, toml);
    let list = manifest(vec![row("other", toml)]);
    refused(
        &archive(&[other, (MANIFEST, EntryType::Regular, &list)]),
        "a crosstie.toml in it",
    );
    let list = manifest(vec![row("crosstie.toml", toml)]);
    refused(
        &archive(&[(MANIFEST, EntryType::Regular, &list), file]),
        "nothing behind the manifest",
    );
}

#[test]
fn what_is_cut_off_or_no_archive_is_refused_wherever_it_ends() {
    let toml = PROJECT_TEXT.as_bytes();
    let list = manifest(vec![row("crosstie.toml", toml)]);
    let whole = archive(&[
        ("project/crosstie.toml", EntryType::Regular, toml),
        (MANIFEST, EntryType::Regular, &list),
    ]);
    assert!(restored(&whole).1.is_ok());
    for len in (0..whole.len() - 8).step_by(7) {
        let (folder, result) = restored(&whole[..len]);
        if result.is_ok() {
            // The last blocks of a tar file are filling: a manifest that is whole vouches for all that counts.
            let text = fs::read_to_string(folder.path().join("line/crosstie.toml")).unwrap();
            assert_eq!(text, PROJECT_TEXT, "{len} bytes");
        }
    }
    refused(b"", "");
    refused(b"no archive at all", "a whole .tar.gz file was expected");
}

#[test]
fn more_files_than_a_backup_may_have_are_refused() {
    let names: Vec<String> = (0..=FILES_MAX)
        .map(|number| format!("project/state/{number}"))
        .collect();
    let pieces: Vec<Piece<'_>> = names
        .iter()
        .map(|name| (name.as_str(), EntryType::Regular, &b""[..]))
        .collect();
    refused(&archive(&pieces), "at most 10000 files");
}

#[test]
fn a_file_that_claims_to_be_too_large_is_refused_before_it_is_read() {
    let mut header = Header::new_ustar();
    header.set_path("project/state/huge").unwrap();
    header.set_entry_type(EntryType::Regular);
    header.set_size(BYTES_MAX + 1);
    header.set_cksum();
    let mut zipped = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut zipped, header.as_bytes()).unwrap();
    refused(&zipped.finish().unwrap(), "4 GiB was expected");
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let endpoint = "\n[[realvirtual]]\nname = \"line\"\nport = 0\nsignals = \"lists/line.csv\"\n";
    write("crosstie.toml", &format!("{PROJECT_TEXT}{endpoint}"));
    write("lists/line.csv", "name,type,writer\nRun,Bool,peer\n");
    write("state/keys.toml", "next_id = 7\n");
    write("state/tls/own.pem", "pem");
    write("state/audit/2026-01.jsonl", "{\"n\":1}\n{\"n\":2}\n{\"n\":");
    write("notes.txt", "not part of the project");
    folder
}

fn packed(folder: &Path, file: &Path, force: bool) -> Result<Summary, BackupError> {
    let loaded = config::load(folder, &Overrides::default());
    let config = loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    pack(&config, file, force)
}

#[test]
fn a_backup_holds_the_project_its_files_and_its_state_and_gives_them_back() {
    let project = project();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("line.tar.gz");
    let summary = packed(project.path(), &file, false).unwrap();
    assert_eq!((summary.project.as_str(), summary.files), ("Line", 5));
    let again = packed(project.path(), &file, false).unwrap_err();
    assert!(again.to_string().contains("--force replaces it"), "{again}");
    packed(project.path(), &file, true).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(
        fs::read_dir(elsewhere.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );

    let back = elsewhere.path().join("new/back");
    assert_eq!(unpack(&file, &back, false).unwrap(), summary);
    for path in [
        "crosstie.toml",
        "lists/line.csv",
        "state/keys.toml",
        "state/tls/own.pem",
    ] {
        let read = |folder: &Path| fs::read(folder.join(path)).unwrap();
        assert_eq!(read(&back), read(project.path()), "{path}");
    }
    let audit = fs::read_to_string(back.join("state/audit/2026-01.jsonl")).unwrap();
    assert_eq!(
        audit, "{\"n\":1}\n{\"n\":2}\n",
        "of a log that grows the whole lines are taken"
    );
    assert!(!back.join("notes.txt").exists());

    let taken = unpack(&file, &back, false).unwrap_err();
    assert!(taken.to_string().contains("is not empty"), "{taken}");
    fs::write(back.join("mine.txt"), "mine").unwrap();
    let aside = unpack(&file, &back, true).unwrap().put_aside.unwrap();
    assert_eq!(fs::read_to_string(aside.join("mine.txt")).unwrap(), "mine");
    assert!(back.join("crosstie.toml").exists() && !back.join("mine.txt").exists());
}

#[test]
fn a_backup_holds_no_retentive_memory() {
    let (project, out) = (project(), tempfile::tempdir().unwrap());
    let before = packed(project.path(), &out.path().join("a.tar.gz"), false).unwrap();
    for name in ["retain.db", "retain.db-wal", "retain.db.damaged-1"] {
        fs::write(project.path().join("state").join(name), "values of a machine").unwrap();
    }
    let after = packed(project.path(), &out.path().join("b.tar.gz"), false).unwrap();
    assert_eq!(after.files, before.files);
}

#[test]
fn a_backup_does_not_go_into_its_own_state_and_takes_no_links_from_there() {
    let project = project();
    let inside = project.path().join("state/line.tar.gz");
    let refused = packed(project.path(), &inside, false).unwrap_err();
    assert!(refused.to_string().contains("outside the state folder"), "{refused}");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/passwd", project.path().join("state/link")).unwrap();
        let file = project.path().join("line.tar.gz");
        let refused = packed(project.path(), &file, false).unwrap_err();
        assert!(refused.to_string().contains("a plain file or folder"), "{refused}");
        assert!(!file.exists());
    }
}
