//! Verifies and exports the audit log.

use crate::actions::Actions;
use crate::model::Actor;
use crate::model::audit::{
    AuditAction, AuditChain, AuditEntry, AuditFilter, AuditObject, ChainError, ChainVerifier,
    ExportFormat, RecordedEntry,
};
use crate::store::{self, audit};

/// Number of entries to read at once.
const PAGE_ENTRIES: i64 = 500;

/// A verified audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAudit {
    /// Number of entries.
    pub count: i64,
    /// Both ends of the chain.
    pub chain: AuditChain,
}

/// Why the audit log could not be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyAuditError {
    /// The chain is broken.
    #[error(transparent)]
    Broken(#[from] ChainError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Verifies that no entry of the audit log was changed, removed or moved.
    ///
    /// # Errors
    /// See [`VerifyAuditError`].
    pub async fn verify_audit(&self) -> Result<VerifiedAudit, VerifyAuditError> {
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        audit::freeze(&mut tx).await?;
        let chain = audit::chain(&mut tx).await?;
        let mut verifier = ChainVerifier::new(chain.clone());
        // From the very beginning, so that entries before the anchor are found too.
        let (all, mut after) = (AuditFilter::default(), 0);
        loop {
            let page = audit::list_after(&mut tx, &all, after, PAGE_ENTRIES).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for entry in &page {
                verifier.verify(entry)?;
            }
        }
        Ok(VerifiedAudit { count: verifier.finish()?, chain })
    }

    /// Records an export of the entries that match a filter, which are then read with [`Self::list_audit_page`].
    ///
    /// # Errors
    /// If the database failed.
    pub async fn start_audit_export(
        &self,
        format: ExportFormat,
        filter: &AuditFilter<'_>,
        actor: &Actor,
    ) -> Result<(), store::Error> {
        let mut entry = AuditEntry::new(AuditAction::AuditExported, AuditObject::default())
            .with("format", format.as_str());
        let texts = [("actor", filter.actor), ("action", filter.action), ("object", filter.object)];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            entry = entry.with(name, text);
        }
        for (name, time) in [("from", filter.from), ("until", filter.until)] {
            if let Some(time) = time {
                entry = entry.with(name, time.to_rfc3339());
            }
        }
        let mut tx = store::begin(&self.parts.db).await?;
        self.record(&mut tx, actor, [entry]).await?;
        Ok(tx.commit().await?)
    }

    /// Returns some entries that match a filter, oldest first, after this one. Empty at the end.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn list_audit_page(
        &self,
        filter: &AuditFilter<'_>,
        after: i64,
    ) -> Result<Vec<RecordedEntry>, store::Error> {
        let mut connection = self.parts.db.acquire().await?;
        audit::list_after(&mut connection, filter, after, PAGE_ENTRIES).await
    }
}
