//! Actors.

use std::fmt;

/// The user, token or command that changed or sent something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in user, by email.
    Person(String),
    /// An API token, by name.
    Token(String),
    /// A command on the server, such as an import.
    CommandLine,
    /// Gatepost itself.
    Gatepost,
    /// The actor was not recorded.
    #[default]
    Unknown,
}

impl Actor {
    /// Returns the kind and the name as stored in the database.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Person(email) => ("person", email),
            Self::Token(name) => ("token", name),
            Self::CommandLine => ("command_line", ""),
            Self::Gatepost => ("gatepost", ""),
            Self::Unknown => ("unknown", ""),
        }
    }

    /// Creates an actor from its stored parts. Kinds that a later version added are unknown.
    pub fn from_parts(kind: &str, name: String) -> Self {
        match kind {
            "person" => Self::Person(name),
            "token" => Self::Token(name),
            "command_line" => Self::CommandLine,
            "gatepost" => Self::Gatepost,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(email) => f.write_str(email),
            Self::Token(name) => write!(f, "the token {name}"),
            Self::CommandLine => f.write_str("the command line"),
            Self::Gatepost => f.write_str("Gatepost"),
            Self::Unknown => f.write_str("an unknown user"),
        }
    }
}
