//! The hub's own certificate: made when there is none, and made anew when it no longer fits. The key stays as long as its
//! file does, so that whoever pins the key has nothing to do.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SerialNumber,
};

use super::{Facts, Identity, Pair, TlsError, in_words};
use crate::config::{Config, STATE_FOLDER};
use crate::http::endpoints::lan_addresses;
use crate::state;

/// How long a certificate is valid. Some systems refuse one of more than 825 days.
const VALID: Duration = Duration::from_secs(820 * DAY_SECONDS);

/// How long before its making it is valid already: the clocks of a plant do not agree.
const VALID_BEFORE: Duration = Duration::from_secs(DAY_SECONDS);

/// A certificate that expires within this time is made anew when the hub starts.
const RENEW_BEFORE: Duration = Duration::from_secs(30 * DAY_SECONDS);

const DAY_SECONDS: u64 = 24 * 60 * 60;

/// Folder of the files within the state folder.
const FOLDER: &str = "tls";
const CERTIFICATE: &str = "certificate.pem";
const PRIVATE_KEY: &str = "private-key.pem";
const LOCK: &str = "tls.lock";

/// What was done to have a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// Nothing: the project gives it.
    Given,
    /// Nothing: the hub's own still fits.
    Kept,
    /// The hub has made its first.
    New,
    /// The hub has made it anew, for this reason; the fingerprint has changed.
    Anew(String),
}

pub(super) fn load(config: &Config) -> Result<Identity, TlsError> {
    let wanted = names(&config.tls.names, &lan_addresses());
    make_where_needed(config, &wanted, SystemTime::now(), None)
}

pub(super) fn show(config: &Config) -> Result<Identity, TlsError> {
    let files = Files::new();
    if config.folder.join(&files.certificate).exists() && config.folder.join(&files.key).exists() {
        let pair = Pair::read(&config.folder, &files.certificate, &files.key)?;
        return pair.into_identity(&files.certificate, &files.key, Made::Kept);
    }
    load(config)
}

pub(super) fn renew(config: &Config) -> Result<Identity, TlsError> {
    let wanted = names(&config.tls.names, &lan_addresses());
    make_where_needed(config, &wanted, SystemTime::now(), Some("it was asked for"))
}

/// The certificate for these names as it is, or a new one. `order` makes a new one in any case.
pub(super) fn make_where_needed(
    config: &Config,
    wanted: &[String],
    now: SystemTime,
    order: Option<&str>,
) -> Result<Identity, TlsError> {
    let files = Files::new();
    let no_folder = |error: std::io::Error| TlsError::file(&files.folder, in_words(&error));
    // Two commands at once make one certificate.
    let _lock = state::lock(&config.state_folder(), LOCK).map_err(no_folder)?;
    state::make_folder(&config.folder.join(&files.folder)).map_err(no_folder)?;

    let has_key = config.folder.join(&files.key).exists();
    let has_certificate = config.folder.join(&files.certificate).exists();
    if !has_key {
        let key = KeyPair::generate().map_err(|error| TlsError::Make(error.to_string()))?;
        files.write(config, &files.key, key.serialize_pem().as_bytes())?;
    }
    let reason = match (has_key, has_certificate, order) {
        (_, false, _) => None,
        (_, true, Some(order)) => Some(order.to_owned()),
        (false, true, None) => Some(String::from("its key was missing")),
        (true, true, None) => {
            let pair = Pair::read(&config.folder, &files.certificate, &files.key)?;
            let facts = Facts::of(&pair.chain[0], true, &files.certificate)?;
            match misfit(&facts, wanted, now) {
                None => return pair.into_identity(&files.certificate, &files.key, Made::Kept),
                reason => reason,
            }
        }
    };
    files.write(
        config,
        &files.certificate,
        make(config, &files, wanted, now)?.as_bytes(),
    )?;
    let made = reason.map_or(Made::New, Made::Anew);
    let pair = Pair::read(&config.folder, &files.certificate, &files.key)?;
    pair.into_identity(&files.certificate, &files.key, made)
}

/// Where the files are, from the project folder.
struct Files {
    folder: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn new() -> Files {
        let folder = Path::new(STATE_FOLDER).join(FOLDER);
        Files {
            certificate: folder.join(CERTIFICATE),
            key: folder.join(PRIVATE_KEY),
            folder,
        }
    }

    fn write(&self, config: &Config, file: &Path, bytes: &[u8]) -> Result<(), TlsError> {
        let written = state::write_whole(&config.folder.join(file), bytes);
        written.map_err(|error| TlsError::file(file, format!("not written: {error}")))
    }
}

/// Why a certificate no longer fits.
fn misfit(facts: &Facts, wanted: &[String], now: SystemTime) -> Option<String> {
    if facts.not_after <= now + RENEW_BEFORE {
        return Some(String::from("it would soon expire"));
    }
    // Addresses of version 6 come and go by themselves: that alone is no reason.
    let is_steady = |name: &&String| !matches!(name.parse(), Ok(IpAddr::V6(_)));
    let missing = wanted.iter().filter(is_steady).find(|name| !facts.names.contains(name));
    missing.map(|name| format!("'{name}' was not in it"))
}

/// Makes a certificate for the key in its file; gives it in PEM.
fn make(config: &Config, files: &Files, names: &[String], now: SystemTime) -> Result<String, TlsError> {
    let key = super::read(&config.folder, &files.key)?;
    let key = String::from_utf8(key).ok().and_then(|pem| KeyPair::from_pem(&pem).ok());
    let key = key.ok_or_else(|| {
        let what = "the hub's own private key in PEM was expected; delete it to have a new one made";
        TlsError::file(&files.key, what)
    })?;
    let failed = |error: rcgen::Error| TlsError::Make(error.to_string());
    let mut params = CertificateParams::new(names).map_err(failed)?;
    // A certificate holds whole seconds.
    let start = now
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .saturating_sub(VALID_BEFORE);
    let start = Duration::from_secs(start.as_secs());
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + start;
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + start + VALID;
    // A number of its own for every certificate: browsers refuse a second one of the same name and number.
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(|error| TlsError::Make(error.to_string()))?;
    serial[0] = serial[0] & 0x7F | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let host = host_name().unwrap_or_else(|| String::from("localhost"));
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("Crosstie on {host}"));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params.self_signed(&key).map_err(failed)?.pem())
}

/// Names and addresses of this machine, then those of the project, each once.
fn names(further: &[String], lan: &[IpAddr]) -> Vec<String> {
    let host = host_name();
    let first_label = host.as_deref().and_then(|host| host.split('.').next());
    let local = first_label.map(|label| format!("{label}.local"));
    let own = ["localhost", "127.0.0.1", "::1"].map(String::from).into_iter();
    let own = own
        .chain(first_label.map(String::from))
        .chain(local)
        .chain(host.clone());
    let addresses = lan.iter().map(IpAddr::to_string);
    let mut names: Vec<String> = Vec::new();
    for name in own.chain(addresses).chain(further.iter().cloned()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The name of this machine, where the system tells it and it can be the name of a host.
fn host_name() -> Option<String> {
    let file = |path: &str| std::fs::read_to_string(path).ok();
    let variable = |name: &str| std::env::var(name).ok();
    let name = file("/proc/sys/kernel/hostname")
        .or_else(|| file("/etc/hostname"))
        .or_else(|| variable("HOSTNAME"))
        .or_else(|| variable("COMPUTERNAME"))?;
    let name = name.trim().to_ascii_lowercase();
    let is_label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(is_inner)
    };
    (name.len() <= 253 && name.split('.').all(is_label)).then_some(name)
}
