//! TLS of the whole house: one provider of cryptography, one certificate, the server's settings.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The one protocol that is spoken inside TLS.
pub(crate) const ALPN_HTTP: &[u8] = b"http/1.1";

/// The cryptography of every TLS session.
pub(crate) fn crypto() -> Arc<CryptoProvider> {
    match CryptoProvider::get_default() {
        Some(installed) => Arc::clone(installed),
        None => Arc::new(rustls::crypto::ring::default_provider()),
    }
}

/// Makes [`crypto`] the choice of every library in this process. A second call changes nothing.
pub(crate) fn install_crypto() {
    // The error says that one is installed already, and no other is linked.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
