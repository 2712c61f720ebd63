//! Redaction of every form of a secret.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

const LABEL: &str = "[secret:logpoint_key]";

fn redactor(secret: &str) -> ResponseRedactor {
    ResponseRedactor::new([(LABEL.to_owned(), SecretString::from(secret))])
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap().to_owned()
}

fn json_with_slashes(text: &str) -> String {
    json(text).replace('/', "\\/").replace('&', "\\u0026")
}

fn json_units(text: &str) -> String {
    text.encode_utf16().fold(String::new(), |mut all, unit| {
        write!(all, "\\u{unit:04X}").unwrap();
        all
    })
}

fn javascript(text: &str) -> String {
    text.chars().fold(String::new(), |mut all, c| {
        match u32::from(c) {
            code @ 0..=0xff => write!(all, "\\x{code:02x}").unwrap(),
            code => write!(all, "\\u{{{code:x}}}").unwrap(),
        }
        all
    })
}

fn percent(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn percent_all(text: &str) -> String {
    text.bytes().fold(String::new(), |mut all, byte| {
        write!(all, "%{byte:02x}").unwrap();
        all
    })
}

fn form(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
        .replace('\'', "&apos;")
        .replace('/', "&sol;")
        .replace('é', "&eacute;")
}

fn html_numbers(text: &str) -> String {
    text.chars().enumerate().fold(String::new(), |mut all, (index, c)| {
        let code = u32::from(c);
        match index % 3 {
            0 => write!(all, "&#{code};").unwrap(),
            1 => write!(all, "&#x{code:x};").unwrap(),
            _ => write!(all, "&#000{code};").unwrap(),
        }
        all
    })
}

const ESCAPES: [fn(&str) -> String; 9] = [
    json,
    json_with_slashes,
    json_units,
    javascript,
    percent,
    percent_all,
    form,
    html,
    html_numbers,
];

const RUNS: [fn(&str) -> String; 6] = [
    |text| STANDARD.encode(text),
    |text| STANDARD_NO_PAD.encode(text),
    |text| URL_SAFE.encode(text),
    |text| URL_SAFE_NO_PAD.encode(text),
    |text| ::hex::encode(text),
    |text| ::hex::encode_upper(text),
];

fn any_encoder() -> impl Strategy<Value = fn(&str) -> String> {
    prop_oneof![2 => prop::sample::select(&ESCAPES[..]), 1 => prop::sample::select(&RUNS[..])]
}

fn any_secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9]{8,40}",
        "[ -~]{8,40}",
        "(?s).{8,24}",
        "[\"\\\\%&+'<>/é😀\u{0}\n ]{8,24}",
        "(%41|\\\\u0041|&amp;|\\\\n|%|b|\\+){6,12}xy",
    ]
    // Others occur by chance, or in the label.
    .prop_filter("too simple", |secret| {
        let different: std::collections::HashSet<char> = secret.chars().collect();
        secret.len() >= 8 && different.len() > 3 && !LABEL.contains(secret.trim())
    })
}

fn any_surroundings() -> impl Strategy<Value = String> {
    "[a-z0-9 ,:{}\"=?/.é]{0,6}"
}

#[test]
fn known_spellings_are_redacted() {
    for (secret, text) in [
        ("a/b&c=dé😀", r#"{"x":"a\/b\u0026c\u003Dd\u00E9\uD83D\ude00"}"#),
        ("it's-me!2024", "https://h/?token=it%27s-me!2024&x"),
        ("it's-me!2024", r"token=it\'s-me!2024"),
        ("it's-me!2024", "<p>it&#39;s-me!2024</p>"),
        ("it's-me!2024", "<p>it&#0039s-me&excl;2024</p>"),
        ("pass word+1&2", "a=pass+word%2B1%262"),
        ("pass word+1&2", "pass&nbsp;word&plus;1&amp;amp;2"),
        ("%41\\u0041x", "see %41\\u0041x"),
        ("%41\\u0041x", r#"{"a":"%41\\u0041x"}"#),
        ("%41\\u0041x", "a=%2541%5cu0041x"),
        ("s3cr\"et", r#"{"a":"{\"b\":\"{\\\"c\\\":\\\"s3cr\\\\\\\"et\\\"}\"}"}"#),
        ("s3cr3t-key", "Basic dXNlcjpzM2NyM3Qta2V5"),
        ("s3cr3t-key", "{\"a\":\"%64%58%4Elcj%70zM2NyM3Qta2V5\"}"),
        ("s3cr3t-key", "7333637233742D6b6579"),
        ("s3cr", "x s3cr x"),
    ] {
        let clean = redactor(secret).redact(text);
        assert!(clean.contains(LABEL), "{text}: {clean}");
        assert!(!clean.contains(secret), "{text}: {clean}");
    }
    assert_eq!(
        redactor("a/b\"c").redact(r#"{"x":"<a\/b\"c>"}"#),
        r#"{"x":"<[secret:logpoint_key]>"}"#
    );
    assert_eq!(redactor("abc").redact("abc"), "abc");
    assert_eq!(ResponseRedactor::default().redact("a%20"), "a%20");
    assert!(!format!("{:?}", redactor("s3cr3t")).contains("s3cr3t"));
}

#[test]
fn overlapping_secrets_leave_no_remainder() {
    let all = [
        ("[secret:a]", "abcdef"),
        ("[secret:b]", "defghi"),
        ("[secret:c]", "bcde"),
        ("[secret:d]", "abcdefghijkl"),
    ];
    let redactor = ResponseRedactor::new(
        all.map(|(label, value)| (label.to_owned(), SecretString::from(value))),
    );
    for (text, clean) in [
        ("-abcdef-", "-[secret:a]-"),
        ("-abcdefghi-", "-[secret:a]-"),
        ("-abcdefghijkl-", "-[secret:d]-"),
        ("abcdefdefghi", "[secret:a][secret:b]"),
        ("bcde", "[secret:c]"),
    ] {
        assert_eq!(redactor.redact(text), clean);
    }
}

#[test]
fn labels_are_not_redacted() {
    let redactor = redactor("secret");
    let clean = redactor.redact("a secret");
    assert_eq!(clean, "a [secret:logpoint_key]");
    assert_eq!(redactor.redact(&clean), clean);
}

#[test]
fn half_an_escape_is_not_left() {
    for (secret, text) in [
        ("abc\\", r#"{"x":"abc\"d"}"#),
        ("nabc", r#"{"x":"\nabc"}"#),
        ("0041b", r#"{"x":"\u0041b"}"#),
    ] {
        let clean = redactor(secret).redact(text);
        assert!(serde_json::from_str::<serde_json::Value>(&clean).is_ok(), "{clean}");
        assert!(clean.contains(LABEL), "{clean}");
    }
}

#[test]
fn the_beginning_of_a_secret_at_the_end_is_redacted() {
    for (secret, text, clean) in [
        ("s3cr3t-key", "a s3cr3", "a [secret:logpoint_key]"),
        ("s3cr3t-key", "a s3c", "a s3c"),
        ("s3cr3t-key", "s3cr s3cr", "s3cr [secret:logpoint_key]"),
        ("s3\"cr3t-key", r#"{"a":"s3\"cr"#, r#"{"a":"[secret:logpoint_key]"#),
        ("s3cr\"t-key", r#"{"a":"s3cr\u00"#, r#"{"a":"[secret:logpoint_key]"#),
        ("s3cr/t-key", "a=s3cr%2", "a=[secret:logpoint_key]"),
        ("s3cr😀t-key", r"s3cr\ud83d\ude", "[secret:logpoint_key]"),
        ("s3cr3t-key", "Basic dXNlcjpzM2NyM3Q", "Basic dXNlcjp[secret:logpoint_key]"),
    ] {
        let mut text = text.to_owned();
        redactor(secret).redact_end(&mut text);
        assert_eq!(text, clean);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn a_secret_is_redacted_in_every_composition_of_encodings(
        secret in any_secret(),
        layers in prop::collection::vec((any_encoder(), any_surroundings(), any_surroundings()), 0..4),
        (first, last) in (any_surroundings(), any_surroundings()),
    ) {
        let redactor = redactor(&secret);
        let mut text = secret.clone();
        for (encode, before, after) in &layers {
            text = encode(&format!("{before}{text}{after}"));
        }
        let text = format!("{first}{text}{last}");
        let clean = redactor.redact(&text);
        prop_assert!(clean.contains(LABEL), "{}: {}", text, clean);
        let encodings = ESCAPES.into_iter().chain(RUNS).map(|encode| encode(&secret));
        for form in encodings.chain([secret.clone()]) {
            prop_assert!(!clean.replace(LABEL, "").contains(&form), "{}: {}", text, clean);
        }
        prop_assert_eq!(redactor.redact(&clean), clean);
    }

    #[test]
    fn a_text_without_the_secret_stays(
        parts in prop::collection::vec(prop_oneof![
            "(?s).{0,6}",
            prop::sample::select(&["\\", "\\u00", "%4", "%41", "&amp;", "&#", "+", "Zq9", "WnE5", "5a71", "\\u{", "\\ud83d"][..]).prop_map(str::to_owned),
        ], 0..40),
        secret in "Zq9[A-Za-z0-9]{12,20}",
    ) {
        let text = parts.concat();
        let redactor = redactor(&secret);
        prop_assert_eq!(redactor.redact(&text), text.clone());
        let mut cut = text;
        redactor.redact_end(&mut cut);
    }

    #[test]
    fn json_stays_valid(
        secret in any_secret(),
        fields in prop::collection::vec((any_surroundings(), 0..ESCAPES.len(), 0_usize..3), 1..5),
        (escaped, pretty) in any::<(bool, bool)>(),
    ) {
        let fields: serde_json::Map<String, serde_json::Value> = fields.into_iter().enumerate().map(|(index, (text, escape, count))| {
            let value = (0..count).fold(secret.clone(), |value, _| ESCAPES[escape](&value));
            (format!("f{index}"), serde_json::Value::from(format!("{text}{value}{text}")))
        }).collect();
        let value = serde_json::Value::from(fields);
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        let text = if escaped { text.replace('/', "\\/").replace('é', "\\u00e9") } else { text };
        let clean = redactor(&secret).redact(&text);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&clean).is_ok(), "{}: {}", text, clean);
        prop_assert!(clean.contains(LABEL));
    }

    #[test]
    fn a_cut_secret_is_redacted(
        secret in any_secret(), encode in prop::sample::select(&ESCAPES[..]), before in any_surroundings(), cut in 0_usize..400,
    ) {
        let encoded = encode(&secret);
        let cut = encoded.floor_char_boundary(cut);
        let start = encoded.get(..cut).unwrap();
        let mut text = format!("{before} {start}");
        redactor(&secret).redact_end(&mut text);
        // Of the start, less than the shortest secret remains: four bytes and an escape that was cut, each of at most 14.
        if start != encoded {
            prop_assert!(text.contains(LABEL) || start.len() < 5 * 14, "{}", text);
        }
    }
}
