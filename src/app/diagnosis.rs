//! The checks of an installation without its server.

use super::database::{self, Database};
use super::master_key::vault;
use super::server::ServerTls;
use crate::config::Config;
use crate::health::{Health, Report, Settings};
use crate::model::Sources;
use crate::private_postgres::PrivateDatabase;
use crate::vault::Vault;

/// Makes all checks that are possible. Changes nothing, and starts nothing.
pub async fn diagnose(config: &Config, sources: &Sources) -> Report {
    let mut settings = Settings::new(config);
    // Nothing is encrypted for a check, so any key is enough.
    let oidc = super::open_oidc(config, &super::create_client(config), sources.bytes(), sources);
    let oidc = oidc.map_err(|error| error.to_string());
    if let Err(error) = &oidc {
        settings.add_unusable(error.clone());
    }
    if let Err(error) = super::open_leaked_passwords(config) {
        settings.add_unusable(format!("{error:#}"));
    }
    let keys = config.policy.keys;
    match config.tls.as_ref().map(|files| ServerTls::open(files, keys, sources)) {
        Some(Ok(tls)) => settings.set_certificate(tls.state(), sources.clone()),
        Some(Err(error)) => settings.add_unusable(format!("{error:#}")),
        None => {}
    }
    for problem in super::strict::problems(config) {
        settings.add_unusable(problem);
    }
    let database = match Database::open_to_read(config).await {
        Ok(Some(database)) => database,
        Ok(None) => {
            let binaries = database::binaries(config);
            let programs = PrivateDatabase::check_programs(&config.data_dir, &binaries).await;
            return Report::of_stopped_database(&settings, &config.data_dir, programs);
        }
        Err(error) => return Report::of_unreached_database(&settings, &format!("{error:#}")),
    };
    let vault = existing_vault(config, sources);
    let health = Health::new(database.pool().clone(), settings, vault, sources.clone())
        .with_single_sign_on(oidc);
    let report = health.report().await;
    database.close().await;
    report
}

/// Returns the vault with the keys that exist, or the reason why there is none.
fn existing_vault(config: &Config, sources: &Sources) -> Result<Vault, String> {
    match config.existing_master_keys() {
        Ok(Some(keys)) => Ok(vault(&keys, sources)),
        Ok(None) => Err(format!("{} has no master key", config.data_dir.display())),
        Err(error) => Err(error.to_string()),
    }
}
