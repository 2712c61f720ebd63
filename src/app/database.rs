//! The database: the operator's, or a private one.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use secrecy::ExposeSecret;

use crate::config::Config;
use crate::private_postgres::{Binaries, PrivateDatabase};
use crate::store::{self, PgConnectOptions, PgPool, migrate};

/// Connections in the pool. The private database allows 40.
const CONNECTIONS: u32 = 16;

/// How long a command waits for the database of a server that is starting.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between looks at it.
const PAUSE: Duration = Duration::from_millis(100);

/// Connections of the dispatcher: one for what comes in, one for results, one for claims and leases,
/// and one to spare. It listens on another.
const DISPATCHER_CONNECTIONS: u32 = 4;

/// An open database.
#[derive(Debug)]
pub struct Database {
    pool: PgPool,
    options: PgConnectOptions,
    private: Option<PrivateDatabase>,
}

impl Database {
    /// For the server: starts the private database where no other is given.
    ///
    /// # Errors
    /// Where it cannot be reached or started.
    pub async fn open(config: &Config) -> anyhow::Result<Self> {
        match &config.database_url {
            Some(url) => Self::connect(url.expose_secret()).await,
            None => Self::start_private(config).await,
        }
    }

    /// For a command beside a server: uses its private database while it runs.
    ///
    /// # Errors
    /// Where it cannot be reached or started.
    pub async fn open_beside(config: &Config) -> anyhow::Result<Self> {
        if config.database_url.is_some() {
            return Self::open(config).await;
        }
        let mut tick = tokio::time::interval(PAUSE);
        let began = tick.tick().await;
        while let Some(options) = PrivateDatabase::running(&config.data_dir)? {
            match store::connect(options.clone(), 4).await {
                Ok(pool) => return Ok(Self { pool, options, private: None }),
                Err(error) if began.elapsed() > PATIENCE => {
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

    async fn connect(url: &str) -> anyhow::Result<Self> {
        let hint =
            "DATABASE_URL is not a PostgreSQL URL such as postgres://user:password@host/name";
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            bail!(hint);
        }
        let options = PgConnectOptions::from_str(url).context(hint)?;
        let place = format!("{}:{}", options.get_host(), options.get_port());
        let pool = store::connect(options.clone(), CONNECTIONS).await.with_context(|| {
            format!("the database of DATABASE_URL at {place} cannot be reached: is it up, are user and password right?")
        })?;
        Ok(Self { pool, options, private: None })
    }

    async fn start_private(config: &Config) -> anyhow::Result<Self> {
        let binaries = Binaries::new(config.postgres_folders.iter().cloned());
        let private = PrivateDatabase::start(&config.data_dir, &binaries).await?;
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
    /// Where they do not fit.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        migrate::run(&self.pool).await.context("the database is not usable")
    }

    /// Its connections.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Connections of the dispatcher's own.
    ///
    /// # Errors
    /// Where the database cannot be reached.
    pub async fn connect_dispatcher(&self) -> anyhow::Result<PgPool> {
        let connecting = store::connect_dispatcher(self.options.clone(), DISPATCHER_CONNECTIONS);
        connecting.await.context("the database cannot be reached a second time")
    }

    /// Closes it, and stops it where it is private.
    pub async fn close(self) {
        store::close(&self.pool).await;
        if let Some(private) = self.private {
            private.stop().await;
        }
    }
}
