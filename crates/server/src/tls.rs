//! TLS of the whole house: one provider of cryptography, one certificate for all listeners.
//!
//! ```text
//!   [tls] certificate, private_key ─┐
//!                                   ├─▶ Identity ─▶ listeners (https, wss)
//!   state/tls/ (made by the hub) ───┘      └─▶ Facts ─▶ summary, API, command line
//! ```
//!
//! A hub whose project gives no certificate makes its own, for the names and addresses of this machine, and keeps it in the
//! state folder. Nobody but the person who compares the fingerprint can know that it is the right one; the manual says how.

mod facts;
mod own;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::Config;
pub(crate) use facts::Facts;
pub(crate) use own::Made;

/// The one protocol that is spoken inside TLS.
pub(crate) const ALPN_HTTP: &[u8] = b"http/1.1";

/// The cryptography of every TLS session.
pub(crate) fn crypto() -> Arc<CryptoProvider> {
    match CryptoProvider::get_default() {
        Some(installed) => Arc::clone(installed),
        None => Arc::new(rustls::crypto::ring::default_provider()),
    }
}

/// Makes the provider of [`crypto`] the choice of every library in this process. A second call changes nothing.
pub(crate) fn install_crypto() {
    // The error says that one is installed already, and no other is linked.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Why there is no certificate to be shown.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not what it should be.
    #[error("{}: {what}", file.display())]
    File {
        /// The file, as the project says it or in the state folder.
        file: PathBuf,
        /// What is wrong, and what was expected.
        what: String,
    },
    /// The hub could not make its own.
    #[error("the hub cannot make a certificate of its own: {0}")]
    Make(String),
}

impl TlsError {
    fn file(file: &Path, what: impl Into<String>) -> TlsError {
        TlsError::File {
            file: file.to_path_buf(),
            what: what.into(),
        }
    }
}

/// A certificate, ready to be shown.
#[derive(Clone)]
pub(crate) struct Identity {
    /// What is in it.
    pub(crate) facts: Facts,
    /// What was done to have it.
    pub(crate) made: Made,
    config: Arc<ServerConfig>,
}

impl Identity {
    /// The server's side of the handshakes with it.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

/// The certificate of a project: the one that it gives, or the hub's own, which is made when there is none, when it soon
/// expires or when a name of this machine is not in it.
///
/// # Errors
///
/// A [`TlsError`] that names the file.
pub(crate) fn load(config: &Config) -> Result<Identity, TlsError> {
    match (&config.tls.certificate, &config.tls.private_key) {
        (Some(certificate), Some(key)) => {
            let pair = Pair::read(&config.folder, certificate, key)?;
            pair.into_identity(certificate, key, Made::Given)
        }
        _ => own::load(config),
    }
}

/// The certificate of a project as it is. Only where there is none the hub makes its own: a running hub shows what was there
/// when it started.
///
/// # Errors
///
/// A [`TlsError`] that names the file.
pub(crate) fn show(config: &Config) -> Result<Identity, TlsError> {
    match &config.tls.certificate {
        Some(_) => load(config),
        None => own::show(config),
    }
}

/// Makes the hub's own certificate anew; its key stays.
///
/// # Errors
///
/// A [`TlsError`]; also when the project gives a certificate, which is not the hub's to renew.
pub(crate) fn renew(config: &Config) -> Result<Identity, TlsError> {
    match &config.tls.certificate {
        Some(file) => Err(TlsError::file(
            file,
            "the project gives this certificate: it is renewed where it came from",
        )),
        None => own::renew(config),
    }
}

/// Certificate chain and key, as read from their files.
struct Pair {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Pair {
    /// Reads both files; their paths are taken from `folder`.
    fn read(folder: &Path, certificate: &Path, key: &Path) -> Result<Pair, TlsError> {
        let fault = |what: String| TlsError::file(certificate, what);
        let chain = CertificateDer::pem_slice_iter(&read(folder, certificate)?).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| fault(format!("not readable as PEM: {error}")))?;
        if chain.is_empty() {
            return Err(fault(String::from(
                "a certificate in PEM was expected, and none is in it",
            )));
        }
        let key_der = PrivateKeyDer::from_pem_slice(&read(folder, key)?).map_err(|error| {
            let what = match error {
                pem::Error::NoItemsFound => String::from("a private key in PEM without a password was expected"),
                other => format!("not readable as PEM: {other}"),
            };
            TlsError::file(key, what)
        })?;
        Ok(Pair { chain, key: key_der })
    }

    fn into_identity(self, certificate: &Path, key: &Path, made: Made) -> Result<Identity, TlsError> {
        let facts = Facts::of(&self.chain[0], made != Made::Given, certificate)?;
        let config = ServerConfig::builder_with_provider(crypto())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Make(error.to_string()))?;
        let config = config.with_no_client_auth().with_single_cert(self.chain, self.key);
        let mut config = config.map_err(|error| {
            let what = match error {
                rustls::Error::InconsistentKeys(_) => {
                    format!(
                        "this key does not belong to the certificate in {}",
                        certificate.display()
                    )
                }
                other => format!("this key cannot be used: {other}"),
            };
            TlsError::file(key, what)
        })?;
        config.alpn_protocols = vec![ALPN_HTTP.to_vec()];
        Ok(Identity {
            facts,
            made,
            config: Arc::new(config),
        })
    }
}

fn read(folder: &Path, file: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(folder.join(file)).map_err(|error| TlsError::file(file, in_words(&error)))
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => String::from("there is no such file"),
        io::ErrorKind::PermissionDenied => String::from("this file may not be read"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
