//! The check of the certificate with which the server serves HTTPS.

use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::TimeDelta;

use super::check::{Check, CheckId};
use crate::model::Timestamp;

/// Remaining time from which on the certificate should have been renewed.
const RENEWAL_PERIOD: TimeDelta = TimeDelta::days(14);

/// What the server knows about its certificate.
#[derive(Debug, Clone)]
pub struct CertificateState {
    /// When it starts to be valid.
    pub not_before: Timestamp,
    /// When it expires.
    pub not_after: Timestamp,
    /// Why the files that have changed since cannot be used; empty if they can.
    pub reload_error: String,
}

/// The state, which changes when the files are read again.
pub type SharedCertificate = Arc<ArcSwap<CertificateState>>;

impl CertificateState {
    /// Returns why clients reject the certificate. `None` if it is valid.
    pub fn problem(&self, now: Timestamp) -> Option<String> {
        if self.not_after <= now {
            Some(format!("The TLS certificate expired on {}.", date(self.not_after)))
        } else if now < self.not_before {
            Some(format!("The TLS certificate is not valid before {}.", date(self.not_before)))
        } else {
            None
        }
    }
}

/// Checks the certificate.
pub(super) fn check(state: &CertificateState, now: Timestamp) -> Check {
    let id = CheckId::TlsCertificate;
    let renew = "Renew the certificate. Gatepost reads the new files within 10 seconds.";
    let end = date(state.not_after);
    if let Some(problem) = state.problem(now) {
        let found = format!("{problem} Browsers and senders do not connect.");
        return Check::problem(id, found, renew);
    }
    if !state.reload_error.is_empty() {
        let found = format!(
            "The files of the TLS certificate have changed, but cannot be used: {}. The previous certificate is still served, \
             and is valid until {end}.",
            state.reload_error
        );
        return Check::warning(
            id,
            found,
            "Correct the files. With these, Gatepost does not start again.",
        );
    }
    if state.not_after - now <= RENEWAL_PERIOD {
        let days = (state.not_after - now).num_days();
        let plural = if days == 1 { "" } else { "s" };
        let found = format!("The TLS certificate expires in {days} day{plural}, on {end}.");
        return Check::warning(id, found, renew);
    }
    Check::ok(id, format!("The TLS certificate is valid until {end}."))
}

fn date(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::check::CheckState;
    use super::*;

    fn state(days: i64, reload_error: &str) -> CertificateState {
        CertificateState {
            not_before: Timestamp::UNIX_EPOCH,
            not_after: Timestamp::UNIX_EPOCH + TimeDelta::days(days),
            reload_error: reload_error.to_owned(),
        }
    }

    #[test]
    fn a_certificate_must_be_renewed_in_time() {
        let now = Timestamp::UNIX_EPOCH + TimeDelta::days(100);
        for (days, error, expected, words) in [
            (130, "", CheckState::Ok, "valid until 1970-05-11 00:00 UTC"),
            (114, "", CheckState::Warning, "expires in 14 days"),
            (101, "", CheckState::Warning, "expires in 1 day, on"),
            (100, "", CheckState::Problem, "expired on 1970-04-11"),
            (130, "no key", CheckState::Warning, "cannot be used: no key. The previous"),
            (99, "no key", CheckState::Problem, "expired"),
        ] {
            let check = check(&state(days, error), now);
            assert_eq!(check.state, expected, "{check:?}");
            assert!(check.found.contains(words), "{check:?}");
        }
        let early = check(&state(130, ""), Timestamp::UNIX_EPOCH - TimeDelta::days(1));
        assert_eq!(early.state, CheckState::Problem, "{early:?}");
    }
}
