//! Access to the stored secrets with the master keys.

use anyhow::{Context, bail};

use super::Database;
use crate::config::{Config, KeyFile, MasterKeys};
use crate::model::Sources;
use crate::store::master_key_lock::MasterKeyLock;
use crate::store::{notify, sealed_values};
use crate::vault::Vault;

/// The master keys, which stay in use until this is dropped.
#[derive(Debug)]
pub struct Unlocked {
    /// The keys.
    pub keys: MasterKeys,
    /// Encrypts and decrypts with them.
    pub vault: Vault,
    _lock: MasterKeyLock,
}

impl Unlocked {
    /// Reads the master keys, and checks that no stored value needs another one.
    ///
    /// # Errors
    /// If a value needs another key, or another command rotates the key.
    pub async fn open(
        config: &Config,
        sources: &Sources,
        database: &Database,
    ) -> anyhow::Result<Self> {
        // Before the keys are read, so that none of them is removed afterwards.
        let Some(lock) = MasterKeyLock::share(database.pool()).await? else {
            bail!("gatepost secrets rotate-key is running; try again when it has finished");
        };
        let keys = config.master_keys(sources)?;
        let vault = vault(&keys, sources);
        check(database, &vault).await?;
        Ok(Self { keys, vault, _lock: lock })
    }

    /// Adds a new key to a file with one key, or continues the rotation of a file with several keys.
    ///
    /// # Errors
    /// If a server or another command uses the database, a value needs another key, or the file cannot be written.
    pub async fn begin_rotation(
        config: &Config,
        file: &KeyFile,
        sources: &Sources,
        database: &Database,
    ) -> anyhow::Result<Self> {
        let lock = MasterKeyLock::take(database.pool()).await?;
        if notify::count_instances(database.pool()).await? > 0 {
            bail!(
                "a server is running on this database. Stop the server first, and start it afterwards"
            );
        }
        let Some(lock) = lock else {
            bail!("another command is using this database. Try again when it has finished");
        };
        // With the old keys, so that the file does not change if a value cannot be decrypted.
        check(database, &vault(&config.master_keys(sources)?, sources)).await?;
        let keys = file.begin_rotation(sources)?;
        let vault = vault(&keys, sources);
        Ok(Self { keys, vault, _lock: lock })
    }
}

/// Returns a vault that encrypts with the current key, and decrypts with all.
pub(super) fn vault(keys: &MasterKeys, sources: &Sources) -> Vault {
    Vault::new(keys.current().bytes(), sources.clone()).with_previous(keys.previous())
}

async fn check(database: &Database, vault: &Vault) -> anyhow::Result<()> {
    let mut connection = database.pool().acquire().await?;
    let checked = sealed_values::check_keys(&mut connection, vault).await;
    checked.context("stored secrets cannot be decrypted")
}
