//! How a server's certificate is checked.

use std::fmt;

/// A certificate's SHA-256, over its DER form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// From 64 hex digits, in upper or lower case, with or without colons and spaces.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text
            .chars()
            .filter(|c| !matches!(c, ':' | ' '))
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()?;
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some(high << 4 | low),
                _ => None,
            })
            .collect::<Option<_>>()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(":")?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

/// Whom to trust.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tls {
    /// The public certificate authorities, as browsers do.
    Public,
    /// An own certificate authority alone: PEM.
    Ca(String),
    /// This one certificate, whatever it says of itself.
    Pinned(Fingerprint),
    /// Anybody. Whoever sits in between can read the secret key.
    None,
}

impl Tls {
    /// The word in files and forms.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Ca(_) => "ca",
            Self::Pinned(_) => "pinned",
            Self::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_fingerprint_reads_what_it_writes(bytes: [u8; 32]) {
            let written = Fingerprint(bytes).to_string();
            prop_assert_eq!(Fingerprint::parse(&written), Some(Fingerprint(bytes)));
            prop_assert_eq!(Fingerprint::parse(&written.replace(':', "").to_lowercase()), Some(Fingerprint(bytes)));
        }

        #[test]
        fn any_text_is_refused_without_panic(text in ".{0,100}") {
            if let Some(fingerprint) = Fingerprint::parse(&text) {
                prop_assert_eq!(text.chars().filter(char::is_ascii_hexdigit).count(), 64, "{}", fingerprint);
            }
        }
    }
}
