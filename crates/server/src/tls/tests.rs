//! The certificate of a project: given, made, kept, made anew, and every way in which a file can be wrong.

use super::*;
use crate::config::Overrides;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);

fn config(folder: &Path) -> Config {
    let text = "[project]\nname = \"test\"\n";
    std::fs::write(folder.join("crosstie.toml"), text).unwrap();
    crate::config::load(folder, &Overrides::default()).config.unwrap()
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| String::from(*name)).collect()
}

#[test]
fn the_hubs_own_certificate_is_for_this_machine_and_the_names_of_the_project() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.tls.names = strings(&["line.example", "10.1.2.3"]);
    let identity = load(&config).unwrap();
    assert_eq!(identity.made, Made::New);
    let facts = &identity.facts;
    for name in ["localhost", "127.0.0.1", "::1", "line.example", "10.1.2.3"] {
        assert!(
            facts.names.iter().any(|found| found == name),
            "{name} in {:?}",
            facts.names
        );
    }
    for address in crate::http::endpoints::lan_addresses() {
        assert!(
            facts.names.contains(&address.to_string()),
            "{address} in {:?}",
            facts.names
        );
    }
    assert_eq!(facts.file, Path::new("state/tls/certificate.pem"));
    assert_eq!(facts.fingerprint.len(), 32 * 3 - 1);
    let now = SystemTime::now();
    assert!(facts.not_before < now && facts.not_after > now + 800 * DAY);
    assert!(facts.not_after <= facts.not_before + 825 * DAY);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &str| {
            let metadata = std::fs::metadata(folder.path().join(path)).unwrap();
            metadata.permissions().mode() & 0o777
        };
        assert_eq!((mode("state/tls"), mode("state/tls/private-key.pem")), (0o700, 0o600));
    }
    assert_eq!(load(&config).unwrap().made, Made::Kept);
    assert_eq!(load(&config).unwrap().facts, *facts);
}

#[test]
fn it_is_made_anew_when_it_no_longer_fits_and_its_key_stays() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let names = strings(&["localhost", "192.168.1.7"]);
    let now = SystemTime::now();
    let make = |names: &[String], now, order| own::make_where_needed(&config, names, now, order).unwrap();
    let key = || std::fs::read(folder.path().join("state/tls/private-key.pem")).unwrap();
    let first = make(&names, now, None);
    let first_key = key();
    assert_eq!(make(&names, now + 788 * DAY, None).made, Made::Kept);
    // An address of version 6 that has come is no reason, an address that has gone is none either.
    let kept = make(&strings(&["localhost", "fd00::7"]), now, None);
    assert_eq!(kept.facts, first.facts);

    let moved = make(&strings(&["localhost", "192.168.1.8"]), now, None);
    assert_eq!(moved.made, Made::Anew(String::from("'192.168.1.8' was not in it")));
    assert_ne!(moved.facts.fingerprint, first.facts.fingerprint);
    let ordered = make(&names, now, Some("it was asked for"));
    assert_eq!(ordered.made, Made::Anew(String::from("it was asked for")));
    let aged = make(&names, now + 790 * DAY, None);
    assert_eq!(aged.made, Made::Anew(String::from("it would soon expire")));
    assert_eq!(key(), first_key);

    std::fs::remove_file(folder.path().join("state/tls/private-key.pem")).unwrap();
    let without_key = make(&names, now, None);
    assert_eq!(without_key.made, Made::Anew(String::from("its key was missing")));
    assert_ne!(key(), first_key);
}

/// Puts a certificate and its key into the folder; gives both in PEM.
fn pair() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(strings(&["given.example"])).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn a_given_certificate_is_used_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    let (certificate, key) = pair();
    // Both may stand in one file, after each other.
    std::fs::write(folder.path().join("both.pem"), format!("{key}{certificate}")).unwrap();
    config.tls.certificate = Some(PathBuf::from("both.pem"));
    config.tls.private_key = Some(PathBuf::from("both.pem"));
    let identity = load(&config).unwrap();
    assert_eq!(identity.made, Made::Given);
    assert_eq!(identity.facts.names, ["given.example"]);
    assert!(!identity.facts.is_own);
    assert!(!folder.path().join("state").exists());
    let refused = renew(&config).err().unwrap().to_string();
    assert_eq!(
        refused,
        "both.pem: the project gives this certificate: it is renewed where it came from"
    );
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    let (certificate, key) = pair();
    let (_, foreign_key) = pair();
    for (name, text) in [
        ("good.pem", certificate.as_str()),
        ("good.key", &key),
        ("foreign.key", &foreign_key),
        ("empty.pem", ""),
        (
            "broken.pem",
            "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
        ),
        (
            "noise.pem",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ),
        (
            "locked.key",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        ),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    for (certificate, key, words) in [
        ("gone.pem", "good.key", "gone.pem: there is no such file"),
        ("good.pem", "gone.key", "gone.key: there is no such file"),
        (
            "empty.pem",
            "good.key",
            "empty.pem: a certificate in PEM was expected, and none is in it",
        ),
        (
            "good.key",
            "good.key",
            "good.key: a certificate in PEM was expected, and none is in it",
        ),
        ("broken.pem", "good.key", "broken.pem: not readable as PEM: "),
        (
            "noise.pem",
            "good.key",
            "noise.pem: the first certificate in it is not readable: ",
        ),
        (
            "good.pem",
            "good.pem",
            "good.pem: a private key in PEM without a password was expected",
        ),
        (
            "good.pem",
            "locked.key",
            "locked.key: a private key in PEM without a password was expected",
        ),
        (
            "good.pem",
            "foreign.key",
            "foreign.key: this key does not belong to the certificate in good.pem",
        ),
    ] {
        config.tls.certificate = Some(PathBuf::from(certificate));
        config.tls.private_key = Some(PathBuf::from(key));
        let found = load(&config).err().unwrap().to_string();
        assert!(found.starts_with(words), "{found}");
    }

    config.tls.certificate = None;
    config.tls.private_key = None;
    std::fs::create_dir_all(folder.path().join("state/tls")).unwrap();
    std::fs::write(folder.path().join("state/tls/private-key.pem"), "mine").unwrap();
    let found = load(&config).err().unwrap().to_string();
    assert!(
        found.starts_with("state/tls/private-key.pem: the hub's own private key in PEM was expected; "),
        "{found}"
    );
}
