//! Security requirements that the operator can raise. No module reads the switch of strict mode: each gets the values that it
//! compares with.

/// The requirements of an installation. The defaults are those without strict mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SecurityPolicy {
    /// Whether browsers must use HTTPS for subdomains of the public host, too.
    pub https_subdomains: bool,
}

impl SecurityPolicy {
    /// What strict mode requires.
    pub const STRICT: Self = Self { https_subdomains: true };

    /// Whether strict mode is on.
    pub fn is_strict(&self) -> bool {
        *self == Self::STRICT
    }
}
