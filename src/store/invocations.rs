//! Invocations of deliveries and tests.

use super::{Error, PgConnection, PgPool};
use crate::model::exchange::Exchange;
use crate::model::invocation::Invocation;
use crate::model::{DeliveryId, InvocationId, WebhookId};

fn corrupt(error: &dyn std::fmt::Display) -> Error {
    Error::Corrupt { table: "invocations", detail: error.to_string() }
}

/// Serializes an invocation for storage.
///
/// # Errors
/// If serialization fails.
pub fn to_record(invocation: &Invocation) -> Result<String, Error> {
    let Exchange { request, response, .. } = &invocation.exchange;
    let sent = request.body.as_ref().map_or(0, String::len);
    let received = response.as_ref().map_or(0, |response| response.body.len());
    // Quotes in the bodies are escaped, and everything else is short.
    let mut record = Vec::with_capacity(1536 + (sent + received) * 5 / 4);
    serde_json::to_writer(&mut record, invocation).map_err(|error| corrupt(&error))?;
    String::from_utf8(record).map_err(|error| corrupt(&error))
}

/// Stores an invocation.
pub async fn insert(db: &mut PgConnection, invocation: &Invocation) -> Result<(), Error> {
    sqlx::query!(
        "insert into invocations (id, delivery_id, webhook_id, record) values ($1, $2, $3, $4)",
        invocation.id.uuid(),
        invocation.delivery_id.map(DeliveryId::uuid),
        invocation.webhook_id.map(WebhookId::uuid),
        to_record(invocation)?
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns an invocation.
pub async fn find(db: &PgPool, id: InvocationId) -> Result<Option<Invocation>, Error> {
    let record = sqlx::query_scalar!("select record from invocations where id = $1", id.uuid())
        .fetch_optional(db)
        .await?;
    record.map(|record| serde_json::from_str(&record).map_err(|error| corrupt(&error))).transpose()
}

/// Returns the invocations of a delivery, oldest first.
pub async fn list_by_delivery(db: &PgPool, id: DeliveryId) -> Result<Vec<Invocation>, Error> {
    let records = sqlx::query_scalar!(
        "select record from invocations where delivery_id = $1 order by id limit 100",
        id.uuid()
    )
    .fetch_all(db)
    .await?;
    records
        .iter()
        .map(|record| serde_json::from_str(record).map_err(|error| corrupt(&error)))
        .collect()
}
