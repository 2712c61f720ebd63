//! Checks that are made only in strict mode: what was created without it, and the role of the database.

use super::check::{Check, CheckId};
use super::settings::Settings;
use crate::model::SecurityPolicy;
use crate::model::security_policy::CodeHash;
use crate::store::status::{self, DatabaseRole, Named};
use crate::store::{Error, PgPool, second_factors};

/// The check that says that strict mode is on. `None` if it is off.
pub(super) fn check_mode(policy: SecurityPolicy) -> Option<Check> {
    policy.is_strict().then(|| Check::ok(CheckId::StrictMode, "Strict mode is on."))
}

/// Makes the checks of strict mode that read the database. There are none without it.
pub(super) async fn checks(db: &PgPool, settings: &Settings) -> Vec<Check> {
    let policy = settings.policy;
    let mut checks = Vec::new();
    if policy.verified_targets {
        let read = status::unverified_webhooks(db).await;
        checks.push(judge(CheckId::WebhookVerification, read, check_webhooks));
    }
    if let Some(days) = policy.max_token_days {
        let read = status::lasting_tokens(db, days).await;
        checks.push(judge(CheckId::TokenExpiry, read, |found| check_tokens(found, days)));
    }
    if policy.codes.hash != CodeHash::Sha1 {
        let read = second_factors::count_with_hash(db, CodeHash::Sha1).await;
        checks.push(judge(CheckId::AuthenticatorApps, read, |count| check_apps(*count)));
    }
    if policy.separate_role {
        let read = status::database_role(db).await;
        let is_private = settings.private_data_dir.is_some();
        checks.push(judge(CheckId::DatabaseRole, read, |role| check_role(role, is_private)));
    }
    checks
}

fn judge<T>(id: CheckId, read: Result<T, Error>, check: impl FnOnce(&T) -> Check) -> Check {
    match read {
        Ok(found) => check(&found),
        Err(error) => Check::unread(id, &error),
    }
}

fn check_webhooks(webhooks: &Named) -> Check {
    let id = CheckId::WebhookVerification;
    let subject = match webhooks.count {
        0 => return Check::ok(id, "All webhooks verify the certificates of their servers."),
        1 => "1 webhook verifies".to_owned(),
        count => format!("{count} webhooks verify"),
    };
    let found = format!(
        "{subject} no certificate, which strict mode requires, so nothing is sent: {}.",
        list(webhooks)
    );
    let fix = "In the form of each webhook, pin the certificate of the server, or enter its authority. Deliveries that wait are \
               sent then.";
    Check::problem(id, found, fix)
}

fn check_tokens(tokens: &Named, max_days: u16) -> Check {
    let id = CheckId::TokenExpiry;
    let subject = match tokens.count {
        0 => return Check::ok(id, format!("All API tokens expire after at most {max_days} days.")),
        1 => "1 API token does".to_owned(),
        count => format!("{count} API tokens do"),
    };
    let found = format!(
        "{subject} not expire after at most {max_days} days, which strict mode requires: {}.",
        list(tokens)
    );
    let fix = "Create a token that expires for each of their senders, and then revoke them.";
    Check::warning(id, found, fix)
}

fn check_apps(with_sha1: i64) -> Check {
    let id = CheckId::AuthenticatorApps;
    let subject = match with_sha1 {
        0 => return Check::ok(id, "All authenticator apps use SHA-256."),
        1 => "The authenticator app of 1 user uses".to_owned(),
        count => format!("The authenticator apps of {count} users use"),
    };
    let found = format!("{subject} SHA-1, as all do that are set up without strict mode.");
    let fix = "Ask the users to set up two-factor authentication again on the page Account.";
    Check::warning(id, found, fix)
}

fn check_role(role: &DatabaseRole, is_private: bool) -> Check {
    let id = CheckId::DatabaseRole;
    let name = &role.name;
    if !role.owns_audit_log && !role.owns_database {
        return Check::ok(
            id,
            format!("The audit log does not belong to the role {name} of the server."),
        );
    }
    let object = if role.owns_audit_log { "audit log" } else { "database" };
    let found = format!(
        "The {object} belongs to the role {name} of the server, which could therefore change entries of the audit log."
    );
    if is_private {
        let fix = "This cannot be changed in a private PostgreSQL. Set DATABASE_URL to your own, and give the audit log to another \
                   role, see Audit log in docs/security.md.";
        return Check::warning(id, found, fix);
    }
    let fix = "Give the audit log to another role that also owns the database, see Audit log in docs/security.md.";
    Check::problem(id, found, fix)
}

/// Returns the first names, and how many there are besides.
fn list(named: &Named) -> String {
    let first = named.first.join(", ");
    let shown = i64::try_from(named.first.len()).unwrap_or(i64::MAX);
    match named.count - shown {
        ..=0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::CheckState;
    use super::*;

    fn named(count: i64, first: &[&str]) -> Named {
        Named { count, first: first.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn what_contradicts_strict_mode_is_counted_and_named() {
        for (check, state, part) in [
            (check_webhooks(&named(0, &[])), CheckState::Ok, "All webhooks verify"),
            (
                check_webhooks(&named(1, &["A"])),
                CheckState::Problem,
                "1 webhook verifies no certificate, which strict mode requires, so nothing is sent: A.",
            ),
            (
                check_webhooks(&named(5, &["A", "B"])),
                CheckState::Problem,
                "5 webhooks verify no certificate, which strict mode requires, so nothing is sent: A, B and 3 more.",
            ),
            (check_tokens(&named(0, &[]), 365), CheckState::Ok, "at most 365 days"),
            (
                check_tokens(&named(1, &["Apono"]), 365),
                CheckState::Warning,
                "1 API token does not expire after at most 365 days, which strict mode requires: Apono.",
            ),
            (check_apps(0), CheckState::Ok, "SHA-256"),
            (check_apps(1), CheckState::Warning, "The authenticator app of 1 user uses SHA-1"),
            (check_apps(2), CheckState::Warning, "The authenticator apps of 2 users use SHA-1"),
        ] {
            assert_eq!(check.state, state, "{check:?}");
            assert!(check.found.contains(part), "{check:?}");
            assert_eq!(check.fix.is_empty(), state == CheckState::Ok, "{check:?}");
        }
    }

    #[test]
    fn the_role_of_the_server_owns_neither_audit_log_nor_database() {
        for (owns_audit_log, owns_database, is_private, state) in [
            (false, false, false, CheckState::Ok),
            (true, true, false, CheckState::Problem),
            (true, false, false, CheckState::Problem),
            (false, true, false, CheckState::Problem),
            (true, true, true, CheckState::Warning),
        ] {
            let role = DatabaseRole { name: "gatepost".to_owned(), owns_audit_log, owns_database };
            let check = check_role(&role, is_private);
            assert_eq!(check.state, state, "{check:?}");
            assert_eq!(check.fix.is_empty(), state == CheckState::Ok, "{check:?}");
        }
    }

    #[test]
    fn the_mode_is_shown_only_if_it_is_on() {
        assert_eq!(check_mode(SecurityPolicy::default()), None);
        let check = check_mode(SecurityPolicy::STRICT).unwrap();
        assert_eq!((check.state, check.found.as_str()), (CheckState::Ok, "Strict mode is on."));
    }
}
