//! Browser sessions, as a session store for tower-sessions.

use std::collections::HashMap;

use async_trait::async_trait;
use chrono::DateTime;
use sha2::{Digest, Sha256};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{self, Error};
use uuid::Uuid;

use super::PgPool;
use crate::model::Timestamp;

/// The key of the user id in a session's data.
pub const USER_ID: &str = "user_id";

/// Stores sessions in PostgreSQL.
#[derive(Debug, Clone)]
pub struct SessionStore(PgPool);

impl SessionStore {
    /// Creates a session store.
    pub fn new(db: PgPool) -> Self {
        Self(db)
    }
}

fn hash(id: Id) -> Vec<u8> {
    Sha256::digest(id.0.to_be_bytes()).to_vec()
}

fn backend(error: &sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}

fn expiry(record: &Record) -> Timestamp {
    let seconds = record.expiry_date.unix_timestamp();
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

#[async_trait]
impl session_store::SessionStore for SessionStore {
    async fn create(&self, record: &mut Record) -> Result<(), Error> {
        // Ids have 128 random bits. In case of a collision, no user must get another user's session.
        while self.load(&record.id).await?.is_some() {
            record.id = Id::default();
        }
        self.save(record).await
    }

    async fn save(&self, record: &Record) -> Result<(), Error> {
        let data = serde_json::to_string(&record.data).map_err(|e| Error::Encode(e.to_string()))?;
        let user: Option<Uuid> =
            record.data.get(USER_ID).and_then(|id| id.as_str()).and_then(|id| id.parse().ok());
        sqlx::query!(
            "insert into sessions (id, user_id, data, expires_at) values ($1, $2, $3, $4)
             on conflict (id) do update
                 set user_id = excluded.user_id, data = excluded.data, expires_at = excluded.expires_at",
            hash(record.id),
            user,
            data,
            expiry(record)
        )
        .execute(&self.0)
        .await
        .map_err(|error| backend(&error))?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>, Error> {
        let row = sqlx::query!(
            "select data, expires_at from sessions where id = $1 and expires_at > now()",
            hash(*id)
        )
        .fetch_optional(&self.0)
        .await
        .map_err(|error| backend(&error))?;
        let Some(row) = row else { return Ok(None) };
        let data: HashMap<String, serde_json::Value> =
            serde_json::from_str(&row.data).map_err(|e| Error::Decode(e.to_string()))?;
        let expiry_date = time::OffsetDateTime::from_unix_timestamp(row.expires_at.timestamp())
            .map_err(|e| Error::Decode(e.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<(), Error> {
        sqlx::query!("delete from sessions where id = $1", hash(*id))
            .execute(&self.0)
            .await
            .map_err(|error| backend(&error))?;
        Ok(())
    }
}

/// Deletes expired sessions.
pub async fn delete_expired(db: &PgPool, now: Timestamp) -> Result<(), super::Error> {
    sqlx::query!("delete from sessions where expires_at < $1", now).execute(db).await?;
    Ok(())
}
