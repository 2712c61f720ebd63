//! The settings of the master keys.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::key::{MasterKey, MasterKeys};
use super::key_file::KeyFile;
use super::options::Options;
use super::secret_setting::one_of;
use super::{Config, ConfigError};
use crate::model::Sources;

/// The generated key file in the data directory.
const GENERATED_FILE: &str = "master.key";

/// Where the master keys are.
#[derive(Debug, Clone)]
pub struct KeySettings {
    /// The current key in base64.
    pub current: Option<SecretString>,
    /// The file with the current key, if it is not set.
    pub file: Option<PathBuf>,
    /// Further keys that decrypt, one per line.
    pub previous: Option<SecretString>,
}

impl KeySettings {
    /// Checks the settings, and reads the file of previous keys.
    pub(super) fn new(options: &mut Options) -> Result<Self, ConfigError> {
        let (current, file) = one_of(
            ("GATEPOST_MASTER_KEY", options.master_key.take()),
            ("GATEPOST_MASTER_KEY_FILE", options.master_key_file.take()),
        )?;
        let (previous, previous_file) = one_of(
            ("GATEPOST_PREVIOUS_MASTER_KEY", options.previous_master_key.take()),
            ("GATEPOST_PREVIOUS_MASTER_KEY_FILE", options.previous_master_key_file.take()),
        )?;
        if let Some(key) = &current {
            MasterKey::parse(key, "GATEPOST_MASTER_KEY")?;
        }
        if let Some(path) = &file {
            KeyFile::new(path).read()?;
        }
        let previous = match (previous, previous_file) {
            (Some(text), _) => {
                MasterKey::parse(&text, "GATEPOST_PREVIOUS_MASTER_KEY")?;
                Some(text)
            }
            (None, Some(path)) => {
                let keys = KeyFile::new(&path).read()?;
                Some(
                    keys.iter().map(|key| key.to_text().to_string()).collect::<Vec<_>>().join("\n"),
                )
            }
            (None, None) => None,
        };
        Ok(Self {
            current: current.map(SecretString::from),
            file,
            previous: previous.map(SecretString::from),
        })
    }
}

/// Returns the file that contains the current master key. `None` if the key is a setting.
pub(super) fn file(config: &Config) -> Result<Option<KeyFile>, ConfigError> {
    if config.keys.current.is_some() {
        return Ok(None);
    }
    if let Some(path) = &config.keys.file {
        return Ok(Some(KeyFile::new(path)));
    }
    if config.database_url.is_some() {
        let message = "DATABASE_URL is set, so GATEPOST_MASTER_KEY (or GATEPOST_MASTER_KEY_FILE) is \
                       required; generate it with `openssl rand -base64 32` and keep it safe, because \
                       stored secrets cannot be read without it";
        return Err(ConfigError(message.to_owned()));
    }
    Ok(Some(KeyFile::new(&config.data_dir.join(GENERATED_FILE))))
}

/// Returns all keys. Reads the file again, because it may have changed since the program was started.
pub(super) fn master_keys(config: &Config, sources: &Sources) -> Result<MasterKeys, ConfigError> {
    let keys = match file(config)? {
        Some(file) if config.keys.file.is_none() => file.read_or_generate(sources)?,
        file => read(config, file)?,
    };
    add_previous(config, keys)
}

/// Returns all keys without generating one. `None` if one would be generated.
pub(super) fn existing_master_keys(config: &Config) -> Result<Option<MasterKeys>, ConfigError> {
    match file(config)? {
        Some(file) if config.keys.file.is_none() && !file.path().exists() => Ok(None),
        file => add_previous(config, read(config, file)?).map(Some),
    }
}

/// Returns the keys of the file or of the setting.
fn read(config: &Config, file: Option<KeyFile>) -> Result<Vec<MasterKey>, ConfigError> {
    match (file, &config.keys.current) {
        (Some(file), _) => file.read(),
        (None, Some(key)) => {
            MasterKey::parse(key.expose_secret(), "GATEPOST_MASTER_KEY").map(|key| vec![key])
        }
        (None, None) => Ok(Vec::new()),
    }
}

fn add_previous(config: &Config, mut keys: Vec<MasterKey>) -> Result<MasterKeys, ConfigError> {
    if let Some(previous) = &config.keys.previous {
        let place = "GATEPOST_PREVIOUS_MASTER_KEY (or _FILE)";
        keys.extend(MasterKey::parse_lines(previous.expose_secret(), place)?);
    }
    MasterKeys::from_list(keys).ok_or_else(|| ConfigError("there is no master key".to_owned()))
}
