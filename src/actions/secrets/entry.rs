//! Entries of the audit log about secrets.

use crate::model::audit::AuditEntry;
use crate::model::secret::{AllowedHost, Secret};

/// Adds the hosts of a secret to an entry.
pub(super) fn with_limits(entry: AuditEntry, secret: &Secret) -> AuditEntry {
    let texts =
        |hosts: &[AllowedHost]| hosts.iter().map(ToString::to_string).collect::<Vec<String>>();
    let entry = entry.with("hosts", texts(&secret.limits.hosts));
    match &secret.limits.tokens {
        Some(tokens) => {
            entry.with("scopes", tokens.scopes.clone()).with("token_hosts", texts(&tokens.hosts))
        }
        None => entry,
    }
}
