//! Records changes in the audit log.

use crate::actions::Actions;
use crate::model::Actor;
use crate::model::audit::AuditEntry;
use crate::store::{PgConnection, audit};

impl Actions {
    /// Records entries in the transaction of the change. Must be its last statement, see [`audit::append`].
    pub(super) async fn record(
        &self,
        db: &mut PgConnection,
        actor: &Actor,
        entries: impl IntoIterator<Item = AuditEntry>,
    ) -> Result<(), crate::store::Error> {
        let entries: Vec<AuditEntry> = entries.into_iter().collect();
        audit::append(db, actor, self.parts.sources.now(), &entries).await
    }
}
