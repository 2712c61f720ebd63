//! Credentials that are recognized by their value: private keys, JSON Web Tokens, tokens of known services and
//! random texts.

use std::ops::Range;

/// Shortest random text that counts as a credential, in bytes.
const MIN_RANDOM_BYTES: usize = 20;
/// Shortest part of a random text, between signs such as `-`, that is examined.
const MIN_PART_BYTES: usize = 8;
/// Minimum total length of the parts that look random.
const MIN_RANDOM_PARTS_BYTES: usize = 16;
/// Shortest text of hex digits that counts as a credential: shorter ones are ids, or digests with MD5.
const MIN_HEX_BYTES: usize = 40;

/// Longest block in PEM, in bytes.
const MAX_PEM_BYTES: usize = 32 * 1024;

/// The beginnings of the tokens of known services, and their minimum length.
const KNOWN: [(&str, usize); 36] = [
    ("AIza", 35),
    ("AKIA", 20),
    ("ASIA", 20),
    ("ATATT3", 24),
    ("EAACEdEose0cBA", 20),
    ("NRAK-", 20),
    ("SG.", 24),
    ("dapi", 36),
    ("dop_v1_", 24),
    ("dt0c01.", 24),
    ("ghb_", 20),
    ("gho_", 20),
    ("ghp_", 20),
    ("ghr_", 20),
    ("ghs_", 20),
    ("ghu_", 20),
    ("github_pat_", 20),
    ("glpat-", 20),
    ("glsa_", 20),
    ("hvs.", 20),
    ("lin_api_", 20),
    ("npm_", 24),
    ("pypi-", 24),
    ("rk_live_", 20),
    ("rk_test_", 20),
    ("shpat_", 20),
    ("sk-ant-", 20),
    ("sk-proj-", 20),
    ("sk_live_", 20),
    ("sk_test_", 20),
    ("whsec_", 20),
    ("xapp-", 20),
    ("xoxa-", 20),
    ("xoxb-", 20),
    ("xoxe-", 20),
    ("xoxp-", 20),
];

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    /// Everything.
    All,
    /// Private keys and JSON Web Tokens, where values look random without being secret.
    Certain,
}

/// What was recognized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A private key.
    PrivateKey,
    /// Any other credential.
    Token,
}

/// Finds the credentials in a text, in order.
pub(super) fn find(text: &str, search: Search) -> Vec<(Range<usize>, Kind)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(block) = next_pem(text, at) {
        add_tokens(text, at..block.range.start, search, &mut found);
        at = block.range.end;
        if block.is_private {
            found.push((block.range, Kind::PrivateKey));
        }
    }
    add_tokens(text, at..text.len(), search, &mut found);
    found
}

/// Returns the private keys in a text.
pub(super) fn private_keys(text: &str) -> Vec<Range<usize>> {
    let found = find(text, Search::Certain).into_iter();
    found.filter(|(_, kind)| *kind == Kind::PrivateKey).map(|(range, _)| range).collect()
}

/// A block in PEM (RFC 7468).
struct Pem {
    range: Range<usize>,
    is_private: bool,
}

/// Finds the next block. If its end is missing, it lasts until a character that no block
/// contains, or the end of the text.
fn next_pem(text: &str, from: usize) -> Option<Pem> {
    const BEGIN: &str = "-----BEGIN ";
    let start = from + text.get(from..)?.find(BEGIN)?;
    let label_start = start + BEGIN.len();
    let rest = text.get(label_start..)?;
    let is_label = |label: &str| {
        let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
        label.len() < 64 && label.bytes().all(is_part)
    };
    let label = rest.split_once("-----").map(|(label, _)| label).filter(|label| is_label(label));
    let Some(label) = label else {
        return Some(Pem { range: start..label_start, is_private: false });
    };
    let end_line = format!("-----END {label}-----");
    let is_private = label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK");
    let rest = rest.get(..rest.floor_char_boundary(MAX_PEM_BYTES)).unwrap_or_default();
    // A block of another kind ends before the next one, so that no part of the text is searched twice.
    let next = if is_private { None } else { rest.find(BEGIN) };
    let rest = rest.get(..next.unwrap_or(rest.len())).unwrap_or_default();
    // Line breaks may be escaped.
    let is_part = |c: char| {
        c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || "+/=:-,._\\&#;%".contains(c)
    };
    let limit = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    let limit = rest.get(..limit).map_or(0, |block| block.trim_end_matches('\\').len());
    let block = rest.get(..limit).unwrap_or_default();
    let length = block.find(&end_line).map_or(limit, |at| at + end_line.len());
    // Without its end, a block of another kind hides nothing.
    let length = if is_private || block.contains(&end_line) { length } else { 0 };
    Some(Pem { range: start..label_start + length, is_private })
}

/// Adds the tokens in a part of a text.
fn add_tokens(
    text: &str,
    part: Range<usize>,
    search: Search,
    found: &mut Vec<(Range<usize>, Kind)>,
) {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "+/_=.-".contains(c);
    let whole = text.get(part.clone()).unwrap_or_default();
    let mut at = part.start;
    for piece in whole.split_inclusive(|c| !is_token(c)) {
        let token = piece.trim_end_matches(|c| !is_token(c));
        let start = at;
        at += piece.len();
        let before = text.get(..start).unwrap_or_default();
        if before.ends_with("base64,") {
            // A data URL.
            continue;
        }
        // Dots end a sentence, and slashes and equals signs precede a value.
        let range = trimmed(token, start);
        let token = text.get(range.clone()).unwrap_or_default();
        let ranges = credentials_in(token, range.start, search).into_iter();
        found.extend(ranges.map(|range| (range, Kind::Token)));
    }
}

fn trimmed(token: &str, start: usize) -> Range<usize> {
    let unstarted = token.trim_start_matches(['.', '/', '=', '-', '+']);
    let start = start + token.len() - unstarted.len();
    start..start + unstarted.trim_end_matches(['.', '-']).len()
}

/// Finds the credentials in a text without spaces: the whole, or parts between `/` or after `=`.
fn credentials_in(token: &str, start: usize, search: Search) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if is_credential(token, search) && !has_separated_parts(token) {
        found.push(start..start + token.len());
        return found;
    }
    let mut at = start;
    for part in token.split_inclusive(['/', '=']) {
        let content = part.trim_end_matches('/');
        if is_credential(content, search) {
            found.push(at..at + content.len());
        }
        at += part.len();
    }
    found
}

/// Whether a text is a path, or a name and its value, and not one text in base64.
fn has_separated_parts(token: &str) -> bool {
    let is_word = |part: &str| {
        let letters = part.bytes().filter(u8::is_ascii_lowercase).count();
        part.len() > 2 && letters == part.len()
    };
    let value = token.trim_end_matches('=');
    value.contains('=') || value.split('/').any(is_word)
}

fn is_credential(token: &str, search: Search) -> bool {
    is_jwt(token) || (search == Search::All && (is_known(token) || is_random(token)))
}

/// Whether a text is a JSON Web Token (RFC 7519).
fn is_jwt(token: &str) -> bool {
    let is_part =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let parts: Vec<&str> = token.split('.').collect();
    token.starts_with("eyJ")
        && token.len() >= MIN_RANDOM_BYTES
        && matches!(parts.len(), 3 | 5)
        && parts.into_iter().all(is_part)
}

fn is_known(token: &str) -> bool {
    KNOWN.iter().any(|(start, min)| token.starts_with(start) && token.len() >= *min)
        && token.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether a text looks random: words, ids, hosts, dates and versions do not.
fn is_random(token: &str) -> bool {
    let has = |is: fn(&u8) -> bool| token.bytes().any(|byte| is(&byte));
    if token.len() < MIN_RANDOM_BYTES || !has(u8::is_ascii_digit) || !has(u8::is_ascii_alphabetic) {
        return false;
    }
    let without_ids = without_uuids(token);
    if is_hex(&without_ids) {
        return without_ids.len() >= MIN_HEX_BYTES;
    }
    let parts = without_ids.split(['.', '-', '_']).filter(|part| part.len() >= MIN_PART_BYTES);
    let random: usize = parts.filter(|part| is_random_part(part)).map(str::len).sum();
    random >= MIN_RANDOM_PARTS_BYTES
}

fn is_hex(text: &str) -> bool {
    let is_either = |is_other_case: fn(&u8) -> bool| {
        text.bytes().all(|byte| byte.is_ascii_hexdigit() && !is_other_case(&byte))
    };
    is_either(u8::is_ascii_uppercase) || is_either(u8::is_ascii_lowercase)
}

/// Removes the ids of the form 8-4-4-4-12.
fn without_uuids(token: &str) -> String {
    const UUID_BYTES: usize = 36;
    let mut rest = token;
    let mut kept = String::with_capacity(token.len());
    while !rest.is_empty() {
        let is_uuid =
            rest.get(..UUID_BYTES).is_some_and(|start| uuid::Uuid::try_parse(start).is_ok());
        let length = if is_uuid { UUID_BYTES } else { 1 };
        let (start, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        kept.push_str(if is_uuid { "-" } else { start });
        rest = after;
    }
    kept
}

/// Whether letters and digits, or small and capital letters, alternate as they do in random texts. A capital
/// before a small letter is the beginning of a word.
fn is_random_part(part: &str) -> bool {
    if is_hex(part) && part.len() < MIN_HEX_BYTES {
        return false;
    }
    let pairs = part.as_bytes().windows(2);
    let is_change = |pair: &[u8]| match pair {
        [a, b] => match (class(*a), class(*b)) {
            (Class::Capital, Class::Small) => false,
            (one, other) => one != other,
        },
        _ => false,
    };
    let changes = pairs.clone().filter(|pair| is_change(pair)).count();
    let digit_runs =
        part.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).count();
    let has_digits = digit_runs > 0 || part.len() >= 2 * MIN_PART_BYTES;
    has_digits && (changes * 100 >= pairs.len() * 27 || (digit_runs >= 3 && part.len() < 40))
}

#[derive(PartialEq, Eq)]
enum Class {
    Small,
    Capital,
    Digit,
    Sign,
}

fn class(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' => Class::Small,
        b'A'..=b'Z' => Class::Capital,
        b'0'..=b'9' => Class::Digit,
        _ => Class::Sign,
    }
}
