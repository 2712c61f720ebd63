//! What a person or a program can ask Gatepost to do: one verb a file, one transaction each.

mod backtest;
mod change_webhook;
mod check_credentials;
mod chosen_event;
mod fetch_certificate;
mod import_webhooks;
mod inspect_tls;
mod issue_token;
mod revisions;
mod save_webhook;
mod send_now;
mod set_up;
mod sign_in;
mod test_webhook;

pub use crate::egress::FetchError as FetchCertificateError;
pub use backtest::{Backtest, BacktestError, MAX_BACKTEST_EVENTS, MAX_BACKTEST_PREVIEWS};
pub use change_webhook::ChangeWebhookError;
pub use check_credentials::{CheckCredentialsError, CheckedCredentials};
pub use import_webhooks::{Change, ImportError};
pub use inspect_tls::Inspected;
pub use issue_token::IssueTokenError;
pub use save_webhook::{SaveRequest, SaveWebhookError};
pub use send_now::{ManualSendRefusal, SendNowError, check_manual_send};
pub use set_up::{SetUpError, SetUpField};
pub use sign_in::SignInError;
pub use test_webhook::{Preview, TestWebhookError};

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::delivery::Dispatcher;
use crate::egress::{Client, TokenClient};
use crate::identity::{PasswordError, Passwords, Throttle};
use crate::model::Sources;
use crate::model::webhook::Rules;
use crate::store::{self, PgPool};
use crate::vault::Vault;

/// Webhooks that are tried on past events at once, each on a thread of its own.
const BACKTESTS: usize = 2;

/// What actions work with.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The database.
    pub db: PgPool,
    /// Seals webhooks.
    pub vault: Vault,
    /// Sends tests.
    pub client: Client,
    /// Obtains access tokens.
    pub tokens: TokenClient,
    /// Time and randomness.
    pub sources: Sources,
    /// What the operator allows.
    pub rules: Rules,
    /// This instance's dispatcher; none in a command beside a server.
    pub dispatcher: Option<Dispatcher>,
    /// Makes the first administrator, once; none where there is one already.
    pub setup_code: Option<String>,
}

/// Everything that can be asked for.
#[derive(Debug, Clone)]
pub struct Actions {
    parts: Arc<Parts>,
    passwords: Passwords,
    throttle: Throttle,
    /// Room for those that try a webhook on past events.
    backtests: Arc<Semaphore>,
}

impl Actions {
    /// With these parts.
    ///
    /// # Errors
    /// Where passwords cannot be hashed.
    pub fn new(parts: Parts) -> Result<Self, PasswordError> {
        Ok(Self {
            parts: Arc::new(parts),
            passwords: Passwords::new()?,
            throttle: Throttle::default(),
            backtests: Arc::new(Semaphore::new(BACKTESTS)),
        })
    }

    /// This instance's webhooks follow at once; other instances are told by the transaction.
    async fn reload(&self) -> Result<(), store::Error> {
        match &self.parts.dispatcher {
            Some(dispatcher) => dispatcher.reload().await,
            None => Ok(()),
        }
    }
}
