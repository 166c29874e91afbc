//! The signature: enveloped, exclusive canonicalisation, RSA with SHA-256, the certificate beside it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use ring::{digest, hmac};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Certificates of one file: the signer's and those above it.
const CERTIFICATES_MAX: usize = 8;

/// Why nothing is signed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignError {
    /// The file has no private key that is read.
    #[error(
        "no private key in PEM form (`BEGIN PRIVATE KEY` or `BEGIN RSA PRIVATE KEY`); an encrypted one is to be decrypted with `openssl pkey`"
    )]
    NoKey,
    /// The key is none that signs.
    #[error("the private key is not RSA of 2048 to 8192 bits ({0})")]
    Key(String),
    /// The file has no certificate that is read.
    #[error("no certificate in PEM form (`BEGIN CERTIFICATE`)")]
    NoCertificate,
    /// The certificate is of another key.
    #[error("the first certificate is not of this private key")]
    OtherKey,
    /// The system gave no random bytes.
    #[error("the signature could not be computed")]
    Failed,
}

/// Signs documents, and gives machines names that nobody else can undo.
pub struct Signer {
    key: RsaKeyPair,
    certificates: Vec<String>,
    pseudonyms: hmac::Key,
}

impl Signer {
    /// Reads a private key and its certificate, both PEM.
    ///
    /// # Errors
    /// What is wrong with either.
    pub fn new(key_pem: &[u8], certificate_pem: &[u8]) -> Result<Signer, SignError> {
        let der = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| SignError::NoKey)?;
        let key = match &der {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => return Err(SignError::Key("another kind of key".to_owned())),
        };
        let key = key.map_err(|why| SignError::Key(why.to_string()))?;
        let certificates: Vec<CertificateDer<'_>> = CertificateDer::pem_slice_iter(certificate_pem)
            .take(CERTIFICATES_MAX)
            .collect::<Result<_, _>>()
            .map_err(|_| SignError::NoCertificate)?;
        let first = certificates.first().ok_or(SignError::NoCertificate)?;
        // A certificate holds its public key as it is, so it need not be taken apart for this.
        let public = key.public_key().as_ref();
        if !first.as_ref().windows(public.len()).any(|bytes| bytes == public) {
            return Err(SignError::OtherKey);
        }
        let certificates = certificates.iter().map(|one| STANDARD.encode(one.as_ref())).collect();
        let mut secret = digest::Context::new(&digest::SHA256);
        secret.update(b"haidang pseudonyms of machines\0");
        secret.update(der.secret_der());
        let pseudonyms = hmac::Key::new(hmac::HMAC_SHA256, secret.finish().as_ref());
        Ok(Signer { key, certificates, pseudonyms })
    }

    /// A word that stands for `text`: 16 hexadecimal digits, the same ones for as long as the key is.
    pub(super) fn pseudonym(&self, text: &str) -> String {
        let tag = hmac::sign(&self.pseudonyms, text.to_lowercase().as_bytes());
        tag.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The element `Signature` over the whole document, of which `canonical` is the canonical form without it.
    pub(super) fn signature(&self, canonical: &str) -> Result<String, SignError> {
        const SPACE: &str = "xmlns=\"http://www.w3.org/2000/09/xmldsig#\"";
        const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
        let digest = STANDARD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()));
        let info = format!(
            "<CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></CanonicalizationMethod>\
             <SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></SignatureMethod>\
             <Reference URI=\"\"><Transforms>\
             <Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></Transform>\
             <Transform Algorithm=\"{EXCLUSIVE}\"></Transform></Transforms>\
             <DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></DigestMethod>\
             <DigestValue>{digest}</DigestValue></Reference></SignedInfo>"
        );
        let signed = format!("<SignedInfo {SPACE}>{info}");
        let mut value = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut value)
            .map_err(|_| SignError::Failed)?;
        let certificates: String =
            self.certificates.iter().map(|one| format!("<X509Certificate>{one}</X509Certificate>")).collect();
        Ok(format!(
            "<Signature {SPACE}><SignedInfo>{info}<SignatureValue>{}</SignatureValue>\
             <KeyInfo><X509Data>{certificates}</X509Data></KeyInfo></Signature>",
            STANDARD.encode(value)
        ))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}
