//! Puts everything together and runs it. The only room that knows all the others.

mod database;
mod health;
mod router;
mod sources;
pub mod telemetry;

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use database::Database;
pub use sources::system_sources;

use crate::actions::{Actions, Parts, SetUpError};
use crate::config::Config;
use crate::delivery::{Deps, Dispatcher};
use crate::egress::{AddressRules, Client, TokenClient};
use crate::model::Sources;
use crate::model::webhook::Rules;
use crate::vault::Vault;

/// How long requests may take to end after a stop is asked for.
const DRAIN: Duration = Duration::from_secs(3);

/// A server that is ready to run.
#[derive(Debug)]
pub struct App {
    listener: TcpListener,
    router: axum::Router,
    dispatcher: Dispatcher,
    database: Database,
    /// What can be asked of it.
    pub actions: Actions,
    /// Where it listens.
    pub address: SocketAddr,
    /// Makes the first administrator at `/setup`; none where there is one.
    pub setup_code: Option<String>,
}

/// What runs once the database is open.
struct Started {
    router: axum::Router,
    dispatcher: Dispatcher,
    actions: Actions,
    setup_code: Option<String>,
}

impl App {
    /// Opens the database, migrates it, starts the dispatcher and listens.
    ///
    /// # Errors
    /// Whatever keeps it from running, with what to do about it.
    pub async fn build(config: Config, sources: Sources) -> anyhow::Result<Self> {
        // Listen first: a port that is taken is told before anything is touched.
        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            format!("cannot listen on {}: is another server running?", config.listen)
        })?;
        let address = listener.local_addr()?;
        let database = Database::open(&config).await?;
        match Self::start(&config, sources, &database, address).await {
            Ok(Started { router, dispatcher, actions, setup_code }) => {
                Ok(Self { listener, router, dispatcher, database, actions, address, setup_code })
            }
            Err(error) => {
                database.close().await;
                Err(error)
            }
        }
    }

    async fn start(
        config: &Config,
        sources: Sources,
        database: &Database,
        address: SocketAddr,
    ) -> anyhow::Result<Started> {
        database.migrate().await?;
        let db = database.pool().clone();
        let vault = Vault::new(config.master_key(&sources)?.bytes(), sources.clone());
        let rules = Rules { allow_http: config.allow_http };
        let egress = AddressRules::new(config.egress_allow.clone(), config.egress_deny.clone());
        let client = Client::new(egress);
        let tokens = TokenClient::new(client.clone());
        let deps = Deps {
            db: database.connect_dispatcher().await?,
            vault: vault.clone(),
            client: client.clone(),
            tokens: tokens.clone(),
            sources: sources.clone(),
            rules,
            retention_days: config.retention_days,
        };
        let dispatcher = Dispatcher::start(deps).await.context("the dispatcher cannot start")?;
        let setup_code = Some(new_code(&sources));
        let actions = Actions::new(Parts {
            db,
            vault,
            client,
            tokens,
            sources: sources.clone(),
            rules,
            dispatcher: Some(dispatcher.clone()),
            setup_code: setup_code.clone(),
        })?;
        first_administrator(config, &actions).await?;
        let setup_code = if actions.needs_setup().await? { setup_code } else { None };
        let router =
            router::build(config, address, actions.clone(), &dispatcher, database, sources);
        Ok(Started { router, dispatcher, actions, setup_code })
    }

    /// Serves until `shutdown` is ready, then stops in order: no new requests, exchanges end, the
    /// database is closed.
    ///
    /// # Errors
    /// Where the listener fails.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let service = self.router.into_make_service_with_connect_info::<SocketAddr>();
        let stopping = CancellationToken::new();
        let asked = stopping.clone();
        let server = axum::serve(self.listener, service).with_graceful_shutdown(async move {
            shutdown.await;
            asked.cancel();
        });
        // A client that never ends its request must not keep the server from stopping.
        let too_long = async {
            stopping.cancelled().await;
            tokio::time::timeout(DRAIN, std::future::pending::<()>()).await
        };
        let outcome = tokio::select! {
            ended = server.into_future() => ended,
            _elapsed = too_long => Ok(()),
        };
        self.dispatcher.stop().await;
        self.database.close().await;
        Ok(outcome?)
    }
}

/// Eight characters that are not mistaken for each other, as `ABCD-EFGH`: 40 bits, guarded by a
/// throttle, and good until the first administrator exists.
fn new_code(sources: &Sources) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let letters = sources
        .bytes::<8>()
        .into_iter()
        .map(|byte| LETTERS.get(usize::from(byte % 32)).copied().map_or('A', char::from));
    let code: String = letters.collect();
    let (left, right) = code.split_at_checked(4).unwrap_or((&code, ""));
    format!("{left}-{right}")
}

async fn first_administrator(config: &Config, actions: &Actions) -> anyhow::Result<()> {
    let Some((email, password)) = &config.admin else { return Ok(()) };
    if !actions.needs_setup().await? {
        return Ok(());
    }
    match actions.set_up_from_environment(email, password.expose_secret()).await {
        Ok(user) => {
            tracing::info!(email = user.email, "made the first administrator");
            Ok(())
        }
        Err(SetUpError::Done) => Ok(()),
        Err(error) => Err(error).context("GATEPOST_ADMIN_EMAIL and GATEPOST_ADMIN_PASSWORD"),
    }
}
