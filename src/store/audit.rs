//! The audit log. Entries are only added; the database rejects changes.

use super::{Error, PgConnection, PgPool};
use crate::model::audit::{AuditChain, AuditEntry, AuditFilter, AuditObject, RecordedEntry};
use crate::model::{Actor, Timestamp};

/// Appends entries in the transaction of the change that they describe.
///
/// This must be the last statement of the transaction. Other transactions that append entries wait until it ends, and one
/// that then waited for their locks would never end.
pub async fn append(
    db: &mut PgConnection,
    actor: &Actor,
    now: Timestamp,
    entries: &[AuditEntry],
) -> Result<(), Error> {
    let (kind, name) = actor.parts();
    let address = actor.origin.address.map(|address| address.to_string()).unwrap_or_default();
    let request_id = actor.origin.request_id.map(|id| id.to_string()).unwrap_or_default();
    for entry in entries {
        let detail = serde_json::to_string(&entry.detail)
            .map_err(|error| Error::Corrupt { table: "audit_log", detail: error.to_string() })?;
        sqlx::query!(
            "select audit_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            now,
            kind,
            name,
            address,
            request_id,
            entry.action.as_str(),
            entry.object.kind,
            entry.object.id,
            entry.object.name,
            detail
        )
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

struct Row {
    seq: i64,
    at: Timestamp,
    actor_kind: String,
    actor_name: String,
    address: String,
    request_id: String,
    action: String,
    object_kind: String,
    object_id: String,
    object_name: String,
    detail: String,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl From<Row> for RecordedEntry {
    fn from(row: Row) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            actor_kind: row.actor_kind,
            actor_name: row.actor_name,
            address: row.address,
            request_id: row.request_id,
            action: row.action,
            object: AuditObject { kind: row.object_kind, id: row.object_id, name: row.object_name },
            detail: row.detail,
            previous_hash: row.previous_hash,
            hash: row.hash,
        }
    }
}

/// Returns the entries that match a filter, newest first, that are older than `before`.
pub async fn list(
    db: &PgPool,
    filter: &AuditFilter<'_>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<RecordedEntry>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select seq, at, actor_kind, actor_name, address, request_id, action, object_kind, object_id, object_name, detail,
                previous_hash, hash
         from audit_log
         where ($1::bigint is null or seq < $1)
           and ($2 = '' or position(lower($2) in lower(actor_name || ' ' || replace(actor_kind, '_', ' '))) > 0)
           and ($3 = '' or action = $3)
           and ($4 = '' or object_id = lower($4)
                or position(lower($4) in lower(object_name || ' ' || replace(object_kind, '_', ' '))) > 0)
           and ($5::timestamptz is null or at >= $5) and ($6::timestamptz is null or at < $6)
         order by seq desc limit $7",
        before,
        filter.actor,
        filter.action,
        filter.object,
        filter.from,
        filter.until,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(RecordedEntry::from).collect())
}

/// Returns the entries that match a filter, oldest first, after this one.
pub async fn list_after(
    db: &mut PgConnection,
    filter: &AuditFilter<'_>,
    after: i64,
    limit: i64,
) -> Result<Vec<RecordedEntry>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select seq, at, actor_kind, actor_name, address, request_id, action, object_kind, object_id, object_name, detail,
                previous_hash, hash
         from audit_log
         where seq > $1
           and ($2 = '' or position(lower($2) in lower(actor_name || ' ' || replace(actor_kind, '_', ' '))) > 0)
           and ($3 = '' or action = $3)
           and ($4 = '' or object_id = lower($4)
                or position(lower($4) in lower(object_name || ' ' || replace(object_kind, '_', ' '))) > 0)
           and ($5::timestamptz is null or at >= $5) and ($6::timestamptz is null or at < $6)
         order by seq limit $7",
        after,
        filter.actor,
        filter.action,
        filter.object,
        filter.from,
        filter.until,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(RecordedEntry::from).collect())
}

/// Returns an entry.
pub async fn find(db: &PgPool, seq: i64) -> Result<Option<RecordedEntry>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select seq, at, actor_kind, actor_name, address, request_id, action, object_kind, object_id, object_name, detail,
                previous_hash, hash
         from audit_log where seq = $1",
        seq
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(RecordedEntry::from))
}

/// Makes all statements of a transaction see the same entries. Must be its first statement.
pub async fn freeze(db: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("set transaction isolation level repeatable read, read only").execute(db).await?;
    Ok(())
}

/// Returns both ends of the chain.
pub async fn chain(db: &mut PgConnection) -> Result<AuditChain, Error> {
    let chain = sqlx::query_as!(
        AuditChain,
        "select anchor_seq, anchor_hash, pruned_at, head_seq, head_hash from audit_chain"
    )
    .fetch_one(db)
    .await?;
    Ok(chain)
}

/// Deletes the oldest entries, up to the first that is not older than `before`. The database keeps the last 30 days in any
/// case. Returns the number of deleted entries.
pub async fn prune(db: &PgPool, before: Timestamp) -> Result<i64, Error> {
    let count =
        sqlx::query_scalar!(r#"select audit_prune($1) as "count!""#, before).fetch_one(db).await?;
    Ok(count)
}
