//! TLS: a certificate and its key from files, which can be read again while the server runs.
//!
//! rustls with its `ring` provider, TLS 1.2 and 1.3, and HTTP/1.1 on top. Who connects is shown the
//! newest certificate; connections that are there keep theirs.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use thiserror::Error;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

/// Why a certificate cannot be used. No text shows what is in a file.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The file of the certificate, of the authorities behind it, or of the key.
    #[error("cannot read the {what} in {}: {error}", path.display())]
    Unreadable {
        /// [`Tls::CERTIFICATE`] or [`Tls::PRIVATE_KEY`].
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is no PEM, or not of this.
    #[error("there is no {what} in {}: it must be a PEM file with one", path.display())]
    Missing {
        /// Which file.
        path: PathBuf,
        /// [`Tls::CERTIFICATE`] or [`Tls::PRIVATE_KEY`].
        what: &'static str,
    },
    /// The two do not go together, or are of a kind that is not known.
    #[error("the certificate in {} and the key in {} cannot be used: {error}", certificate.display(), key.display())]
    Unusable {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// Why.
        error: rustls::Error,
    },
    /// Never, unless the library is built without what is asked of it.
    #[error("TLS cannot be spoken: {0}")]
    Unsupported(rustls::Error),
}

/// How a server speaks TLS.
pub struct Tls {
    acceptor: TlsAcceptor,
    newest: Arc<Newest>,
    certificate: PathBuf,
    key: PathBuf,
}

impl Tls {
    /// What one of the files has.
    pub const CERTIFICATE: &str = "certificate";
    /// What the other has.
    pub const PRIVATE_KEY: &str = "private key";

    /// Reads a certificate, with those of the authorities behind it, and its key: PEM files.
    ///
    /// # Errors
    /// When a file cannot be read, or is not what it should be, or the two do not go together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let newest = Arc::new(Newest(ArcSwap::from_pointee(read(certificate, key, &provider)?)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unsupported)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&newest) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { acceptor, newest, certificate: certificate.into(), key: key.into() })
    }

    /// Reads the files again. Where that fails, everything stays as it was.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn reload(&self) -> Result<(), TlsError> {
        let provider = ring::default_provider();
        self.newest.0.store(Arc::new(read(&self.certificate, &self.key, &provider)?));
        Ok(())
    }

    /// What turns a socket into a connection.
    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// The certificate that was read last.
struct Newest(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Newest {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl fmt::Debug for Newest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Newest")
    }
}

fn read(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let wrong = |path: &Path, what, error| match error {
        pem::Error::Io(error) => TlsError::Unreadable { what, path: path.into(), error },
        _ => TlsError::Missing { path: path.into(), what },
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(certificate, Tls::CERTIFICATE, error))?;
    if chain.is_empty() {
        return Err(wrong(certificate, Tls::CERTIFICATE, pem::Error::NoItemsFound));
    }
    warn_if_public(key);
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, Tls::PRIVATE_KEY, error))?;
    CertifiedKey::from_der(chain, secret, provider).map_err(|error| TlsError::Unusable {
        certificate: certificate.into(),
        key: key.into(),
        error,
    })
}

/// Warns if everybody on this machine can read a key. That it cannot be read is told elsewhere.
fn warn_if_public(key: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    if key.metadata().is_ok_and(|it| it.permissions().mode() & 0o004 != 0) {
        log::warn!("every user of this machine can read the private key in {}", key.display());
    }
}
