//! Moves the secrets out of webhooks that an earlier version stored. That version stored each definition twice: with
//! masked secrets, and encrypted with its secrets.

use zeroize::Zeroizing;

use super::secrets;
use super::transaction::begin;
use super::webhooks::{corrupt, from_text, to_text};
use super::{Error, PgConnection, PgPool};
use crate::model::secret::{NewSecret, SecretChoices, SecretSet, move_credentials};
use crate::model::webhook::{Draft, FieldErrors, Rules, Webhook};
use crate::model::{Actor, SecretId, Sources, WebhookId};
use crate::vault::Vault;

/// Moves the secrets of all webhooks and of their histories, each webhook in its own transaction. Does nothing if that was
/// done before. A webhook that cannot be decrypted or read stays as it is, so that it does not stop all others.
///
/// # Errors
/// If the database failed.
pub async fn move_secrets(db: &PgPool, vault: &Vault, sources: &Sources) -> Result<(), Error> {
    let ids = sqlx::query_scalar!(
        r#"select id from webhooks where sealed <> ''
           union select webhook_id from webhook_revisions where sealed <> ''
           order by 1"#
    )
    .fetch_all(db)
    .await?;
    for id in ids.into_iter().flatten().map(WebhookId::from) {
        match move_webhook(db, vault, sources, id).await {
            Ok(()) => tracing::info!(webhook.id = %id, "moved the secrets of a webhook"),
            Err(error @ Error::Corrupt { .. }) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(webhook.id = %id, error, "could not move the secrets of a webhook");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn move_webhook(
    db: &PgPool,
    vault: &Vault,
    sources: &Sources,
    id: WebhookId,
) -> Result<(), Error> {
    let mut tx = begin(db).await?;
    move_current(&mut tx, vault, sources, id).await?;
    move_revisions(&mut tx, id).await?;
    tx.commit().await?;
    Ok(())
}

async fn move_current(
    db: &mut PgConnection,
    vault: &Vault,
    sources: &Sources,
    id: WebhookId,
) -> Result<(), Error> {
    let sealed =
        sqlx::query_scalar!("select sealed from webhooks where id = $1 for update", id.uuid())
            .fetch_one(&mut *db)
            .await?;
    // A deleted webhook has no secrets, and another instance may have moved those of any other one meanwhile.
    if sealed.is_empty() {
        return Ok(());
    }
    let place = format!("webhooks.sealed/{id}");
    let text =
        vault.open(&place, &sealed).map_err(|error| corrupt(&format!("{place}: {error}")))?;
    let text = Zeroizing::new(text);
    let draft = from_text(std::str::from_utf8(&text).map_err(|error| corrupt(&error))?)?;
    let (draft, new) = references(&draft).map_err(|errors| corrupt(&errors))?;
    let secret_names = Webhook::new(draft.clone(), &Rules::STORED).map_or_else(
        |_invalid| new.iter().map(|new| new.name.to_string()).collect(),
        |webhook| webhook.secret_names(),
    );
    sqlx::query!(
        "update webhooks set definition = $2, secret_names = $3, sealed = '' where id = $1",
        id.uuid(),
        to_text(&draft)?,
        &secret_names
    )
    .execute(&mut *db)
    .await?;
    for secret in &new {
        let place = (SecretId::new(sources), Some(id));
        let author = (&Actor::GATEPOST, sources.now());
        secrets::save(db, vault, place, secret, author).await?;
    }
    Ok(())
}

/// Replaces the masked secrets in the history by references. The old values are deleted.
async fn move_revisions(db: &mut PgConnection, id: WebhookId) -> Result<(), Error> {
    let rows = sqlx::query!(
        "select number, definition from webhook_revisions where webhook_id = $1",
        id.uuid()
    )
    .fetch_all(&mut *db)
    .await?;
    for row in rows {
        let (draft, _values) =
            references(&from_text(&row.definition)?).map_err(|errors| corrupt(&errors))?;
        sqlx::query!(
            "update webhook_revisions set definition = $3, sealed = '' where webhook_id = $1 and number = $2",
            id.uuid(),
            row.number,
            to_text(&draft)?
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

/// Returns a draft with references, and the secrets that they refer to.
fn references(draft: &Draft) -> Result<(Draft, Vec<NewSecret>), FieldErrors> {
    let moved = move_credentials(draft, &SecretSet::default(), &SecretChoices::new())?;
    Ok((moved.draft, moved.new))
}
