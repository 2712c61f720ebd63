//! Email addresses as names of accounts.

/// Longest email address, in bytes (RFC 5321, section 4.5.3.1.3, without the angle brackets).
const MAX_BYTES: usize = 254;

/// Whether a text can be an email address. Only mail could show whether it is one.
pub(super) fn is_plausible(text: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    text.len() <= MAX_BYTES
        && !text.contains(is_odd)
        && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn accepts_what_can_be_an_address() {
        for good in ["a@b", "ann.ngo@example.com", "Jürgen@münchen.example", "a@b@c"] {
            assert!(is_plausible(good), "{good}");
        }
        let long = format!("{}@example.com", "x".repeat(250));
        for bad in ["", "a", "@", "a@", "@b", "a b@c", "a@b\n", "a\0@b", long.as_str()] {
            assert!(!is_plausible(bad), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_address_can_be_stored_and_printed(text in any::<String>()) {
            prop_assert!(!is_plausible(&text) || !text.contains(['\0', '\n']));
        }
    }
}
