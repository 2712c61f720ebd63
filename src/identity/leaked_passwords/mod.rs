//! Passwords that have leaked: an embedded list, and optionally the operator's file with all known ones.

mod hash_file;
mod hash_lines;

use std::path::PathBuf;

use aws_lc_rs::digest;

use hash_file::HashFile;
use hash_lines::Hash;

pub use hash_file::HashFileError;

/// Number of bytes of each hash in the embedded list. With 40 bits and 1.5 million passwords, one in 750,000 passwords that
/// have not leaked is rejected.
const PREFIX_BYTES: usize = 5;

/// The start of the SHA-1 of each password with at least 12 characters, sorted. `script/leaked-passwords` creates it, and
/// NOTICE.md names its source.
static PREFIXES: &[u8] = include_bytes!("sha1_prefixes.bin");

/// Recognizes leaked passwords.
#[derive(Debug, Clone, Default)]
pub struct LeakedPasswords {
    file: Option<HashFile>,
}

impl LeakedPasswords {
    /// Uses the embedded list and, if there is one, a file in the format of Pwned Passwords.
    ///
    /// # Errors
    /// If the file cannot be read, or has another format or order.
    pub fn open(file: Option<PathBuf>) -> Result<Self, HashFileError> {
        Ok(Self { file: file.map(HashFile::open).transpose()? })
    }

    /// Returns whether a password has leaked. Reads the file.
    ///
    /// # Errors
    /// If the file cannot be read any more, or was replaced by one with another format.
    pub fn contains(&self, password: &str) -> Result<bool, HashFileError> {
        let Some(hash) = sha1(password) else { return Ok(false) };
        if is_embedded(&hash) {
            return Ok(true);
        }
        self.file.as_ref().map_or(Ok(false), |file| file.contains(&hash))
    }
}

/// SHA-1, because the file of Pwned Passwords has no other hash. It only finds a password here and protects nothing.
fn sha1(password: &str) -> Option<Hash> {
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    hash.as_ref().try_into().ok()
}

fn is_embedded(hash: &Hash) -> bool {
    let (prefixes, _) = PREFIXES.as_chunks::<PREFIX_BYTES>();
    hash.first_chunk().is_some_and(|prefix| prefixes.binary_search(prefix).is_ok())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_embedded_list_is_sorted_and_contains_long_leaked_passwords() {
        let (prefixes, rest) = PREFIXES.as_chunks::<PREFIX_BYTES>();
        assert!(rest.is_empty() && prefixes.is_sorted_by(|a, b| a < b));
        assert!(prefixes.len() > 1_000_000, "{}", prefixes.len());
        let leaked = LeakedPasswords::default();
        for password in ["0a3y4g9j8s3l0j0jh93k", "password1234", "correcthorsebatterystaple"] {
            assert!(leaked.contains(password).unwrap(), "{password}");
        }
        for password in ["correct horse battery", "0a3y4g9j8s3l0j0jh93l", "größtes Kamel", ""] {
            assert!(!leaked.contains(password).unwrap(), "{password}");
        }
    }

    #[test]
    fn the_file_adds_to_the_embedded_list() {
        let password = "purple kayak on a quiet lake";
        let hash = hex::encode_upper(sha1(password).unwrap());
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "{}:3\r\n{hash}:17\r\n{}:1", "0".repeat(40), "F".repeat(40)).unwrap();
        let leaked = LeakedPasswords::open(Some(file.path().to_owned())).unwrap();
        assert!(!LeakedPasswords::default().contains(password).unwrap());
        assert!(leaked.contains(password).unwrap());
        assert!(!leaked.contains("purple kayak on a quiet lakE").unwrap());
        assert!(leaked.contains("password1234").unwrap(), "in the embedded list");

        file.close().unwrap();
        let error = leaked.contains(password).unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{error}");
        assert!(leaked.contains("password1234").unwrap(), "needs no file");
    }
}
