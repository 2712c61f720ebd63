//! The settings of TLS that the server speaks itself.

use std::path::PathBuf;

use url::Url;

use super::{ConfigError, Options};

/// Where the certificate of the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and its chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Takes the settings. `None` if the server speaks no TLS.
    ///
    /// # Errors
    /// If only one is set, or the public URL contradicts them.
    pub(super) fn take(
        options: &mut Options,
        public_url: Option<&Url>,
    ) -> Result<Option<Self>, ConfigError> {
        match (options.tls_certificate_file.take(), options.tls_key_file.take()) {
            (Some(_), Some(_)) if public_url.is_some_and(|url| url.scheme() == "http") => {
                let message = "GATEPOST_PUBLIC_URL must begin with https:// if GATEPOST_TLS_CERTIFICATE_FILE is set, because then \
                           Gatepost serves no plain HTTP";
                Err(ConfigError(message.to_owned()))
            }
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (None, None) => Ok(None),
            _ => {
                let message = "GATEPOST_TLS_CERTIFICATE_FILE and GATEPOST_TLS_KEY_FILE must be set together; set both or none";
                Err(ConfigError(message.to_owned()))
            }
        }
    }
}
