//! Credentials next to each other, and many of them.

use super::*;

/// A private key or token can hide what would be a credential without it.
#[test]
fn credentials_that_others_hide_are_found_at_once() {
    for (value, expected) in [
        ("://-----BEGIN PRIVATE KEY-----¡:pw@", &["-----BEGIN PRIVATE KEY-----", "pw"][..]),
        (
            "-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----=1",
            &["-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----"],
        ),
        ("hJ7k2LqP9xZv4Tn8WcR3token: 1", &["hJ7k2LqP9xZv4Tn8WcR3token"]),
        ("://hJ7k2LqP9xZv4Tn8WcR3/1:pw@", &["hJ7k2LqP9xZv4Tn8WcR3/1", "pw"]),
        ("password=://}:pw@", &["://}:pw"]),
        ("password=a://b}:pw@host", &["a://b}:pw"]),
        ("password=a://}{{data.id}}:pw@", &["a", "pw"]),
    ] {
        let draft = with_header("X-A", value);
        let all = found(&draft);
        let values: Vec<&str> = all.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, expected);
        assert_eq!(found(&replaced(&draft).0), []);
        let credentials = Credentials::find(&draft);
        for one in credentials.iter() {
            let is_one = |it: &Credential| it.place == one.place;
            let after = credentials.replace(&draft, |it| is_one(it).then(|| it.suggested.clone()));
            let others: Vec<_> = all.iter().filter(|(place, _)| *place != one.place).collect();
            assert_eq!(found(&after).iter().collect::<Vec<_>>(), others);
        }
    }
}

/// The spaces at the end are not read again for each of the names.
#[test]
fn many_names_before_spaces_are_searched_quickly() {
    let body = "token=a,".repeat(3 * 1024) + &" ".repeat(40 * 1024);
    let started = std::time::Instant::now();
    assert_eq!(found(&with_body("text/plain", &body)).len(), 3 * 1024);
    let elapsed = started.elapsed();
    assert!(elapsed.as_secs() < 3, "{elapsed:?}");
}

/// No part of a text is searched for each of the blocks before it.
#[test]
fn many_blocks_without_an_end_are_searched_quickly() {
    for block in ["-----BEGIN ", "-----BEGIN A-----", "-----BEGIN PRIVATE KEY-----"] {
        for content_type in ["text/csv", "application/xml", "text/plain"] {
            let end = "{-----END A-----";
            let draft = Draft {
                body_template: block.repeat(64 * 1024 / block.len()) + end,
                headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
                ..Draft::default()
            };
            let started = std::time::Instant::now();
            Credentials::find(&draft);
            let elapsed = started.elapsed();
            assert!(elapsed.as_secs() < 3, "{block} in {content_type}: {elapsed:?}");
        }
    }
}
