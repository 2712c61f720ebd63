//! The check of the identity provider.

use super::check::{Check, CheckId};
use crate::oidc::{Oidc, OidcError};

/// Reads the provider's metadata, which are cached for an hour.
pub(super) async fn check(oidc: Option<&Oidc>) -> Check {
    let id = CheckId::SingleSignOn;
    let Some(oidc) = oidc else { return Check::ok(id, "Single sign-on is off.") };
    let (issuer, redirect) = (oidc.issuer(), oidc.redirect_url());
    match oidc.check().await {
        Ok(()) => {
            let found = format!(
                "Users sign in with {issuer}. The redirect URI to register there is {redirect}."
            );
            Check::ok(id, found)
        }
        Err(OidcError::Unavailable(why) | OidcError::Internal(why)) => {
            problem(&format!("The identity provider {issuer} cannot be used: {why}."))
        }
        Err(OidcError::Rejected(why)) => {
            problem(&format!("The identity provider {issuer}: {why}."))
        }
    }
}

/// Returns the check of settings that cannot be used.
pub(super) fn problem(found: &str) -> Check {
    let fix = "Check GATEPOST_OIDC_ISSUER, the provider, and whether this machine can reach it. Users with a password can \
               sign in with it, unless GATEPOST_PASSWORD_SIGN_IN is false.";
    Check::problem(CheckId::SingleSignOn, found, fix)
}
