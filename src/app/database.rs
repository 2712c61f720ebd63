//! The database: the operator's, or a private one.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use secrecy::ExposeSecret;

use crate::config::{self, Config};
use crate::model::Sources;
use crate::private_postgres::{Binaries, Environment, PrivateDatabase};
use crate::store::{self, PgConnectOptions, PgPool, migrate};
use crate::vault::Vault;

/// Connections in the pool. The private database allows 50.
const CONNECTIONS: u32 = 16;

/// Time that a command waits for the database of a server that is starting.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Time between attempts to connect to it.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// Connections in the dispatcher's pool: for intake, for results, for claims and leases, and a spare one. The listening
/// connection is not among them.
const DISPATCHER_CONNECTIONS: u32 = 4;
/// Connections for what users start and for maintenance: redeliveries and their results, bulk actions, replays and
/// samples. They must not keep deliveries waiting for a connection.
const BACKGROUND_CONNECTIONS: u32 = 3;

/// Connections for checks.
const READING_CONNECTIONS: u32 = 2;

/// An open database.
#[derive(Debug)]
pub struct Database {
    pool: PgPool,
    options: PgConnectOptions,
    private: Option<PrivateDatabase>,
}

impl Database {
    /// Opens the database for the server. Starts a private one if no other is configured.
    ///
    /// # Errors
    /// If it cannot be reached or started.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        match &config.database_url {
            Some(url) => Self::connect(url.expose_secret()).await,
            None => Self::start_private(config).await,
        }
    }

    /// Opens the database for a command. Uses the private database of a running server.
    ///
    /// # Errors
    /// If it cannot be reached or started.
    pub async fn open_beside(config: &Config) -> anyhow::Result<Self> {
        if config.database_url.is_some() {
            return Self::open(config).await;
        }
        let mut tick = tokio::time::interval(RETRY_INTERVAL);
        let began = tick.tick().await;
        while let Some(options) = PrivateDatabase::running(&config.data_dir)? {
            match store::connect(options.clone(), 4).await {
                Ok(pool) => return Ok(Self { pool, options, private: None }),
                Err(error) if began.elapsed() > START_TIMEOUT => {
                    return Err(error).context("the running server's database");
                }
                Err(error) => {
                    tracing::debug!(%error, "the server is starting, or has just stopped");
                }
            }
            tick.tick().await;
        }
        Self::open(config).await
    }

    /// Opens the database for a command that no server may run beside.
    ///
    /// # Errors
    /// If it cannot be reached or started, or a server uses the private database.
    pub async fn open_alone(config: &Config) -> anyhow::Result<Self> {
        if config.database_url.is_none() && PrivateDatabase::running(&config.data_dir)?.is_some() {
            bail!(
                "a server or another command uses the database in {}. Stop the server first, and start it afterwards",
                config.data_dir.display()
            );
        }
        Self::open(config).await
    }

    /// Opens the database without changing anything: its connections cannot write, and a private one is not started.
    /// `None` if the private one does not run.
    ///
    /// # Errors
    /// If it cannot be reached now.
    pub async fn open_to_read(config: &Config) -> anyhow::Result<Option<Self>> {
        let options = match &config.database_url {
            Some(url) => parse(url.expose_secret())?,
            None => match PrivateDatabase::running(&config.data_dir)? {
                Some(options) => options,
                None => return Ok(None),
            },
        };
        let pool = store::connect_to_read(options.clone(), READING_CONNECTIONS).await;
        let pool = pool.with_context(|| place(&options))?;
        Ok(Some(Self { pool, options, private: None }))
    }

    async fn connect(url: &str) -> anyhow::Result<Self> {
        let options = parse(url)?;
        let place = place(&options);
        let pool = store::connect(options.clone(), CONNECTIONS).await.with_context(|| {
            format!("the database of DATABASE_URL at {place} cannot be reached; check that it is running, and check user and password")
        })?;
        Ok(Self { pool, options, private: None })
    }

    async fn start_private(config: &Config) -> anyhow::Result<Self> {
        let private = PrivateDatabase::start(&config.data_dir, &binaries(config)).await?;
        let options = private.options();
        match store::connect(options.clone(), CONNECTIONS).await {
            Ok(pool) => Ok(Self { pool, options, private: Some(private) }),
            Err(error) => {
                private.stop().await;
                Err(error).context("the private database cannot be reached")
            }
        }
    }

    /// Applies migrations.
    ///
    /// # Errors
    /// If the database is newer than this program, or a migration fails.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        migrate::run(&self.pool).await.context("the database is not usable")
    }

    /// Moves the secrets out of webhooks that an earlier version stored.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn move_secrets(&self, vault: &Vault, sources: &Sources) -> anyhow::Result<()> {
        store::move_secrets(&self.pool, vault, sources).await.map_err(|error| {
            anyhow::anyhow!("the secrets of stored webhooks cannot be moved: {}", error.chain())
        })
    }

    /// Returns the pool of connections.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Opens the pool of the dispatcher.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn connect_dispatcher(&self) -> anyhow::Result<PgPool> {
        let connecting = store::connect_dispatcher(self.options.clone(), DISPATCHER_CONNECTIONS);
        connecting.await.context("the database cannot be reached")
    }

    /// Opens the pool of the dispatcher's background work.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn connect_background(&self) -> anyhow::Result<PgPool> {
        let connecting = store::connect_dispatcher(self.options.clone(), BACKGROUND_CONNECTIONS);
        connecting.await.context("the database cannot be reached")
    }

    /// Closes the connections, and stops the database if it is private.
    pub async fn close(self) {
        store::close(&self.pool).await;
        if let Some(private) = self.private {
            private.stop().await;
        }
    }
}

/// Returns where PostgreSQL's programs are searched.
pub(super) fn binaries(config: &Config) -> Binaries {
    Binaries::new(
        config.postgres_folders.iter().cloned(),
        Environment::new(config.child_environment.iter().cloned()),
    )
}

/// Returns why strict mode does not permit the connection of `DATABASE_URL`, and how to change it, without a final period.
pub(super) fn strict_problem(config: &Config) -> Option<String> {
    let options = parse(config.database_url.as_ref()?.expose_secret()).ok()?;
    let host = options.get_host();
    let is_local =
        options.get_socket().is_some() || host.starts_with('/') || config::is_loopback(host);
    (!is_local && !store::verifies_server(&options)).then(|| {
        format!(
            "DATABASE_URL connects to {host} without verifying its certificate, but strict mode requires that unless \
             PostgreSQL is on this machine; add sslmode=verify-full to it, and sslrootcert=FILE if the authority of the \
             certificate is a private one"
        )
    })
}

fn place(options: &PgConnectOptions) -> String {
    format!("{}:{}", options.get_host(), options.get_port())
}

pub(super) fn parse(url: &str) -> anyhow::Result<PgConnectOptions> {
    let hint = "DATABASE_URL is not a PostgreSQL URL such as postgres://user:password@host/name";
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        bail!(hint);
    }
    PgConnectOptions::from_str(url).context(hint)
}
