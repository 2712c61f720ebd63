//! The forms of a secret that are searched for.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Shortest part of base64 that is searched for, in characters. Shorter parts would match by chance.
const MIN_BASE64_CHARS: usize = 6;

/// A form of a secret.
pub(super) struct Form {
    /// The bytes, folded.
    pub(super) bytes: Vec<u8>,
    /// The index of the secret.
    pub(super) secret: usize,
}

/// Replaces `+` by a space, for which it stands in forms. Texts and forms are compared after it.
pub(super) fn fold(bytes: &mut [u8]) {
    for byte in bytes {
        if *byte == b'+' {
            *byte = b' ';
        }
    }
}

/// Adds the forms of a secret: the value, its base64 at each alignment, and its hex in either case. All others are
/// decoded.
pub(super) fn add(value: &str, secret: usize, forms: &mut Vec<Form>) {
    let mut push = |mut bytes: Vec<u8>| {
        fold(&mut bytes);
        forms.push(Form { bytes, secret });
    };
    push(value.as_bytes().to_vec());
    if value.contains(' ') {
        // As `&nbsp;`.
        push(value.replace(' ', "\u{a0}").into_bytes());
    }
    for lead in 0..3 {
        let mut bytes = vec![0; lead];
        bytes.extend_from_slice(value.as_bytes());
        let whole = bytes.len() / 3 * 3;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(bytes.get(..whole).unwrap_or_default());
            // The first characters share bits with what precedes the secret.
            let skip = if lead == 0 { 0 } else { lead + 1 };
            let core = encoded.as_bytes().get(skip..).unwrap_or_default();
            if core.len() >= MIN_BASE64_CHARS {
                push(core.to_vec());
            }
        }
    }
    push(hex::encode(value).into_bytes());
    push(hex::encode_upper(value).into_bytes());
}
