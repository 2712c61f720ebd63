//! Roles of users.

use std::fmt;
use std::str::FromStr;

/// What a user is allowed to do. Each role includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads.
    Viewer,
    /// Changes webhooks and sends.
    Editor,
    /// Manages users, secrets and tokens.
    Administrator,
}

impl Role {
    /// All roles, from the least to the most powerful.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Editor, Self::Administrator];

    /// Returns the role as stored and as an argument of commands.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Administrator => "admin",
        }
    }

    /// Returns the role as displayed.
    pub fn label(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Editor => "Editor",
            Self::Administrator => "Administrator",
        }
    }

    /// Returns what the role allows, as displayed.
    pub fn description(self) -> &'static str {
        match self {
            Self::Viewer => "Reads webhooks, events and deliveries",
            Self::Editor => "Also changes webhooks, sends and redelivers",
            Self::Administrator => "Also manages users, secrets and API tokens",
        }
    }

    /// Returns a stored role. One that a later version added allows as little as possible.
    pub fn from_stored(word: &str) -> Self {
        word.parse().unwrap_or(Self::Viewer)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label().to_lowercase())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == word)
            .ok_or_else(|| format!("unknown role \"{word}\"; use admin, editor or viewer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_stored_role_is_read_again() {
        for role in Role::ALL {
            assert_eq!(Role::from_stored(role.as_str()), role);
        }
    }

    proptest! {
        #[test]
        fn an_unknown_role_only_reads(word in ".*") {
            prop_assume!(!Role::ALL.iter().any(|role| role.as_str() == word));
            prop_assert_eq!(Role::from_stored(&word), Role::Viewer);
            prop_assert!(word.parse::<Role>().is_err());
        }
    }
}
