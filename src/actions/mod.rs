//! What a user or a program can do with Gatepost: one file and one transaction per action.

mod audit;
mod audit_trigger;
mod backtest;
mod blocking;
mod change_delivery;
mod check_credentials;
mod chosen_event;
mod delete_webhook;
mod email;
mod explain_event;
mod fetch_certificate;
mod import_webhooks;
mod inspect_tls;
mod issue_token;
mod notifications;
mod prepare;
mod record;
mod replay;
mod revisions;
mod revoke_token;
mod save_webhook;
mod second_factor;
mod secrets;
mod send_now;
mod send_sample;
mod set_up;
mod sign_in;
mod sign_out;
mod signing_keys;
mod single_sign_on;
mod test_webhook;
mod toggle_webhook;
mod users;

pub use crate::delivery::LiveReports;
pub use crate::egress::FetchError as FetchCertificateError;
pub use crate::identity::Scope;
pub use crate::mail::MailError;
pub use crate::oidc::{Callback, OidcError, Purpose, Rejection, SkewedClock};
pub use audit::{VerifiedAudit, VerifyAuditError};
pub use backtest::{Backtest, BacktestError, MAX_BACKTEST_EVENTS, MAX_BACKTEST_PREVIEWS};
pub use change_delivery::ChangeDeliveryError;
pub use check_credentials::{CheckCredentialsError, CheckedCredentials};
pub use explain_event::{
    EventExplanation, ExplainQuery, ExplainedPart, ExplainedWebhook, WebhookStatus,
};
pub use import_webhooks::{Import, ImportError, ImportedWebhook};
pub use inspect_tls::Inspected;
pub use issue_token::{IssueTokenError, IssuedToken, NewToken};
pub use notifications::NotificationsError;
pub use prepare::Entered;
pub use replay::{MAX_DRY_RUN_EVENTS, PlannedRequest, ReplayError, ReplayPlan};
pub use revoke_token::RevokeTokenError;
pub use save_webhook::{SaveRequest, SaveWebhookError};
pub use second_factor::{
    CodeSignIn, CodeSignInError, EnableSecondFactorError, EnteredFactor, ProposedFactor,
    RequireSecondFactorError, ResetSecondFactorError, SecondFactorError, SignedInWithCode,
    UsedFactor,
};
pub use secrets::{
    DeleteSecretError, MAX_SECRET_DESCRIPTION_CHARS, SaveSecretError, SecretChange, SecretDraft,
    SecretErrors, SecretField, SetSecret,
};
pub use send_now::{ManualSendRefusal, SendNowError, check_manual_send};
pub use send_sample::{SampleOrder, SendSampleError};
pub use set_up::{SetUpError, SetUpField};
pub use sign_in::{AcceptedPassword, ProviderSession, SignIn, SignInError, SignedIn};
pub use signing_keys::{RotateSigningKeyError, SigningKeyInfo};
pub use single_sign_on::{NoRole, SingleSignOn, SingleSignOnError, SingleSignOnOutcome};
pub use test_webhook::{Preview, TestWebhookError};
pub use toggle_webhook::ChangeWebhookError;
pub use users::{
    AcceptInvitationError, ChangeUserError, Invitation, InviteUserError, SetPasswordError,
    UserChange, UserRef,
};

use std::sync::Arc;

use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::delivery::Dispatcher;
use crate::egress::{Client, TokenClient};
use crate::identity::{
    DeviceKey, LeakedPasswords, PasswordError, Passwords, RecordLimit, Throttle,
};
use crate::mail::Mailer;
use crate::model::webhook::Rules;
use crate::model::{SecurityPolicy, Sources};
use crate::oidc::Oidc;
use crate::store::{self, PgPool};
use crate::vault::Vault;

/// Maximum number of concurrent backtests. Each has its own thread.
const MAX_BACKTESTS: usize = 2;

/// Dependencies of the actions.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The database.
    pub db: PgPool,
    /// Encrypts webhooks.
    pub vault: Vault,
    /// Sends requests of tests.
    pub client: Client,
    /// Obtains access tokens.
    pub tokens: TokenClient,
    /// Time and randomness.
    pub sources: Sources,
    /// What the operator allows.
    pub rules: Rules,
    /// What the operator requires.
    pub policy: SecurityPolicy,
    /// This instance's dispatcher. `None` in commands.
    pub dispatcher: Option<Dispatcher>,
    /// Signs the cookies of browsers that have signed in.
    pub device_key: DeviceKey,
    /// Single sign-on. `None` in commands, and if it is off.
    pub oidc: Option<Oidc>,
    /// Whether users may sign in with passwords.
    pub password_sign_in: bool,
    /// Passwords that cannot be set.
    pub leaked_passwords: LeakedPasswords,
    /// Sends mails. `None` in commands, and if there is no mail server.
    pub mailer: Option<Mailer>,
    /// The one-time code for creating the first administrator. `None` if there is one.
    pub setup_code: Option<String>,
}

/// The actions.
#[derive(Debug, Clone)]
pub struct Actions {
    parts: Arc<Parts>,
    passwords: Passwords,
    throttle: Throttle,
    /// Limits records of rejected sign-ins.
    record_limit: RecordLimit,
    /// Limits concurrent backtests.
    backtests: Arc<Semaphore>,
    /// Limits concurrent work on blocking threads.
    blocking: Arc<Semaphore>,
}

impl Actions {
    /// Creates the actions.
    ///
    /// # Errors
    /// If passwords cannot be hashed.
    pub fn new(parts: Parts) -> Result<Self, PasswordError> {
        Ok(Self {
            passwords: Passwords::new(parts.leaked_passwords.clone())?,
            parts: Arc::new(parts),
            throttle: Throttle::default(),
            record_limit: RecordLimit::default(),
            backtests: Arc::new(Semaphore::new(MAX_BACKTESTS)),
            blocking: Arc::new(Semaphore::new(blocking::MAX_BLOCKING)),
        })
    }

    /// Returns reports of changes to a page. `None` in commands.
    pub fn live_reports(&self) -> Option<LiveReports> {
        self.parts.dispatcher.as_ref().map(Dispatcher::live_reports)
    }

    /// Applies a committed change to this instance's dispatcher. Other instances are notified by the transaction.
    async fn apply_change(&self, change: Uuid) -> Result<(), store::Error> {
        match &self.parts.dispatcher {
            Some(dispatcher) => dispatcher.apply_change(change).await,
            None => Ok(()),
        }
    }
}
