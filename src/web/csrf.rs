//! The session's token against cross-site request forgery, written differently in every response.
//!
//! Pages are compressed, and some repeat what the address asks for. A secret that is the same in each of them could be
//! guessed from their lengths (BREACH, CVE-2013-3587), so a form contains a random pad and the token combined with it by XOR.

use subtle::ConstantTimeEq;

/// Length of a token, in bytes.
pub(super) const TOKEN_BYTES: usize = 32;

/// Writes a token for one response, as hexadecimal pad and masked token.
pub(super) fn mask(token: &[u8; TOKEN_BYTES], pad: &[u8; TOKEN_BYTES]) -> String {
    hex::encode(pad) + &hex::encode(xor(token, pad))
}

/// Whether a form contains this token, in constant time.
pub(super) fn matches(masked: &str, token: &[u8; TOKEN_BYTES]) -> bool {
    let mut bytes = [0; 2 * TOKEN_BYTES];
    if hex::decode_to_slice(masked, &mut bytes).is_err() {
        return false;
    }
    let (pad, masked) = bytes.split_at(TOKEN_BYTES);
    xor(masked, pad).ct_eq(token).into()
}

fn xor(a: &[u8], b: &[u8]) -> Vec<u8> {
    a.iter().zip(b).map(|(a, b)| a ^ b).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_masked_token_matches_only_itself(token: [u8; 32], other: [u8; 32], pad: [u8; 32]) {
            let masked = mask(&token, &pad);
            prop_assert!(matches(&masked, &token));
            prop_assert_eq!(matches(&masked, &other), token == other);
        }

        #[test]
        fn other_text_does_not_match(text in "[0-9a-fA-Z]{0,140}", token: [u8; 32]) {
            prop_assert!(!matches(&text, &token));
        }
    }

    #[test]
    fn two_pads_give_two_texts() {
        assert_ne!(mask(&[7; 32], &[1; 32]), mask(&[7; 32], &[2; 32]));
    }
}
