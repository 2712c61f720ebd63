//! Finds or creates the user of an account, and updates the role.

use super::{METHOD, NoRole, SingleSignOnError, plausible_email, verified_email};
use crate::actions::Actions;
use crate::identity::Role;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::{Actor, Origin, UserId};
use crate::oidc::Identity;
use crate::store::users::{self, User, UserStatus};
use crate::store::{self, PgConnection, identities, user_changes};

impl Actions {
    /// Returns the user of an account of the identity provider, with the role that the claim gives, and the version of the
    /// user's sessions.
    pub(super) async fn link_user(
        &self,
        identity: &Identity,
        origin: Origin,
    ) -> Result<(User, i64), SingleSignOnError> {
        let role = match &identity.role {
            Ok(role) => *role,
            Err(why) => {
                self.end_sessions_of_account(identity).await?;
                return Err(SingleSignOnError::NoRole(Box::new(NoRole {
                    email: plausible_email(identity).unwrap_or_default().to_owned(),
                    subject: identity.subject.clone(),
                    why: why.clone(),
                })));
            }
        };
        let (issuer, subject) = (&identity.issuer, &identity.subject);
        let now = self.parts.sources.now();
        let mut entries = Vec::new();
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        identities::lock(&mut tx).await?;
        // In the same order as other changes of users.
        let administrators = user_changes::lock_administrators(&mut tx).await?;
        let found = identities::find_user(&mut tx, issuer, subject).await?;
        let mut user = match found {
            Some(found) if found.status == UserStatus::Disabled => {
                return Err(SingleSignOnError::Disabled(found.user.email));
            }
            Some(found) => found.user,
            None => self.add_account(&mut tx, identity, role, &mut entries).await?,
        };
        let is_last = administrators == [user.id] && role != Role::Administrator;
        if is_last {
            tracing::warn!(
                actor = user.email,
                role = role.as_str(),
                "kept the role of the last administrator, although the identity provider gives another one"
            );
        } else if user.role != role.as_str() {
            user_changes::update_role(&mut tx, user.id, role.as_str()).await?;
            let entry = entry(AuditAction::UserRoleChanged, &user).with("role", role.as_str());
            entries.push(entry.with("before", user.role.clone()));
            role.as_str().clone_into(&mut user.role);
        }
        users::record_sign_in(&mut tx, user.id, now).await?;
        identities::record_sign_in(&mut tx, issuer, subject, now).await?;
        entries.push(entry(AuditAction::SignedIn, &user));
        let actor = Actor::person(user.email.clone(), origin);
        self.record(&mut tx, &actor, entries).await?;
        let session_version = users::session_version(&mut tx, user.id).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok((user, session_version))
    }

    /// Ends the sessions of a user who has lost the role.
    async fn end_sessions_of_account(&self, identity: &Identity) -> Result<(), store::Error> {
        let db = &self.parts.db;
        let found = identities::find_user_id(db, &identity.issuer, &identity.subject).await?;
        let Some(id) = found else { return Ok(()) };
        if let Some(user) = users::find(db, id).await? {
            self.end_sessions(&user, None, &Actor::GATEPOST).await?;
        }
        Ok(())
    }

    /// Links a new account to the user with its email address, or to a new user.
    async fn add_account(
        &self,
        tx: &mut PgConnection,
        identity: &Identity,
        role: Role,
        entries: &mut Vec<AuditEntry>,
    ) -> Result<User, SingleSignOnError> {
        let email = verified_email(identity)?;
        let (sources, issuer) = (&self.parts.sources, &identity.issuer);
        let user = match identities::find_by_email(tx, email, issuer).await? {
            Some((found, _)) if found.status == UserStatus::Disabled => {
                return Err(SingleSignOnError::Disabled(found.user.email));
            }
            // The address belongs to another account now, whose owner may be another person.
            Some((found, true)) => return Err(SingleSignOnError::OtherAccount(found.user.email)),
            Some((found, false)) => {
                entries.push(
                    entry(AuditAction::UserLinked, &found.user).with("issuer", issuer.clone()),
                );
                found.user
            }
            None => {
                let (id, role) = (UserId::new(sources), role.as_str().to_owned());
                let user = User { id, email: email.to_owned(), role };
                users::insert(tx, &user, "", sources.now()).await?;
                let created = entry(AuditAction::UserCreated, &user);
                entries
                    .push(created.with("role", user.role.clone()).with("issuer", issuer.clone()));
                user
            }
        };
        identities::insert(tx, issuer, &identity.subject, user.id, sources.now()).await?;
        Ok(user)
    }
}

fn entry(action: AuditAction, user: &User) -> AuditEntry {
    AuditEntry::new(action, AuditObject::user(user.id, &user.email)).with("method", METHOD)
}
