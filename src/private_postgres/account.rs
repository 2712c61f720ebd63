//! Account that PostgreSQL runs under. PostgreSQL refuses to run as root, so root needs an unprivileged one.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use nix::unistd::{Uid, User, geteuid};
use tokio::process::Command;

use super::PrivateError;

/// System accounts that may exist, in order of preference.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Account that PostgreSQL runs under.
#[derive(Debug)]
pub(super) struct Account {
    /// `None` for the current account.
    other: Option<Other>,
}

#[derive(Debug)]
struct Other {
    uid: u32,
    gid: u32,
    name: String,
}

impl Account {
    /// Chooses the current account. For root, which PostgreSQL refuses, it is the owner of an existing cluster (the
    /// server may have run under that account before) or else the first of [`CANDIDATES`] that exists.
    pub(super) fn choose(cluster: &Path) -> Result<Self, PrivateError> {
        if !geteuid().is_root() {
            return Ok(Self { other: None });
        }
        if let Ok(found) = fs::metadata(cluster)
            && found.uid() != 0
        {
            let name = match User::from_uid(Uid::from_raw(found.uid())) {
                Ok(Some(user)) => user.name,
                _ => found.uid().to_string(),
            };
            return Ok(Self { other: Some(Other { uid: found.uid(), gid: found.gid(), name }) });
        }
        for name in CANDIDATES {
            if let Ok(Some(user)) = User::from_name(name) {
                let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
                return Ok(Self { other: Some(Other { uid, gid, name: user.name }) });
            }
        }
        Err(PrivateError::new(
            "PostgreSQL does not run as root, and neither of the accounts postgres and nobody exists. Run \
             Gatepost as another user, or set DATABASE_URL",
        ))
    }

    /// Makes a command run under this account.
    pub(super) fn apply(&self, command: &mut Command) {
        if let Some(other) = &self.other {
            command.uid(other.uid).gid(other.gid);
        }
    }

    /// Whether the account can enter a directory. It is tried, because access also depends on the directories above
    /// and on access control lists.
    pub(super) async fn can_enter(&self, directory: &Path) -> Result<bool, PrivateError> {
        if self.other.is_none() {
            return Ok(true);
        }
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "cd \"$1\"", "sh"]).arg(directory);
        self.apply(&mut command);
        let output = command.env_clear().current_dir("/").stdin(Stdio::null()).output().await;
        let output = output.map_err(PrivateError::io("cannot run", Path::new("/bin/sh")))?;
        Ok(output.status.success())
    }

    /// User and group of the account; `None` for the current account.
    pub(super) fn ids(&self) -> Option<(u32, u32)> {
        self.other.as_ref().map(|other| (other.uid, other.gid))
    }

    /// Name of the account for messages; `None` for the current account.
    pub(super) fn name(&self) -> Option<&str> {
        self.other.as_ref().map(|other| other.name.as_str())
    }
}
