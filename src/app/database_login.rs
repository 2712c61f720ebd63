//! The user and the password of the operator's database, which can change while Gatepost runs.

use std::mem::discriminant;
use std::time::Duration;

use anyhow::{Context, ensure};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::MissedTickBehavior;

use super::database::parse;
use crate::config::Config;
use crate::store::{PgConnectOptions, PgPool, dispatcher_options, page_options};

/// Time between looks at the file.
const RELOAD_INTERVAL: Duration = Duration::from_secs(10);

/// The pools whose connections log in with the file's user and password.
#[derive(Debug)]
pub(super) struct DatabaseLogin {
    config: Config,
    /// The URL in use. `None` if there is no file.
    url: Option<SecretString>,
    pages: PgPool,
    dispatcher: [PgPool; 2],
}

impl DatabaseLogin {
    pub(super) fn new(config: &Config, pages: &PgPool, dispatcher: [&PgPool; 2]) -> Self {
        let url = config.database_url_file.as_ref().and_then(|_file| config.database_url.clone());
        let (pages, dispatcher) = (pages.clone(), dispatcher.map(Clone::clone));
        Self { config: config.clone(), url, pages, dispatcher }
    }

    /// Uses the file's user and password for new connections whenever it changes. Never completes.
    pub(super) async fn keep_current(mut self) {
        let mut tick = tokio::time::interval(RELOAD_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.reload().await {
                let error = format!("{error:#}");
                tracing::warn!(error, "could not reload the URL of the database");
            }
        }
    }

    async fn reload(&mut self) -> anyhow::Result<()> {
        let Some(current) = &self.url else { return Ok(()) };
        let config = self.config.clone();
        // On another thread, because the file may be on a slow network file system.
        let read = tokio::task::spawn_blocking(move || config.read_database_url()).await?;
        let Some(url) = read? else { return Ok(()) };
        if url.expose_secret() == current.expose_secret() {
            return Ok(());
        }
        let options = parse(url.expose_secret())?;
        let in_use = parse(current.expose_secret()).context("the URL in use")?;
        ensure!(
            is_same_database(&options, &in_use),
            "the file names another database or sslmode. Restart Gatepost to use it"
        );
        self.pages.set_connect_options(page_options(options.clone()));
        for pool in &self.dispatcher {
            pool.set_connect_options(dispatcher_options(options.clone()));
        }
        tracing::info!(user = options.get_username(), "reloaded the URL of the database");
        self.url = Some(url);
        Ok(())
    }
}

/// Whether both name the same server and database, with the same encryption. Pools of two databases would lose events.
fn is_same_database(one: &PgConnectOptions, other: &PgConnectOptions) -> bool {
    let place = |options: &PgConnectOptions| {
        let (host, socket) = (options.get_host().to_owned(), options.get_socket().cloned());
        (host, options.get_port(), socket, options.get_database().map(str::to_owned))
    };
    let mode = |options: &PgConnectOptions| discriminant(&options.get_ssl_mode());
    place(one) == place(other) && mode(one) == mode(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_user_and_password_may_change() {
        let same =
            |one: &str, other: &str| is_same_database(&parse(one).unwrap(), &parse(other).unwrap());
        let url = "postgres://ann:old@db.example.com/gatepost";
        assert!(same(url, "postgres://bob:new@db.example.com:5432/gatepost"));
        assert!(!same(url, "postgres://ann:old@db2.example.com/gatepost"));
        assert!(!same(url, "postgres://ann:old@db.example.com:5433/gatepost"));
        assert!(!same(url, "postgres://ann:old@db.example.com/other"));
        assert!(!same(url, "postgres://ann:old@db.example.com/gatepost?sslmode=disable"));
        assert!(!same(url, "postgres://ann:old@localhost/gatepost?host=/run/postgresql"));
    }
}
