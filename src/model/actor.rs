//! Who has done something.

use std::fmt;

/// Who has changed or sent something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who signed in, by their email.
    Person(String),
    /// A program, by its token's name.
    Token(String),
    /// A command on the server, such as an import.
    CommandLine,
    /// Gatepost itself.
    Gatepost,
    /// It was not noted.
    #[default]
    Unknown,
}

impl Actor {
    /// The kind's word in the database, and the name that goes with it.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Person(email) => ("person", email),
            Self::Token(name) => ("token", name),
            Self::CommandLine => ("command_line", ""),
            Self::Gatepost => ("gatepost", ""),
            Self::Unknown => ("unknown", ""),
        }
    }

    /// From its parts. A kind of a later version is unknown here.
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
            Self::Unknown => f.write_str("somebody unknown"),
        }
    }
}
