//! The composition root: builds the server from all other modules and runs it.

mod client_address;
mod database;
mod database_login;
mod diagnosis;
mod health;
mod log_lines;
mod master_key;
mod public_host;
mod refusals;
mod request_origin;
mod response_headers;
mod router;
mod server;
mod sources;
mod strict;
pub mod telemetry;

use std::future::Future;
use std::net::SocketAddr;

use anyhow::Context;
use secrecy::ExposeSecret;
use strum::VariantNames as _;
use tokio::net::TcpListener;

pub use database::Database;
pub use diagnosis::diagnose;
pub use master_key::Unlocked;
pub use sources::system_sources;
pub use strict::check_strict;

use database_login::DatabaseLogin;
use server::{Server, ServerTls};

use crate::actions::{Actions, Parts, SetUpError};
use crate::api::ProblemId;
use crate::config::Config;
use crate::delivery::{Deps, Dispatcher};
use crate::egress::{AddressRules, Client, TokenClient};
use crate::health::{Health, Settings, SharedCertificate};
use crate::identity::{DeviceKey, LeakedPasswords, RecoveryCode};
use crate::mail::Mailer;
use crate::metrics::Metrics;
use crate::model::Sources;
use crate::model::outcome::Cause;
use crate::monitoring::Monitor;
use crate::notifications::{Notifier, NotifierParts};
use crate::oidc::Oidc;
use crate::store::instances::InstanceInfo;
use crate::vault::{self, Vault};
use crate::web::CsrfKey;

/// What derived keys are for. A change makes all forms or device cookies invalid.
const CSRF_KEY_PURPOSE: &str = "tokens in forms";
const DEVICE_KEY_PURPOSE: &str = "device cookies";
const OIDC_KEY_PURPOSE: &str = "single sign-on";

/// A server that is ready to run.
#[derive(Debug)]
pub struct App {
    listener: TcpListener,
    server: Server,
    dispatcher: Dispatcher,
    notifier: Notifier,
    database: Database,
    login: DatabaseLogin,
    /// Keeps the master key in use.
    _unlocked: Unlocked,
    /// The actions.
    pub actions: Actions,
    /// The address that the server listens on.
    pub address: SocketAddr,
    /// The one-time code for `/setup`. `None` if there is an administrator.
    pub setup_code: Option<String>,
}

/// The parts that need an open database.
struct Started {
    unlocked: Unlocked,
    login: DatabaseLogin,
    router: axum::Router,
    dispatcher: Dispatcher,
    notifier: Notifier,
    actions: Actions,
    setup_code: Option<String>,
}

impl App {
    /// Opens the database, migrates it, starts the dispatcher and listens.
    ///
    /// # Errors
    /// If any part cannot start, with how to fix it.
    pub async fn build(config: Config, sources: Sources) -> anyhow::Result<Self> {
        // First of all, so that a port in use is reported before anything is changed.
        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            format!("cannot listen on {}; is another server running?", config.listen)
        })?;
        let address = listener.local_addr()?;
        let keys = config.policy.keys;
        let tls = config.tls.as_ref().map(|files| ServerTls::open(files, keys, &sources));
        let tls = tls.transpose()?;
        let certificate = tls.as_ref().map(ServerTls::state);
        let leaked = open_leaked_passwords(&config)?;
        let database = Database::open(&config).await?;
        // Boxed: the future is large.
        let files = (certificate, leaked);
        match Box::pin(Self::start(&config, address, sources, &database, files)).await {
            Ok(Started { unlocked, login, router, dispatcher, notifier, actions, setup_code }) => {
                Ok(Self {
                    listener,
                    server: Server::new(router, tls),
                    dispatcher,
                    notifier,
                    database,
                    login,
                    _unlocked: unlocked,
                    actions,
                    address,
                    setup_code,
                })
            }
            Err(error) => {
                database.close().await;
                Err(error)
            }
        }
    }

    async fn start(
        config: &Config,
        address: SocketAddr,
        sources: Sources,
        database: &Database,
        (certificate, leaked_passwords): (Option<SharedCertificate>, LeakedPasswords),
    ) -> anyhow::Result<Started> {
        database.migrate().await?;
        let db = database.pool().clone();
        let unlocked = Unlocked::open(config, &sources, database).await?;
        let vault = unlocked.vault.clone();
        database.move_secrets(&vault, &sources).await?;
        let derive = |name: &str| vault::derive_key(unlocked.keys.current().bytes(), name);
        let csrf_key = CsrfKey::new(derive(CSRF_KEY_PURPOSE));
        let device_key = DeviceKey::new(derive(DEVICE_KEY_PURPOSE));
        let (rules, client) = (config.webhook_rules(), create_client(config));
        let tokens = TokenClient::new(client.clone());
        let oidc = open_oidc(config, &client, derive(OIDC_KEY_PURPOSE), &sources)?;
        let metrics = Metrics::new(Cause::VARIANTS, ProblemId::VARIANTS)?;
        let dispatcher_db = database.connect_dispatcher().await?;
        let background = database.connect_background().await?;
        let login = DatabaseLogin::new(config, &db, [&dispatcher_db, &background]);
        let pools = vec![
            ("pages", db.clone()),
            ("dispatcher", dispatcher_db.clone()),
            ("background", background.clone()),
        ];
        let deps = Deps {
            db: dispatcher_db,
            background: background.clone(),
            vault: vault.clone(),
            client: client.clone(),
            tokens: tokens.clone(),
            sources: sources.clone(),
            metrics: metrics.clone(),
            rules,
            instance: describe_instance(address),
            retention_days: config.retention_days,
            audit_retention_days: config.audit_retention_days,
        };
        let dispatcher = Dispatcher::start(deps).await.context("the dispatcher cannot start")?;
        let (reading, outgoing) = ((db.clone(), pools), client.clone());
        let monitor = Monitor::new(metrics, dispatcher.clone(), outgoing, reading, sources.clone());
        let settings = health_settings(config, address, certificate, &sources);
        let health = Health::new(db.clone(), settings, Ok(vault.clone()), sources.clone())
            .with_single_sign_on(Ok(oidc.clone()));
        // As hard to guess as a recovery code. Valid until the first administrator exists.
        let setup_code = Some(RecoveryCode::new(&sources).reveal());
        let mailer = open_mailer(config)?;
        let notifier = NotifierParts {
            db: background,
            sources: sources.clone(),
            mailer: mailer.clone(),
            public_url: config.public_url.clone(),
        };
        let actions = Actions::new(Parts {
            db: db.clone(),
            vault,
            client,
            tokens,
            sources,
            rules,
            policy: config.policy,
            dispatcher: Some(dispatcher.clone()),
            device_key,
            oidc,
            password_sign_in: config.password_sign_in,
            leaked_passwords,
            mailer,
            setup_code: setup_code.clone(),
        })?;
        create_first_administrator(config, &actions).await?;
        let setup_code = if actions.needs_setup().await? { setup_code } else { None };
        let router = router::build(router::Parts {
            config,
            actions: actions.clone(),
            health,
            dispatcher: &dispatcher,
            db,
            vault: unlocked.vault.clone(),
            monitor,
            csrf_key,
        });
        let notifier = Notifier::start(notifier);
        Ok(Started { unlocked, login, router, dispatcher, notifier, actions, setup_code })
    }

    /// Serves until `shutdown` completes. Then stops accepting requests, waits for attempts in flight, and closes the
    /// database.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) {
        let (instance, version) = (self.dispatcher.instance_id(), env!("CARGO_PKG_VERSION"));
        tracing::info!(instance.id = %instance, version, address = %self.address, "started");
        tokio::select! {
            () = self.server.run(self.listener, shutdown) => {}
            () = self.login.keep_current() => {}
        }
        self.notifier.stop().await;
        self.dispatcher.stop().await;
        self.database.close().await;
    }
}

/// Returns what the checks know about the settings.
fn health_settings(
    config: &Config,
    address: SocketAddr,
    certificate: Option<SharedCertificate>,
    sources: &Sources,
) -> Settings {
    let mut settings = Settings::new(&Config { listen: address, ..config.clone() });
    if let Some(certificate) = certificate {
        settings.set_certificate(certificate, sources.clone());
    }
    settings
}

fn create_client(config: &Config) -> Client {
    let rules = AddressRules::new(config.egress_allow.clone(), config.egress_deny.clone());
    Client::new(rules.only(config.egress_only.clone())).with_key_policy(config.policy.keys)
}

fn open_mailer(config: &Config) -> anyhow::Result<Option<Mailer>> {
    config.smtp.as_ref().map(Mailer::new).transpose().context("GATEPOST_SMTP_URL")
}

/// Returns the lists of leaked passwords.
///
/// # Errors
/// If the operator's file cannot be used.
pub fn open_leaked_passwords(config: &Config) -> anyhow::Result<LeakedPasswords> {
    let file = config.leaked_passwords_file.clone();
    LeakedPasswords::open(file).context("GATEPOST_LEAKED_PASSWORDS_FILE")
}

/// Returns single sign-on, if it is on. Its key is derived, and encrypts nothing else.
fn open_oidc(
    config: &Config,
    client: &Client,
    derived: [u8; 64],
    sources: &Sources,
) -> anyhow::Result<Option<Oidc>> {
    let Some(settings) = &config.oidc else { return Ok(None) };
    let (key, _) = derived.split_first_chunk().context("the derived key is too short")?;
    let vault = Vault::new(key, sources.clone());
    let keys = config.policy.keys;
    let oidc = Oidc::new(settings, client.clone(), keys, vault, sources.clone());
    oidc.map(Some).map_err(anyhow::Error::msg)
}

/// What this instance reports about itself on the page Status.
fn describe_instance(address: SocketAddr) -> InstanceInfo {
    let host_name = nix::unistd::gethostname().unwrap_or_default();
    InstanceInfo {
        host_name: host_name.to_string_lossy().into_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        address: address.to_string(),
    }
}

async fn create_first_administrator(config: &Config, actions: &Actions) -> anyhow::Result<()> {
    let Some((email, password)) = &config.admin else { return Ok(()) };
    if !actions.needs_setup().await? {
        return Ok(());
    }
    match actions.set_up_from_environment(email, password.expose_secret()).await {
        Ok(user) => {
            tracing::info!(email = user.email, "created the first administrator");
            Ok(())
        }
        Err(SetUpError::Done) => Ok(()),
        Err(error) => Err(error).context("GATEPOST_ADMIN_EMAIL and GATEPOST_ADMIN_PASSWORD"),
    }
}
