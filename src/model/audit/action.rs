//! The actions that the audit log records.

macro_rules! actions {
    ($($variant:ident = $name:literal, $label:literal;)+) => {
        /// An action in the audit log.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum AuditAction {
            $(#[doc = $label] $variant,)+
        }

        impl AuditAction {
            /// All actions, in the order of the menu.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in the database and in exports.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The text on pages.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }
        }
    };
}

actions! {
    WebhookAdded = "webhook.added", "Webhook added";
    WebhookChanged = "webhook.changed", "Webhook changed";
    WebhookActivated = "webhook.activated", "Webhook activated";
    WebhookDeactivated = "webhook.deactivated", "Webhook deactivated";
    WebhookPaused = "webhook.paused", "Webhook paused";
    WebhookRestored = "webhook.restored", "Webhook restored";
    WebhookDeleted = "webhook.deleted", "Webhook deleted";
    WebhooksImported = "webhooks.imported", "Webhooks imported";
    WebhooksExported = "webhooks.exported", "Webhooks exported";
    SecretCreated = "secret.created", "Secret created";
    SecretChanged = "secret.changed", "Secret changed";
    SecretDeleted = "secret.deleted", "Secret deleted";
    SecretsReencrypted = "secrets.reencrypted", "Secrets re-encrypted";
    TokenCreated = "token.created", "Token created";
    TokenRevoked = "token.revoked", "Token revoked";
    EventSent = "event.sent", "Event sent manually";
    SampleStarted = "sample.started", "Sample started";
    SampleStopped = "sample.stopped", "Sample stopped";
    ReplayStarted = "replay.started", "Replay started";
    ReplayStopped = "replay.stopped", "Replay stopped";
    DeliveryRedelivered = "delivery.redelivered", "Delivery redelivered";
    DeliveryRetried = "delivery.retried", "Delivery retried";
    DeliveryCancelled = "delivery.cancelled", "Delivery cancelled";
    BulkActionStarted = "bulk_action.started", "Bulk action started";
    BulkActionStopped = "bulk_action.stopped", "Bulk action stopped";
    SignedIn = "sign_in.succeeded", "Signed in";
    SignInFailed = "sign_in.failed", "Sign-in failed";
    SignedOut = "sign_out", "Signed out";
    UserCreated = "user.created", "User created";
    UserInvited = "user.invited", "User invited";
    UserLinked = "user.linked", "Single sign-on linked";
    UserJoined = "user.joined", "Invitation accepted";
    UserRoleChanged = "user.role_changed", "Role changed";
    UserDisabled = "user.disabled", "User disabled";
    UserEnabled = "user.enabled", "User enabled";
    UserDeleted = "user.deleted", "User deleted";
    PasswordChanged = "user.password_changed", "Password changed";
    PasswordReset = "user.password_reset", "Password reset";
    SessionsEnded = "user.sessions_ended", "Sessions ended";
    SecondFactorEnabled = "second_factor.enabled", "Two-factor authentication enabled";
    SecondFactorDisabled = "second_factor.disabled", "Two-factor authentication disabled";
    SecondFactorReset = "second_factor.reset", "Two-factor authentication reset";
    SecondFactorFailed = "second_factor.failed", "Code rejected";
    SecondFactorRequired = "second_factor.required", "Required two-factor authentication changed";
    RecoveryCodeUsed = "recovery_code.used", "Recovery code used";
    RecoveryCodesRenewed = "recovery_codes.renewed", "Recovery codes renewed";
    NotificationsChanged = "notifications.changed", "Notifications changed";
    NotificationsTested = "notifications.tested", "Notifications tested";
    AuditExported = "audit.exported", "Audit log exported";
}

impl AuditAction {
    /// Parses a name. `None` for one that a later version added.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::from_name(action.as_str()), Some(*action));
        }
        assert_eq!(AuditAction::from_name("webhook.praised"), None);
    }
}
