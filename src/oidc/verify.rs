//! Verifies ID tokens (OpenID Connect Core, section 3.1.3.7).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use openidconnect::core::{
    CoreIdTokenVerifier, CoreJsonWebKey, CoreJwsSigningAlgorithm as Algorithm,
};
use openidconnect::{ClaimsVerificationError, ClientId, Nonce, SignatureVerificationError};
use serde_json::Value;

use super::claims::{Token, TokenClaims};
use super::error::{Rejection, SkewedClock, chain, printable};
use super::metadata::Metadata;
use super::pending::{Pending, Purpose};
use crate::model::Timestamp;
use crate::model::security_policy::KeyPolicy;

/// Difference of the clocks that is tolerated.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(60);
/// Longest subject, in bytes (OpenID Connect Core, section 2).
const MAX_SUBJECT_BYTES: usize = 255;
/// Number of characters of a class of authentication that are shown.
const MAX_CLASS_CHARS: usize = 100;

/// Signatures with the padding of PKCS #1 v1.5, which strict mode does not accept.
const PKCS1_ALGORITHMS: [Algorithm; 3] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
];
/// Signatures that are always accepted. None of them is made with a secret that both sides know, and `none` is not accepted.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

/// Why a token was not accepted.
#[derive(Debug)]
pub(super) enum VerifyError {
    /// No known key has made the signature. The provider may have new keys.
    UnknownKey(Rejection),
    Rejected(Rejection),
}

fn algorithms(keys: KeyPolicy) -> impl Iterator<Item = Algorithm> {
    let pkcs1 = PKCS1_ALGORITHMS.into_iter().filter(move |_| !keys.require_pss);
    ALGORITHMS.into_iter().chain(pkcs1)
}

/// Checks that the provider supports a signature that is accepted.
///
/// # Errors
/// The algorithms of the provider, if none of them is.
pub(super) fn check_algorithms(metadata: &Metadata, keys: KeyPolicy) -> Result<(), Rejection> {
    let supported = metadata.id_token_signing_alg_values_supported();
    if !keys.require_pss || algorithms(keys).any(|accepted| supported.contains(&accepted)) {
        return Ok(());
    }
    let names: Vec<String> = supported.iter().map(name).collect();
    Err(Rejection::WeakSignature(names.join(", ")))
}

fn name(algorithm: &Algorithm) -> String {
    serde_json::to_value(algorithm)
        .ok()
        .and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Verifies signature, issuer, audience, nonce and times of a token. The client is its id, and what it requires of keys.
pub(super) fn verify(
    token: &Token,
    metadata: &Metadata,
    (client_id, policy): (&str, KeyPolicy),
    pending: &Pending,
    now: Timestamp,
) -> Result<TokenClaims, VerifyError> {
    check_algorithm(token, policy).map_err(VerifyError::Rejected)?;
    let client = ClientId::new(client_id.to_owned());
    let (issuer, keys) = (metadata.issuer().clone(), metadata.jwks().clone());
    // The client is not public, but this verifier never accepts the client secret as a key.
    let verifier = CoreIdTokenVerifier::new_public_client(client, issuer, keys)
        .set_allowed_algs(algorithms(policy))
        // Times are checked below, to tell by how much clocks differ.
        .set_time_fn(|| Timestamp::MIN_UTC)
        .set_issue_time_verifier_fn(|_| Ok(()));
    let claims = token
        .claims(&verifier, &Nonce::new(pending.nonce.clone()))
        .map_err(|error| classify(&error))?;
    // The same key as the library has used.
    let key = token.signing_key(&verifier);
    let key = key.map_err(|error| VerifyError::Rejected(Rejection::Token(chain(&error))))?;
    check_key(key, policy).map_err(VerifyError::Rejected)?;
    check_party(claims, client_id).map_err(VerifyError::Rejected)?;
    check_times(claims, pending, now).map_err(VerifyError::Rejected)?;
    Ok(claims.clone())
}

/// Rejects signatures that are accepted only without strict mode, with a more specific reason than the library's.
fn check_algorithm(token: &Token, policy: KeyPolicy) -> Result<(), Rejection> {
    match token.signing_alg() {
        Ok(found) if policy.require_pss && PKCS1_ALGORITHMS.contains(found) => {
            Err(Rejection::WeakSignature(name(found)))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Checks the length of an RSA key (RFC 7518, section 6.3.1.1). The library does not show it other than as JSON.
fn check_key(key: &CoreJsonWebKey, policy: KeyPolicy) -> Result<(), Rejection> {
    let value = serde_json::to_value(key).map_err(|error| Rejection::Token(error.to_string()))?;
    let Some(modulus) = value.get("n").and_then(Value::as_str) else { return Ok(()) };
    let modulus = URL_SAFE_NO_PAD.decode(modulus).unwrap_or_default();
    policy.check_rsa(&modulus).map_err(Rejection::WeakKey)
}

fn classify(error: &ClaimsVerificationError) -> VerifyError {
    let rejection = Rejection::Token(chain(error));
    let is_about_key = matches!(
        error,
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_)
        )
    );
    if is_about_key { VerifyError::UnknownKey(rejection) } else { VerifyError::Rejected(rejection) }
}

/// Checks to which application the token was issued, and about whom it is.
fn check_party(claims: &TokenClaims, client_id: &str) -> Result<(), Rejection> {
    if claims.authorized_party().is_some_and(|party| party.as_str() != client_id) {
        return Err(Rejection::Token("it was issued to another application".to_owned()));
    }
    let subject = claims.subject().as_str();
    if subject.is_empty() || subject.len() > MAX_SUBJECT_BYTES {
        return Err(Rejection::Token("it names no valid subject".to_owned()));
    }
    Ok(())
}

/// Checks how the user has signed in at the provider (OpenID Connect Core, section 2). Any class is enough if none is required.
pub(super) fn check_class(claims: &TokenClaims, required: &[String]) -> Result<(), Rejection> {
    let found = claims.auth_context_ref().map_or("", |class| class.as_str());
    if required.is_empty() || required.iter().any(|class| class == found) {
        return Ok(());
    }
    Err(Rejection::WeakAuthentication {
        found: printable(found, MAX_CLASS_CHARS),
        required: required.join(" or "),
    })
}

fn check_times(claims: &TokenClaims, pending: &Pending, now: Timestamp) -> Result<(), Rejection> {
    let skewed = |difference: TimeDelta| {
        // Rounded.
        let minutes = ((difference.num_seconds() + 30) / 60).max(1);
        Err(Rejection::Clock(SkewedClock { minutes }))
    };
    // The token was issued for this sign-in, so after it was started.
    let issued_at = claims.issue_time();
    if issued_at > now + CLOCK_TOLERANCE {
        return skewed(issued_at - now);
    }
    if issued_at < pending.started_at - CLOCK_TOLERANCE {
        return skewed(now - issued_at);
    }
    let other = claims.additional_claims().to_value();
    if let Some(not_before) = other.get("nbf").and_then(seconds)
        && not_before > now + CLOCK_TOLERANCE
    {
        return skewed(not_before - now);
    }
    if claims.expiration() <= now - CLOCK_TOLERANCE {
        return Err(Rejection::Token("it has expired".to_owned()));
    }
    let is_fresh = |at: Timestamp| at >= pending.started_at - CLOCK_TOLERANCE;
    if pending.purpose == Purpose::Confirm && !claims.auth_time().is_some_and(is_fresh) {
        return Err(Rejection::NotConfirmed);
    }
    Ok(())
}

/// Parses a time in seconds since 1970. A time out of range counts as the end of time.
fn seconds(value: &Value) -> Option<Timestamp> {
    let number = value.as_number()?;
    let whole = number.to_string().split(['.', 'e', 'E']).next()?.parse().unwrap_or(i64::MAX);
    Some(Timestamp::from_timestamp(whole, 0).unwrap_or(Timestamp::MAX_UTC))
}
