//! A check and its result.

use std::fmt;

use crate::store::Error;

/// A check, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckId {
    /// The settings can be used.
    Settings,
    /// The database responds.
    Database,
    /// The tables match the program.
    Migrations,
    /// The stored values can be decrypted.
    MasterKey,
    /// The clocks of this machine and of the database agree.
    Clock,
    /// The private PostgreSQL has space.
    DiskSpace,
    /// Servers run, all in the same version.
    Instances,
    /// Deliveries are sent in time.
    Queue,
    /// Deliveries are successful.
    Failures,
    /// No target is down.
    CircuitBreakers,
    /// No webhook was paused.
    PausedWebhooks,
    /// The history can grow.
    Partitions,
    /// The history is pruned.
    Retention,
    /// The rules for outgoing connections make sense.
    EgressRules,
    /// Browsers use HTTPS.
    PublicUrl,
    /// The certificate of the server is valid.
    TlsCertificate,
    /// Mails can be sent.
    Mail,
    /// The identity provider can be reached.
    SingleSignOn,
    /// Strict mode is on.
    StrictMode,
    /// Webhooks verify the certificates of their servers, as strict mode requires.
    WebhookVerification,
    /// API tokens expire, as strict mode requires.
    TokenExpiry,
    /// Authenticator apps use SHA-256, as strict mode requires.
    AuthenticatorApps,
    /// The audit log belongs to another role, as strict mode requires.
    DatabaseRole,
}

impl CheckId {
    /// All checks in their order.
    pub const ALL: [Self; 23] = [
        Self::Settings,
        Self::Database,
        Self::Migrations,
        Self::MasterKey,
        Self::Clock,
        Self::DiskSpace,
        Self::Instances,
        Self::Queue,
        Self::Failures,
        Self::CircuitBreakers,
        Self::PausedWebhooks,
        Self::Partitions,
        Self::Retention,
        Self::EgressRules,
        Self::PublicUrl,
        Self::TlsCertificate,
        Self::Mail,
        Self::SingleSignOn,
        Self::StrictMode,
        Self::WebhookVerification,
        Self::TokenExpiry,
        Self::AuthenticatorApps,
        Self::DatabaseRole,
    ];

    /// Whether the check is made only in strict mode.
    pub fn is_of_strict_mode(self) -> bool {
        self >= Self::StrictMode
    }

    /// The stable name, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Database => "database",
            Self::Migrations => "migrations",
            Self::MasterKey => "master_key",
            Self::Clock => "clock",
            Self::DiskSpace => "disk_space",
            Self::Instances => "instances",
            Self::Queue => "queue",
            Self::Failures => "failures",
            Self::CircuitBreakers => "circuit_breakers",
            Self::PausedWebhooks => "paused_webhooks",
            Self::Partitions => "partitions",
            Self::Retention => "retention",
            Self::EgressRules => "egress_rules",
            Self::PublicUrl => "public_url",
            Self::TlsCertificate => "tls_certificate",
            Self::Mail => "mail",
            Self::SingleSignOn => "single_sign_on",
            Self::StrictMode => "strict_mode",
            Self::WebhookVerification => "webhook_verification",
            Self::TokenExpiry => "token_expiry",
            Self::AuthenticatorApps => "authenticator_apps",
            Self::DatabaseRole => "database_role",
        }
    }

    /// The title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Settings => "Settings",
            Self::Database => "Database",
            Self::Migrations => "Migrations",
            Self::MasterKey => "Master key",
            Self::Clock => "Clock",
            Self::DiskSpace => "Disk space",
            Self::Instances => "Instances",
            Self::Queue => "Queue",
            Self::Failures => "Failed deliveries",
            Self::CircuitBreakers => "Circuit breakers",
            Self::PausedWebhooks => "Paused webhooks",
            Self::Partitions => "Partitions",
            Self::Retention => "Retention",
            Self::EgressRules => "Egress rules",
            Self::PublicUrl => "Public URL",
            Self::TlsCertificate => "TLS certificate",
            Self::Mail => "Mail",
            Self::SingleSignOn => "Single sign-on",
            Self::StrictMode => "Strict mode",
            Self::WebhookVerification => "TLS verification",
            Self::TokenExpiry => "Token expiry",
            Self::AuthenticatorApps => "Authenticator apps",
            Self::DatabaseRole => "Database role",
        }
    }

    /// Whether the result contains addresses or settings, which only administrators need.
    pub fn is_about_settings(self) -> bool {
        matches!(
            self,
            Self::Settings
                | Self::DiskSpace
                | Self::EgressRules
                | Self::PublicUrl
                | Self::TlsCertificate
                | Self::Mail
                | Self::SingleSignOn
                | Self::StrictMode
                | Self::TokenExpiry
                | Self::AuthenticatorApps
                | Self::DatabaseRole
        )
    }
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckState {
    /// Nothing to do.
    Ok,
    /// Something should be looked at.
    Warning,
    /// Something does not work.
    Problem,
}

impl CheckState {
    /// The stable name, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl fmt::Display for CheckState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Which check.
    pub id: CheckId,
    /// The result.
    pub state: CheckState,
    /// What was found, in sentences.
    pub found: String,
    /// How to fix it, in sentences. Empty if there is nothing to do.
    pub fix: String,
}

impl Check {
    pub(super) fn ok(id: CheckId, found: impl Into<String>) -> Self {
        Self { id, state: CheckState::Ok, found: found.into(), fix: String::new() }
    }

    pub(super) fn warning(id: CheckId, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { id, state: CheckState::Warning, found: found.into(), fix: fix.into() }
    }

    pub(super) fn problem(id: CheckId, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { id, state: CheckState::Problem, found: found.into(), fix: fix.into() }
    }

    /// The result of a check whose figures could not be read.
    pub(super) fn unread(id: CheckId, error: &Error) -> Self {
        tracing::warn!(check = id.as_str(), error = error.chain(), "could not make a check");
        let found = format!("This could not be checked: {error}.");
        Self::warning(id, found, "Try again. The server's log has details.")
    }
}
