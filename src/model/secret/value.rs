//! The value of a secret in memory.

use std::fmt;
use std::hash::{Hash, Hasher};

use secrecy::{ExposeSecret, SecretString};

/// The value of a secret. It is not printed, and erased from memory when it is dropped.
#[derive(Clone)]
pub struct SecretValue(SecretString);

impl SecretValue {
    /// The value.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for SecretValue {
    fn from(value: String) -> Self {
        Self(value.into())
    }
}

impl From<&str> for SecretValue {
    fn from(value: &str) -> Self {
        Self(value.into())
    }
}

impl From<SecretString> for SecretValue {
    fn from(value: SecretString) -> Self {
        Self(value)
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue([redacted])")
    }
}

impl PartialEq for SecretValue {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for SecretValue {}

impl Hash for SecretValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}
