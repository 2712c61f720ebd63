//! Security requirements that the operator can raise. No module reads the switch of strict mode: each gets the values that it
//! compares with.

use strum::{EnumString, IntoStaticStr};

/// The requirements of an installation. The defaults are those without strict mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SecurityPolicy {
    /// Whether browsers must use HTTPS for subdomains of the public host, too.
    pub https_subdomains: bool,
    /// Which users must have a second factor.
    pub second_factor: SecondFactorRequirement,
    /// What is required of the codes of authenticator apps.
    pub codes: CodePolicy,
    /// Whether webhooks must verify the certificates of their servers.
    pub verified_targets: bool,
    /// Maximum lifetime of new API tokens, in days. `None` if they need not expire.
    pub max_token_days: Option<u16>,
}

/// Which users must have a second factor. Sign-ins with an identity provider are exempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecondFactorRequirement {
    /// Users with the roles that an administrator has chosen.
    #[default]
    ChosenRoles,
    /// All users.
    AllRoles,
}

/// What is required of the codes of authenticator apps (RFC 6238).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodePolicy {
    /// Number of steps before and after the current one whose codes are accepted.
    pub tolerance_steps: u16,
    /// The hash of secrets that are set up from now on.
    pub hash: CodeHash,
}

/// The hash function of an authenticator app, as it is named in the links that set up apps and in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "UPPERCASE")]
pub enum CodeHash {
    /// SHA-1, which all apps support.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl SecurityPolicy {
    /// What strict mode requires.
    pub const STRICT: Self = Self {
        https_subdomains: true,
        second_factor: SecondFactorRequirement::AllRoles,
        codes: CodePolicy { tolerance_steps: 0, hash: CodeHash::Sha256 },
        verified_targets: true,
        max_token_days: Some(365),
    };

    /// Whether strict mode is on.
    pub fn is_strict(&self) -> bool {
        *self == Self::STRICT
    }
}

impl Default for CodePolicy {
    /// The step before and the one after, because clocks differ.
    fn default() -> Self {
        Self { tolerance_steps: 1, hash: CodeHash::Sha1 }
    }
}

impl CodeHash {
    /// The name in links and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl SecondFactorRequirement {
    /// Whether the requirement does not depend on the role.
    pub fn is_for_all(self) -> bool {
        self == Self::AllRoles
    }
}
