//! The master keys: the current one, and the previous ones that still decrypt.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::ConfigError;
use crate::model::Sources;

/// The key that encrypts secrets at rest.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([redacted])")
    }
}

impl MasterKey {
    /// Returns a random key.
    pub(super) fn generate(sources: &Sources) -> Self {
        Self(Zeroizing::new(sources.bytes()))
    }

    /// Returns the bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the key in base64.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.as_slice()))
    }

    /// Parses base64. `place` is the setting or file named in errors.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self, ConfigError> {
        let hint = format!(
            "{place} must be 32 bytes in base64; generate it with `openssl rand -base64 32`"
        );
        let bytes = STANDARD
            .decode(text.trim())
            .map_err(|error| ConfigError(format!("{hint} ({error})")))?;
        let bytes = Zeroizing::new(bytes);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_length| {
            ConfigError(format!("{hint} (this one has {} bytes)", bytes.len()))
        })?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// Parses the lines of a key file. Returns at least one key.
    pub(super) fn parse_lines(text: &str, place: &str) -> Result<Vec<Self>, ConfigError> {
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        match lines.as_slice() {
            [] => Self::parse("", place).map(|key| vec![key]),
            [line] => Self::parse(line, place).map(|key| vec![key]),
            lines => {
                let numbered = lines.iter().zip(1..);
                numbered
                    .map(|(line, number)| Self::parse(line, &format!("key {number} of {place}")))
                    .collect()
            }
        }
    }
}

/// The current master key and the previous ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeys {
    current: MasterKey,
    previous: Vec<MasterKey>,
}

impl MasterKeys {
    /// Returns the key that encrypts.
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// Returns the bytes of the keys that only decrypt.
    pub fn previous(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.previous.iter().map(MasterKey::bytes)
    }

    /// Takes keys of which the first one encrypts.
    pub(super) fn from_list(keys: Vec<MasterKey>) -> Option<Self> {
        let mut keys = keys.into_iter();
        Some(Self { current: keys.next()?, previous: keys.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_only_32_bytes_in_base64() {
        assert!(MasterKey::parse(&STANDARD.encode([7; 32]), "the key").is_ok());
        for wrong in ["", "x", "AAAA", &STANDARD.encode([7; 31])] {
            let error = MasterKey::parse(wrong, "the key").unwrap_err().to_string();
            assert!(error.contains("openssl rand"), "{error}");
        }
        let two = format!("{}\nx\n", STANDARD.encode([7; 32]));
        let error = MasterKey::parse_lines(&two, "the file").unwrap_err().to_string();
        assert!(error.starts_with("key 2 of the file"), "{error}");
    }

    proptest! {
        #[test]
        fn reads_the_keys_that_were_written(keys in proptest::collection::vec(any::<[u8; 32]>(), 1..4), gap in "[ \t]{0,2}(\r?\n){1,3}") {
            let lines: Vec<String> = keys.iter().map(|key| STANDARD.encode(key) + &gap).collect();
            let text = lines.concat();
            let read = MasterKey::parse_lines(&text, "the file").unwrap();
            let bytes: Vec<[u8; 32]> = read.iter().map(|key| *key.bytes()).collect();
            prop_assert_eq!(bytes, keys);
        }
    }
}
