//! Actors: who does something, and where their request comes from.

use std::fmt;
use std::net::IpAddr;

use uuid::Uuid;

/// The user, token or command that changed or sent something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// Who it is.
    pub principal: Principal,
    /// Where the request comes from. Empty for commands, and for actors read from the database.
    pub origin: Origin,
}

/// A user, a token or a command, without the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Principal {
    /// A user, by email.
    Person(String),
    /// An API token, by name.
    Token(String),
    /// A command on the server, such as an import.
    CommandLine,
    /// Gatepost itself.
    Gatepost,
    /// The principal was not recorded.
    #[default]
    Unknown,
}

/// The HTTP request that an actor made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Origin {
    /// The address of the client.
    pub address: Option<IpAddr>,
    /// The id of the request, which the response contains as `x-request-id`.
    pub request_id: Option<Uuid>,
}

impl Actor {
    /// A command on the server.
    pub const COMMAND_LINE: Self = Self::without_origin(Principal::CommandLine);
    /// Gatepost itself.
    pub const GATEPOST: Self = Self::without_origin(Principal::Gatepost);
    /// An actor that was not recorded.
    pub const UNKNOWN: Self = Self::without_origin(Principal::Unknown);

    const fn without_origin(principal: Principal) -> Self {
        Self { principal, origin: Origin { address: None, request_id: None } }
    }

    /// A user who made a request.
    pub fn person(email: impl Into<String>, origin: Origin) -> Self {
        Self { principal: Principal::Person(email.into()), origin }
    }

    /// A token that was used for a request.
    pub fn token(name: impl Into<String>, origin: Origin) -> Self {
        Self { principal: Principal::Token(name.into()), origin }
    }

    /// Returns the kind and the name of the principal as stored in the database.
    pub fn parts(&self) -> (&'static str, &str) {
        self.principal.parts()
    }

    /// Creates an actor from its stored parts.
    pub fn from_parts(kind: &str, name: String) -> Self {
        Self::without_origin(Principal::from_parts(kind, name))
    }
}

impl Principal {
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

    /// Creates a principal from its stored parts. Kinds that a later version added are unknown.
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
        self.principal.fmt(f)
    }
}

impl fmt::Display for Principal {
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
