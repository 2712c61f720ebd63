//! The permissions of roles and of the scopes of tokens. Routes, navigation, buttons, the API and docs/security.md follow
//! this table.

use super::{Role, Scope};

/// Something that users or programs may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Use the account's own page and sign out.
    OwnAccount,
    /// End one's own sessions.
    OwnSessions,
    /// Turn one's own second factor on and off.
    OwnSecondFactor,
    /// Read everything except values of secrets, users and the audit log.
    Read,
    /// Add, change, test and delete webhooks.
    EditWebhooks,
    /// Send events manually, redeliver, cancel and replay.
    Send,
    /// Send events to the API.
    SendEvents,
    /// Add, change and delete secrets.
    ManageSecrets,
    /// Create and revoke API tokens.
    ManageTokens,
    /// Invite, change and delete users.
    ManageUsers,
    /// Read and export the audit log.
    ReadAuditLog,
    /// Choose where notifications are sent to.
    ManageNotifications,
    /// See addresses and settings of the servers.
    ReadSettings,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
struct Rule {
    description: &'static str,
    /// The least powerful role that has the permission. `None` if only tokens have it.
    role: Option<Role>,
    scopes: &'static [Scope],
    /// Whether a change requires that the user has entered the password recently.
    requires_recent_password: bool,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 13] = [
        Self::OwnAccount,
        Self::OwnSessions,
        Self::OwnSecondFactor,
        Self::Read,
        Self::EditWebhooks,
        Self::Send,
        Self::SendEvents,
        Self::ManageSecrets,
        Self::ManageTokens,
        Self::ManageUsers,
        Self::ReadAuditLog,
        Self::ManageNotifications,
        Self::ReadSettings,
    ];

    fn rule(self) -> Rule {
        let rule = |description, role, scopes| Rule {
            description,
            role,
            scopes,
            requires_recent_password: false,
        };
        let sensitive = |description| Rule {
            requires_recent_password: true,
            ..rule(description, Some(Role::Administrator), &[])
        };
        let own = |description| Rule {
            requires_recent_password: true,
            ..rule(description, Some(Role::Viewer), &[])
        };
        match self {
            Self::OwnAccount => {
                rule("Use your own account: password, theme, time zone", Some(Role::Viewer), &[])
            }
            Self::OwnSessions => own("End your own sessions"),
            Self::OwnSecondFactor => own("Turn your own two-factor authentication on and off"),
            Self::Read => rule(
                "Read webhooks, events, deliveries, invocations and the names of secrets",
                Some(Role::Viewer),
                &[Scope::Read, Scope::Manage],
            ),
            Self::EditWebhooks => rule(
                "Add, change, test and delete webhooks, and use secrets in them",
                Some(Role::Editor),
                &[],
            ),
            Self::Send => rule(
                "Send manually, send samples, redeliver, retry, cancel and replay",
                Some(Role::Editor),
                &[Scope::Manage],
            ),
            Self::SendEvents => rule("Send events to the API", None, &[Scope::Events]),
            Self::ManageSecrets => {
                sensitive("Add, change and delete secrets, and allow their hosts")
            }
            Self::ManageTokens => sensitive("Create and revoke API tokens"),
            Self::ManageUsers => sensitive("Invite, change, disable and delete users"),
            Self::ReadAuditLog => {
                rule("Read and export the audit log", Some(Role::Administrator), &[])
            }
            Self::ManageNotifications => {
                rule("Choose where notifications are sent to", Some(Role::Administrator), &[])
            }
            Self::ReadSettings => rule(
                "See addresses, settings and disk space of the servers on the page Status",
                Some(Role::Administrator),
                &[],
            ),
        }
    }

    /// Returns the least powerful role with this permission. `None` if only tokens have it.
    pub fn required_role(self) -> Option<Role> {
        self.rule().role
    }

    /// Returns whether changes require that the user has entered the password recently.
    pub fn requires_recent_password(self) -> bool {
        self.rule().requires_recent_password
    }

    /// Returns the scopes with this permission.
    pub fn scopes(self) -> &'static [Scope] {
        self.rule().scopes
    }

    /// Returns what the permission allows.
    pub fn description(self) -> &'static str {
        self.rule().description
    }
}

impl Role {
    /// Returns whether the role has a permission.
    pub fn allows(self, permission: Permission) -> bool {
        permission.required_role().is_some_and(|required| required <= self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the rows of the table in docs/security.md.
    fn documented() -> Vec<String> {
        let mark = |has: bool| if has { "yes" } else { "–" };
        Permission::ALL
            .into_iter()
            .map(|permission| {
                let roles = Role::ALL.map(|role| mark(role.allows(permission))).join(" | ");
                let scopes: Vec<_> = permission
                    .scopes()
                    .iter()
                    .map(|scope| format!("`{}`", scope.as_str()))
                    .collect();
                let scopes = if scopes.is_empty() { "–".to_owned() } else { scopes.join(", ") };
                format!("| {} | {roles} | {scopes} |", permission.description())
            })
            .collect()
    }

    #[test]
    fn the_table_is_documented() {
        let docs = include_str!("../../docs/security.md");
        let expected = documented().join("\n");
        assert!(docs.contains(&expected), "docs/security.md must contain:\n{expected}");
    }

    #[test]
    fn every_role_includes_the_ones_before() {
        for permission in Permission::ALL {
            let allowed = Role::ALL.map(|role| role.allows(permission));
            assert!(allowed.is_sorted(), "{permission:?}");
        }
    }

    #[test]
    fn a_viewer_changes_nothing_but_the_own_account() {
        let allowed = Permission::ALL.into_iter().filter(|one| Role::Viewer.allows(*one));
        assert_eq!(
            allowed.collect::<Vec<_>>(),
            [
                Permission::OwnAccount,
                Permission::OwnSessions,
                Permission::OwnSecondFactor,
                Permission::Read
            ]
        );
    }
}
