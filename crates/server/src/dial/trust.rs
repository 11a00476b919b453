//! The client's side of TLS: whom to trust, the handshake, and what went wrong in words.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, Error, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{DialError, Target};

/// Does the TLS handshake; the certificate must be valid for the host of the target.
pub(super) async fn secure(tcp: TcpStream, target: &Target) -> Result<TlsStream<TcpStream>, DialError> {
    let name = ServerName::try_from(target.host.clone())
        .map_err(|_| DialError::Tls(format!("'{}' is no name that a certificate can hold", target.host)))?;
    let ca_file = target.ca_file.clone();
    // The certificates are read anew for every dial: they may have been renewed. Files are read where waiting is allowed.
    let config = tokio::task::spawn_blocking(move || client_config(ca_file.as_deref()));
    let config = config.await.map_err(|_| DialError::Closed)??;
    let connected = TlsConnector::from(config).connect(name, tcp).await;
    connected.map_err(|error| DialError::Tls(in_words(&error, target)))
}

fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, DialError> {
    let roots = match ca_file {
        Some(path) => roots_of_file(path)?,
        None => roots_of_system()?,
    };
    let config = ClientConfig::builder_with_provider(crate::tls::crypto());
    let config = config
        .with_safe_default_protocol_versions()
        .map_err(|error| DialError::Tls(error.to_string()))?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![crate::tls::ALPN_HTTP.to_vec()];
    Ok(Arc::new(config))
}

fn roots_of_file(path: &Path) -> Result<RootCertStore, DialError> {
    let fault = |what: String| DialError::File {
        key: "ca_file",
        path: PathBuf::from(path),
        what,
    };
    let pem = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| fault(format!("not readable as PEM: {error}")))?;
        let added = roots.add(certificate);
        added.map_err(|error| fault(format!("a certificate in it cannot be used: {error}")))?;
    }
    if roots.is_empty() {
        return Err(fault(String::from("no certificate in PEM is in it")));
    }
    Ok(roots)
}

fn roots_of_system() -> Result<RootCertStore, DialError> {
    let mut roots = RootCertStore::empty();
    // Some systems keep a few that are broken; the others are good all the same.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let text = "this system has no trusted certificates; give ca_file";
        return Err(DialError::Tls(String::from(text)));
    }
    Ok(roots)
}

fn in_words(error: &io::Error, target: &Target) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    match inner {
        Some(Error::InvalidCertificate(fault)) => certificate_in_words(fault, target),
        Some(Error::InvalidMessage(_)) => String::from("the server does not speak TLS at this port; is use_ssl right?"),
        Some(Error::AlertReceived(alert)) => format!("the server refused the handshake: {alert:?}"),
        Some(other) => other.to_string(),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            String::from("the server closed the connection during the handshake; does it speak TLS at this port?")
        }
        None => format!("the connection was lost during the handshake: {error}"),
    }
}

fn certificate_in_words(fault: &CertificateError, target: &Target) -> String {
    use CertificateError as Fault;
    match fault {
        Fault::UnknownIssuer | Fault::BadSignature => match &target.ca_file {
            None => String::from(
                "the certificate is not trusted: nobody whom this machine trusts has signed it; give ca_file",
            ),
            Some(path) => format!(
                "the certificate is not trusted: nothing in '{}' vouches for it; give ca_file with the certificate of the \
                 server or of its authority",
                path.display()
            ),
        },
        Fault::Expired | Fault::ExpiredContext { .. } => {
            String::from("the certificate has expired; it is to be renewed at the server")
        }
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => {
            String::from("the certificate is not valid yet; is the clock of this machine right?")
        }
        Fault::NotValidForName => format!("the certificate is not for '{}'", target.host),
        Fault::NotValidForNameContext { presented, .. } => format!(
            "the certificate is not for '{}'; it holds: {}",
            target.host,
            presented.join(", ")
        ),
        Fault::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => String::from(
            "the server shows the certificate of an authority (CA:TRUE) as its own; make it one with CA:FALSE \
             (openssl: -addext basicConstraints=CA:FALSE)",
        ),
        other => format!(
            "the certificate is not trusted: {}",
            Error::InvalidCertificate(other.clone())
        ),
    }
}
