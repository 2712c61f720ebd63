//! The master key: given, or generated beside the private database.

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::{Config, ConfigError};
use crate::model::Sources;

const FILE: &str = "master.key";

/// 32 bytes that encrypt secrets at rest.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([redacted])")
    }
}

impl MasterKey {
    /// The bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From base64; `place` says where it stood.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self, ConfigError> {
        let hint =
            format!("{place} must be 32 bytes in base64, as `openssl rand -base64 32` makes them");
        let bytes = STANDARD
            .decode(text.trim())
            .map_err(|error| ConfigError(format!("{hint} ({error})")))?;
        let length = bytes.len();
        let bytes: [u8; 32] = bytes.try_into().map_err(|_bytes: Vec<u8>| {
            ConfigError(format!("{hint} (this one has {length} bytes)"))
        })?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}

/// The text of a key file.
pub(super) fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|error| {
        ConfigError(format!("the master key file {} cannot be read: {error}", path.display()))
    })
}

pub(super) fn master_key(config: &Config, sources: &Sources) -> Result<MasterKey, ConfigError> {
    if let Some(key) = &config.master_key {
        return MasterKey::parse(key.expose_secret(), "GATEPOST_MASTER_KEY");
    }
    if config.database_url.is_some() {
        let message = "DATABASE_URL is set, so GATEPOST_MASTER_KEY (or GATEPOST_MASTER_KEY_FILE) is \
                       required: make one with `openssl rand -base64 32` and keep it safe; without it \
                       the stored secrets cannot be read";
        return Err(ConfigError(message.to_owned()));
    }
    let path = config.data_dir.join(FILE);
    if path.exists() {
        return MasterKey::parse(&read(&path)?, &path.display().to_string());
    }
    generate(&path, sources)
}

fn generate(path: &Path, sources: &Sources) -> Result<MasterKey, ConfigError> {
    let failed = |error: std::io::Error| {
        ConfigError(format!("the master key cannot be written to {}: {error}", path.display()))
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let text = Zeroizing::new(STANDARD.encode(Zeroizing::new(sources.bytes::<32>()).as_slice()));
    // Whole or not at all: a key that was half written would lock the secrets away.
    let part = path.with_extension("part");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)
        .map_err(failed)?;
    file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(failed)?;
    writeln!(file, "{}", text.as_str()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&part, path).map_err(failed)?;
    MasterKey::parse(&text, FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_32_bytes_of_base64_are_a_key() {
        assert!(MasterKey::parse(&STANDARD.encode([7; 32]), "the key").is_ok());
        for wrong in ["", "x", "AAAA", &STANDARD.encode([7; 31])] {
            let error = MasterKey::parse(wrong, "the key").unwrap_err().to_string();
            assert!(error.contains("openssl rand"), "{error}");
        }
    }
}
