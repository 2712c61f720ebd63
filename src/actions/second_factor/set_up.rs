//! Sets up a second factor. Until a code confirms it, the secret is only on the page, encrypted.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::replace_recovery_codes;
use crate::actions::Actions;
use crate::identity::{EnteredCode, FactorSecret, RecoveryCode};
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::security_policy::CodeHash;
use crate::model::{Actor, Timestamp, UserId};
use crate::store::second_factors::StoredSecret;
use crate::store::sessions::{self, SessionId};
use crate::store::users::User;
use crate::store::{self, second_factors, user_changes};

/// How long a proposed secret can be confirmed.
const PROPOSAL_VALIDITY: Duration = Duration::from_hours(1);
const TIME_BYTES: usize = 8;
/// Length of the name of a hash, which is followed by spaces, in bytes.
const HASH_BYTES: usize = 8;

/// A secret for the user's app.
#[derive(Debug)]
pub struct ProposedFactor {
    /// The encrypted secret, for the form that confirms it.
    pub sealed: String,
    /// The secret in base 32.
    pub secret: Zeroizing<String>,
    /// The link that sets up an app, for a QR code.
    pub link: Zeroizing<String>,
    /// The hash that the app must support.
    pub hash: CodeHash,
}

/// Why a second factor was not enabled.
#[derive(Debug, thiserror::Error)]
pub enum EnableSecondFactorError {
    /// The code does not belong to the secret.
    #[error("the code is wrong")]
    Wrong,
    /// The secret was proposed too long ago, or to another user.
    #[error("the page has expired")]
    Expired,
    /// The user has a second factor.
    #[error("the user has a second factor")]
    AlreadyOn,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Proposes a new secret to a user. Nothing is stored.
    ///
    /// # Errors
    /// If the secret cannot be encrypted.
    pub fn propose_second_factor(&self, user: &User) -> Result<ProposedFactor, store::Error> {
        let parts = &self.parts;
        let secret = FactorSecret::new(parts.policy.codes.hash, &parts.sources);
        let end = parts.sources.now() + PROPOSAL_VALIDITY;
        let hash = format!("{:<HASH_BYTES$}", secret.hash().as_str());
        let end = end.timestamp().to_be_bytes();
        let bytes = Zeroizing::new([&end[..], hash.as_bytes(), &secret.to_bytes()].concat());
        let sealed = parts.vault.seal(&place(user.id), &bytes);
        let sealed = sealed.map_err(|error| unusable(&error.to_string()))?;
        proposed(&secret, user, URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Returns a proposal again, to show it after a wrong code. `None` if it has expired, or is for another user.
    ///
    /// # Errors
    /// If the secret cannot be shown.
    pub fn read_proposal(
        &self,
        user: &User,
        sealed: &str,
    ) -> Result<Option<ProposedFactor>, store::Error> {
        match self.open_proposal(user.id, sealed) {
            Some(secret) => Ok(Some(proposed(&secret, user, sealed.to_owned())?)),
            None => Ok(None),
        }
    }

    /// Enables the second factor of a user who enters a code of the proposed secret, and ends the user's other sessions,
    /// which started without it. Returns the recovery codes, which are shown once.
    ///
    /// # Errors
    /// See [`EnableSecondFactorError`].
    pub async fn enable_second_factor(
        &self,
        user: &User,
        sealed: &str,
        code: &str,
        session: SessionId,
        actor: &Actor,
    ) -> Result<Vec<RecoveryCode>, EnableSecondFactorError> {
        let parts = &self.parts;
        let now = parts.sources.now();
        let secret = self.open_proposal(user.id, sealed).ok_or(EnableSecondFactorError::Expired)?;
        let step = match EnteredCode::parse(code) {
            Some(EnteredCode::App(digits)) => {
                secret.step_of(&digits, now, parts.policy.codes.tolerance_steps)
            }
            _ => None,
        };
        let step = step.ok_or(EnableSecondFactorError::Wrong)?;
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        // New sessions of the user wait, because they refer to this row.
        user_changes::find_for_update(&mut tx, user.id).await?;
        let stored = StoredSecret { hash: secret.hash(), bytes: secret.to_bytes() };
        let inserted =
            second_factors::insert(&mut tx, &parts.vault, (user.id, &stored), step, now).await;
        inserted.map_err(|error| match error {
            error if error.is_conflict("second_factors_pkey") => EnableSecondFactorError::AlreadyOn,
            error => error.into(),
        })?;
        let codes = replace_recovery_codes(&mut tx, user.id, &secret, &parts.sources).await?;
        sessions::delete_of_user(&mut tx, user.id, Some(session)).await?;
        let object = AuditObject::user(user.id, &user.email);
        let entry = AuditEntry::new(AuditAction::SecondFactorEnabled, object);
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(codes)
    }

    fn open_proposal(&self, user: UserId, sealed: &str) -> Option<FactorSecret> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let bytes = Zeroizing::new(self.parts.vault.open(&place(user), &sealed).ok()?);
        let (end, rest) = bytes.split_first_chunk::<TIME_BYTES>()?;
        let (hash, secret) = rest.split_first_chunk::<HASH_BYTES>()?;
        let hash = std::str::from_utf8(hash).ok()?.trim_end().parse().ok()?;
        let end = Timestamp::from_timestamp(i64::from_be_bytes(*end), 0)?;
        if self.parts.sources.now() >= end {
            return None;
        }
        FactorSecret::from_bytes(hash, secret)
    }
}

fn place(user: UserId) -> String {
    format!("second_factor.proposal/{user}")
}

fn proposed(
    secret: &FactorSecret,
    user: &User,
    sealed: String,
) -> Result<ProposedFactor, store::Error> {
    let link = secret.link(&user.email).ok_or_else(|| unusable("it has no link"))?;
    let (base32, hash) = (secret.base32().into(), secret.hash());
    Ok(ProposedFactor { sealed, secret: base32, link: link.into(), hash })
}

fn unusable(detail: &str) -> store::Error {
    let detail = format!("a new secret cannot be used: {detail}");
    store::Error::Corrupt { table: "second_factors", detail }
}
