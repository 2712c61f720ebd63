//! The check of the identity provider.

use super::check::{Check, CheckId};
use crate::oidc::{Oidc, OidcError};

/// Reads the provider's metadata, which are cached for an hour.
pub(super) async fn check(oidc: Option<&Oidc>, password_sign_in: bool) -> Check {
    let id = CheckId::SingleSignOn;
    let Some(oidc) = oidc else { return Check::ok(id, "Single sign-on is off.") };
    let (issuer, redirect) = (oidc.issuer(), oidc.redirect_url());
    let found = match oidc.check().await {
        Ok(()) => {
            let found = format!(
                "Users sign in with {issuer}. The redirect URI to register there is {redirect}."
            );
            return Check::ok(id, found);
        }
        Err(OidcError::Unavailable(why) | OidcError::Internal(why)) => {
            format!("The identity provider {issuer} cannot be used: {why}.")
        }
        Err(OidcError::Rejected(why)) => {
            let found = format!("Users cannot sign in with {issuer}: {why}.");
            let fix = "Let the identity provider sign ID tokens for Gatepost with ES256, EdDSA or PS256, and with RSA keys of at \
                       least 3072 bits.";
            return Check::problem(id, found, fix);
        }
    };
    let meanwhile = if password_sign_in {
        "Users with a password can sign in with it meanwhile."
    } else {
        "No user can sign in meanwhile, unless you set GATEPOST_PASSWORD_SIGN_IN to true and restart Gatepost."
    };
    let fix = format!(
        "Check GATEPOST_OIDC_ISSUER, the provider, and whether this machine can reach it. {meanwhile}"
    );
    Check::problem(id, found, fix)
}

/// Returns the check of an installation without passwords in which no administrator has used the provider.
pub(super) fn without_administrator(oidc: &Oidc) -> Check {
    let found = format!(
        "Password sign-in is off, but no active administrator has ever signed in with {}.",
        oidc.issuer()
    );
    let fix = "Sign in with an account to which GATEPOST_OIDC_ROLES gives the role admin. If there is none, set \
               GATEPOST_PASSWORD_SIGN_IN to true, and restart Gatepost.";
    Check::warning(CheckId::SingleSignOn, found, fix)
}
