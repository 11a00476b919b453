//! What is in a certificate, for people and for the check whether it still fits.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::time::ASN1Time;

use super::TlsError;

/// What is in a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// SHA-256 of the certificate as browsers show it: `AA:BB:…`.
    pub(crate) fingerprint: String,
    /// Names and addresses that it is valid for, in its order.
    pub(crate) names: Vec<String>,
    /// First moment of its validity.
    pub(crate) not_before: SystemTime,
    /// Last moment of its validity.
    pub(crate) not_after: SystemTime,
    /// The hub has made it itself.
    pub(crate) is_own: bool,
    /// The file that it stands in, from the project folder.
    pub(crate) file: PathBuf,
}

impl Facts {
    /// The facts of a certificate that stands in `file`.
    pub(super) fn of(certificate: &CertificateDer<'_>, is_own: bool, file: &Path) -> Result<Facts, TlsError> {
        let (_, parsed) = X509Certificate::from_der(certificate)
            .map_err(|error| TlsError::file(file, format!("the first certificate in it is not readable: {error}")))?;
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.map_or(&[][..], |names| &names.value.general_names);
        Ok(Facts {
            fingerprint: fingerprint(certificate),
            names: names.iter().filter_map(name).collect(),
            not_before: time(parsed.validity().not_before),
            not_after: time(parsed.validity().not_after),
            is_own,
            file: file.to_path_buf(),
        })
    }
}

fn fingerprint(certificate: &[u8]) -> String {
    let digest = Sha256::digest(certificate);
    let bytes: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn time(time: ASN1Time) -> SystemTime {
    // Times before 1970 are of no use to anybody here.
    let seconds = u64::try_from(time.timestamp()).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(seconds)
}
