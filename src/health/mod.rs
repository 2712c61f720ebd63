//! Checks of the installation, which the readiness check, the page Status and `gatepost doctor` share.
//!
//! A check reads a few figures and says in words what it has found and how to fix it. Checks change nothing, open no
//! connection but those to the database and to the identity provider, and read neither the history nor a long queue.

mod check;
mod database;
mod deliveries;
mod disk_space;
mod egress_rules;
mod history;
mod report;
mod settings;
mod single_sign_on;
mod span;
mod strict;
mod tls_certificate;

use std::time::Duration;

pub use check::{Check, CheckId, CheckState};
pub use database::Reached;
pub use report::{Figures, Report};
pub use settings::Settings;
pub use tls_certificate::{CertificateState, SharedCertificate};

use crate::model::Sources;
use crate::oidc::Oidc;
use crate::store::migrate::{self, MigrationState};
use crate::store::{self, PgPool};
use crate::vault::Vault;

/// Timeout of the readiness check. Load balancers do not wait longer either.
const READINESS_TIMEOUT: Duration = Duration::from_secs(2);

/// Checks an installation.
#[derive(Debug, Clone)]
pub struct Health {
    db: PgPool,
    settings: Settings,
    /// The error if there is no usable master key.
    vault: Result<Vault, String>,
    /// Single sign-on, if it is on; the error if its settings cannot be used, which the check of settings reports.
    oidc: Result<Option<Oidc>, String>,
    sources: Sources,
}

impl Health {
    /// Of an installation with this database.
    pub fn new(
        db: PgPool,
        settings: Settings,
        vault: Result<Vault, String>,
        sources: Sources,
    ) -> Self {
        Self { db, settings, vault, oidc: Ok(None), sources }
    }

    /// Also checks the identity provider of single sign-on.
    #[must_use]
    pub fn with_single_sign_on(self, oidc: Result<Option<Oidc>, String>) -> Self {
        Self { oidc, ..self }
    }

    /// Returns whether events can be accepted: the database responds and is migrated.
    ///
    /// # Errors
    /// The reason if not.
    pub async fn check_readiness(&self) -> Result<(), &'static str> {
        let read = async {
            store::ping(&self.db).await?;
            migrate::state(&self.db).await
        };
        match store::within(&self.db, READINESS_TIMEOUT, read).await {
            Ok(MigrationState::Current | MigrationState::Newer(_)) => Ok(()),
            Ok(MigrationState::Pending(_)) => Err("the database is not migrated"),
            Err(error) if error.is_unavailable() => {
                tracing::warn!(error = error.chain(), "could not reach the database");
                Err("the database cannot be reached")
            }
            Err(error) => {
                tracing::warn!(error = error.chain(), "could not read the applied migrations");
                Err("the database's migrations cannot be read")
            }
        }
    }
}
