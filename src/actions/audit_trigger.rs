//! Only users who may read the audit log decide where its entries are sent.

use crate::actions::{Actions, SaveWebhookError};
use crate::identity::{Permission, Role};
use crate::model::webhook::{Draft, Field, FieldErrors};
use crate::model::{Actor, Principal, Trigger};
use crate::store::{self, PgConnection, users};

impl Actions {
    /// Rejects the change of a webhook that has the trigger `Audit`, before or after, by anyone else.
    pub(super) async fn check_audit_trigger(
        &self,
        db: &mut PgConnection,
        actor: &Actor,
        drafts: [Option<&Draft>; 2],
    ) -> Result<(), SaveWebhookError> {
        let forwards =
            |draft: &Draft| draft.triggers.iter().any(|it| it == Trigger::Audit.as_str());
        if !drafts.into_iter().flatten().any(forwards) || may_read_audit_log(db, actor).await? {
            return Ok(());
        }
        let message = "Only administrators can save a webhook with the trigger Audit, which sends the audit log.";
        Err(SaveWebhookError::Invalid(FieldErrors::single(Field::Triggers, message)))
    }
}

async fn may_read_audit_log(db: &mut PgConnection, actor: &Actor) -> Result<bool, store::Error> {
    Ok(match &actor.principal {
        Principal::Person(email) => {
            let role = users::find_active_role(db, email).await?;
            role.is_some_and(|role| Role::from_stored(&role).allows(Permission::ReadAuditLog))
        }
        // A user of the server's shell can read the database anyway.
        Principal::CommandLine | Principal::Gatepost => true,
        Principal::Token(_) | Principal::Unknown => false,
    })
}
