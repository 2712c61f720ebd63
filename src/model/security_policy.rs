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
    /// Whether the audit log must belong to another role of the database than the server's.
    pub separate_role: bool,
    /// What is required of the keys and signatures of other servers, and of this one's certificate.
    pub keys: KeyPolicy,
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

/// What is required of RSA keys, and of signatures by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyPolicy {
    /// Minimum length of a key, in bits. `None` if the libraries decide.
    pub min_rsa_bits: Option<usize>,
    /// Whether ID tokens must not be signed with RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2).
    pub require_pss: bool,
}

/// An RSA key that is too short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an RSA key of {bits} bits, and strict mode requires at least {min_bits}")]
pub struct WeakKey {
    /// Its length.
    pub bits: usize,
    /// The minimum.
    pub min_bits: usize,
}

impl KeyPolicy {
    /// Checks the length of an RSA key.
    ///
    /// # Errors
    /// If the key is too short.
    pub fn check_rsa(self, modulus: &[u8]) -> Result<(), WeakKey> {
        let bits = modulus_bits(modulus);
        match self.min_rsa_bits {
            Some(min_bits) if bits < min_bits => Err(WeakKey { bits, min_bits }),
            Some(_) | None => Ok(()),
        }
    }
}

/// Returns the length of a number in big-endian bytes, with or without leading zeros.
fn modulus_bits(modulus: &[u8]) -> usize {
    let bytes = modulus.iter().skip_while(|byte| **byte == 0).count();
    let first = modulus.iter().find(|byte| **byte != 0);
    let unused = first.map_or(0, |byte| byte.leading_zeros());
    8 * bytes - usize::try_from(unused).unwrap_or_default()
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
        separate_role: true,
        keys: KeyPolicy { min_rsa_bits: Some(3072), require_pss: true },
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_of_3072_bits_are_long_enough() {
        let strict = SecurityPolicy::STRICT.keys;
        let mut modulus = vec![0xff; 384];
        assert_eq!(strict.check_rsa(&modulus), Ok(()));
        modulus[0] = 0x7f;
        assert_eq!(strict.check_rsa(&modulus), Err(WeakKey { bits: 3071, min_bits: 3072 }));
        assert_eq!(KeyPolicy::default().check_rsa(&[1]), Ok(()));
    }

    proptest! {
        #[test]
        fn leading_zeros_do_not_make_a_key_longer(number in 1_u128.., zeros in 0_usize..20) {
            let modulus = [&vec![0; zeros][..], &number.to_be_bytes()].concat();
            prop_assert_eq!(modulus_bits(&modulus), usize::try_from(u128::BITS - number.leading_zeros()).unwrap());
        }
    }
}
