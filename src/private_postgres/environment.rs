//! The environment of PostgreSQL's processes. They do not inherit Gatepost's, which can contain the master key and the
//! administrator's password: the account that runs PostgreSQL can read it.

use std::ffi::{OsStr, OsString};

use tokio::process::Command;

/// Environment of child processes.
#[derive(Debug, Clone, Default)]
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// An environment with these variables only.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// A command with this environment.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.0.iter().map(|(name, value)| (name, value)));
        command
    }
}
