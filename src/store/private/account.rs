//! Whom PostgreSQL runs as. It refuses to run as root, so there it gets an unprivileged account.

use std::path::Path;

use nix::unistd::{User, geteuid};
use tokio::process::Command;

use super::PrivateError;

/// Accounts that may exist, the best first.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Whom PostgreSQL runs as.
#[derive(Debug)]
pub(super) struct Account {
    /// None: as whoever runs Gatepost.
    other: Option<User>,
}

impl Account {
    /// Our own account, unless that is root.
    pub(super) fn choose() -> Result<Self, PrivateError> {
        if !geteuid().is_root() {
            return Ok(Self { other: None });
        }
        for name in CANDIDATES {
            if let Ok(Some(user)) = User::from_name(name) {
                return Ok(Self { other: Some(user) });
            }
        }
        Err(PrivateError::new(
            "PostgreSQL does not run as root, and there is no account postgres or nobody to run it as: \
             run Gatepost as another user, or set DATABASE_URL",
        ))
    }

    /// Makes a command run as this account.
    pub(super) fn apply(&self, command: &mut Command) {
        if let Some(user) = &self.other {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
    }

    /// Gives a path to this account.
    pub(super) fn own(&self, path: &Path) -> Result<(), PrivateError> {
        let Some(user) = &self.other else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .map_err(PrivateError::io("cannot give the account its directory", path))
    }

    /// The account's name, for messages; none where it is our own.
    pub(super) fn name(&self) -> Option<&str> {
        self.other.as_ref().map(|user| user.name.as_str())
    }
}
