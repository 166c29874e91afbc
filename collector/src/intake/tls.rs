//! Syslog over TLS (RFC 5425): the certificate, given or made on the first run, and client certificates.

use super::Error;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::Deserialize;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Certificate, key and client authority.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// The certificate chain (PEM). Without it a self-signed one is made in the data folder on the first run.
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM).
    pub key: Option<PathBuf>,
    /// The authority (PEM) that clients' certificates must come from; without it clients need none.
    pub client_authority: Option<PathBuf>,
}

pub(super) fn acceptor(config: &TlsConfig, data_dir: &Path) -> Result<TlsAcceptor, Error> {
    let (certificate, key) = match (&config.certificate, &config.key) {
        (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
        (None, None) => self_signed(data_dir)?,
        _ => return Err(Error::Tls("`certificate` and `key` belong together".into())),
    };
    let chain = certificates(&certificate)?;
    if let Some(own) = chain.first() {
        tracing::info!(certificate = %certificate.display(), sha256 = fingerprint(own), "TLS intake");
    }
    let key = PrivateKeyDer::from_pem_file(&key).map_err(|error| problem(&key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| Error::Tls(error.to_string()))?;
    let builder = match &config.client_authority {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| problem(path, &error))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| problem(path, &error))?)
        }
    };
    let server = builder.with_single_cert(chain, key).map_err(|error| problem(&certificate, &error))?;
    Ok(TlsAcceptor::from(Arc::new(server)))
}

fn problem(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::Tls(format!("{}: {error}", path.display()))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| problem(path, &error))?;
    if found.is_empty() { Err(problem(path, &"no certificate in it")) } else { Ok(found) }
}

/// The self-signed certificate of the data folder, made if it is not there yet.
fn self_signed(data_dir: &Path) -> Result<(PathBuf, PathBuf), Error> {
    let (certificate, key) = (data_dir.join("intake-tls.crt"), data_dir.join("intake-tls.key"));
    if !(certificate.exists() && key.exists()) {
        let names = vec!["localhost".into(), "127.0.0.1".into(), "::1".into()];
        let made =
            rcgen::generate_simple_self_signed(names).map_err(|error| Error::Tls(error.to_string()))?;
        fs::create_dir_all(data_dir).map_err(|error| problem(data_dir, &error))?;
        write_private(&key, made.signing_key.serialize_pem().as_bytes())
            .map_err(|error| problem(&key, &error))?;
        fs::write(&certificate, made.cert.pem()).map_err(|error| problem(&certificate, &error))?;
    }
    Ok((certificate, key))
}

/// Writes what only the owner may read, from its first byte on.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}
