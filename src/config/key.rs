//! The master key, from the settings or generated in the data directory.

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::{Config, ConfigError};
use crate::model::Sources;

const FILE: &str = "master.key";

/// The key that encrypts secrets at rest.
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([redacted])")
    }
}

impl MasterKey {
    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Parses base64. `place` is the setting or file named in errors.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self, ConfigError> {
        let hint = format!(
            "{place} must be 32 bytes in base64; generate it with `openssl rand -base64 32`"
        );
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

/// Returns the text of a key file.
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
                       required; generate it with `openssl rand -base64 32` and keep it safe, because \
                       stored secrets cannot be read without it";
        return Err(ConfigError(message.to_owned()));
    }
    let path = config.data_dir.join(FILE);
    if path.exists() {
        return MasterKey::parse(&read(&path)?, &path.display().to_string());
    }
    generate(&path, sources)
}

fn generate(path: &Path, sources: &Sources) -> Result<MasterKey, ConfigError> {
    write(path, sources).map_err(|error| {
        ConfigError(format!("the master key cannot be written to {}: {error}", path.display()))
    })?;
    MasterKey::parse(&read(path)?, &path.display().to_string())
}

/// Writes a new key atomically, unless there is one. A partly written or replaced key would make secrets unreadable.
fn write(path: &Path, sources: &Sources) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let part = path.with_extension("part");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&part)?;
    // A server and a command may start for the first time together. The second one waits here and then finds the key
    // of the first.
    file.lock()?;
    if path.exists() {
        return Ok(());
    }
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.set_len(0)?;
    let key = Zeroizing::new(sources.bytes::<32>());
    writeln!(file, "{}", Zeroizing::new(STANDARD.encode(key.as_slice())).as_str())?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;
    use crate::model::{Clock, Entropy, Timestamp};

    #[test]
    fn accepts_only_32_bytes_in_base64() {
        assert!(MasterKey::parse(&STANDARD.encode([7; 32]), "the key").is_ok());
        for wrong in ["", "x", "AAAA", &STANDARD.encode([7; 31])] {
            let error = MasterKey::parse(wrong, "the key").unwrap_err().to_string();
            assert!(error.contains("openssl rand"), "{error}");
        }
    }

    #[derive(Debug)]
    struct CountingSource(AtomicU8);

    impl Entropy for CountingSource {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    impl Clock for CountingSource {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    #[test]
    fn generates_the_same_key_for_concurrent_callers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data").join(FILE);
        let source = Arc::new(CountingSource(AtomicU8::new(0)));
        let sources = Sources::new(Arc::<CountingSource>::clone(&source), source);
        let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| *generate(&path, &sources).unwrap().bytes()))
                .collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let stored = MasterKey::parse(&read(&path).unwrap(), FILE).unwrap();
        assert!(keys.iter().all(|key| key == stored.bytes()), "{keys:?}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
