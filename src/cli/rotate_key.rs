//! `gatepost secrets rotate-key`.

use anyhow::{Context, bail};

use crate::app::{Database, Unlocked, system_sources};
use crate::config::{Config, KeyFile};
use crate::identity::LeakedPasswords;
use crate::model::Actor;

/// What to do if the master key is a setting.
const STEPS: &str = "the master key is set by GATEPOST_MASTER_KEY, so replace it there:
  1. Generate a key with `openssl rand -base64 32`.
  2. Set GATEPOST_MASTER_KEY to the new key, and GATEPOST_PREVIOUS_MASTER_KEY to the old one.
  3. Restart all servers.
  4. Run `gatepost secrets rotate-key` with the same settings.
  5. Remove GATEPOST_PREVIOUS_MASTER_KEY.";

/// Encrypts all stored values with a new master key, or with the current one if previous ones are set.
pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    if config.keys.previous.is_some() {
        return reencrypt(config).await;
    }
    match config.master_key_file()? {
        Some(file) => rotate(config, &file).await,
        None => bail!(STEPS),
    }
}

/// Encrypts all values with the current key, beside running servers, which have the previous keys too.
async fn reencrypt(config: &Config) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let done = actions.reencrypt(&Actor::COMMAND_LINE).await;
    database.close().await;
    let count = done.context("the rotation is not finished")?;
    super::print(&format!(
        "Re-encrypted {}. No value needs a previous master key any more.\n\
         Remove GATEPOST_PREVIOUS_MASTER_KEY (or _FILE), and restart all servers.\n",
        values(count)
    ))
}

/// Replaces the key in a file. No server may run, because it would not know the new key.
async fn rotate(config: &Config, file: &KeyFile) -> anyhow::Result<()> {
    let database = Database::open_alone(config).await?;
    let rotated = rotate_in(config, file, &database).await;
    database.close().await;
    let count = rotated?;
    super::print(&format!(
        "Re-encrypted {}. {} contains only the new master key.\nMake a backup of it.\n",
        values(count),
        file.path().display()
    ))
}

async fn rotate_in(config: &Config, file: &KeyFile, database: &Database) -> anyhow::Result<u64> {
    let sources = system_sources();
    database.migrate().await?;
    // Held until the old keys are removed.
    let unlocked = Unlocked::begin_rotation(config, file, &sources, database).await?;
    // Sets no password.
    let leaked = LeakedPasswords::default();
    let actions = super::create_actions(config, &sources, database, &unlocked, leaked)?;
    let count = actions.reencrypt(&Actor::COMMAND_LINE).await.context(
        "the rotation is not finished: the key file contains the new and the old key, and no value is lost. Fix \
         the error and run the command again",
    )?;
    file.end_rotation().context("all values are encrypted with the first key of the key file")?;
    Ok(count)
}

fn values(count: u64) -> String {
    if count == 1 { "1 value".to_owned() } else { format!("{count} values") }
}
