//! Reading and writing the file format.

use proptest::prelude::*;

use super::*;
use crate::model::filter::{self, Choice};

const YAML: &str = r#"
webhooks:
  - name: Logpoint reopen
    active: true
    type: { http_request: { url: https://10.0.0.5/reopen_incident, method: POST, headers: { X-Team: sec } } }
    body_template: '{"requestData": {"version": "0.1"}}'
    triggers: [Created, Granted]
    filters:
      integration: [prod db]
      approval: [manual]
      custom_field: { ticket: ["SEC-*"] }
    response_validators: [ { json_path: $.success, expected_values: [true] } ]
    custom_validation_error_message: Logpoint refused it
    timeout_in_sec: 10
    ordered: false
    max_in_flight: 4
    rate_per_minute: 600
    retry_schedule: [5s, 1m]
    traceparent: true
    signing: { scheme: v1, secret: "{{secrets.key}}", previous: { secret: "{{secrets.old}}", until: "2030-01-31T12:00:00Z" } }
    not_secrets: [body.code]
    authentication_config: null
    tls: { verify: pinned, sha256: "AB:CD" }
"#;

#[test]
fn a_written_file_can_be_read() {
    let drafts = read_file(YAML).unwrap();
    let custom = &drafts[0].filters[&filter::Field::CustomField];
    assert_eq!(*custom, Choice::any_of(["ticket=SEC-*"]));
    assert_eq!(drafts[0].response_validators[0].expected, ["true"]);
    assert_eq!(drafts[0].timeout_in_sec, "10");
    assert_eq!(drafts[0].not_secrets, ["body.code"]);
    let written = write_yaml(&drafts).unwrap();
    assert_eq!(read_file(&written).unwrap(), drafts);
    let json = serde_json::json!({"webhooks": [WebhookFile::from_draft(&drafts[0])]}).to_string();
    assert_eq!(read_file(&json).unwrap(), drafts);
}

#[test]
fn unknown_fields_and_filters_are_rejected() {
    let typo = YAML.replace("triggers:", "trigers:");
    assert!(read_file(&typo).unwrap_err().to_string().contains("trigers"));
    let filter = YAML.replace("approval:", "approvals:");
    let message = read_file(&filter).unwrap_err().to_string();
    assert!(
        message.contains("Logpoint reopen") && message.contains("filters.approvals"),
        "{message}"
    );
}

#[test]
fn every_type_of_authentication_and_filter_is_preserved() {
    for (from, to) in [
        ("config: null", "config: { bearer: { token: abc } }"),
        ("config: null", "config: { basic: { username: a, password: b } }"),
        (
            "config: null",
            "config: { oauth: { client_id: a, client_secret: b, token_endpoint_url: \"https://c/\", scopes: [d, e] } }",
        ),
        ("integration: [prod db]", "integration: { none_of: [prod db] }"),
        ("{ ticket: [\"SEC-*\"] }", "{ none_of: { ticket: [\"SEC-*\"] } }"),
        ("{ ticket: [\"SEC-*\"] }", "{ none_of: [\"SEC-*\"] }"),
        (
            "verify: pinned",
            "min_version: \"1.3\", client_certificate: a, client_key: b, verify: pinned",
        ),
    ] {
        assert!(YAML.contains(from), "{from}");
        let drafts = read_file(&YAML.replace(from, to)).unwrap();
        assert_ne!(drafts, read_file(YAML).unwrap(), "{to}");
        let written = write_yaml(&drafts).unwrap();
        // YAML tags are specific to Rust enums, so no other program could read the file.
        assert!(!written.contains(": !"), "{written}");
        assert_eq!(read_file(&written).unwrap(), drafts, "{to}");
    }
    let none = YAML.replace("{ ticket: [\"SEC-*\"] }", "{ none_of: { ticket: [\"SEC-*\"] } }");
    let drafts = read_file(&none).unwrap();
    let custom = &drafts[0].filters[&filter::Field::CustomField];
    assert_eq!(*custom, Choice::none_of(["ticket=SEC-*"]));
}

/// The example with one text replaced by another.
fn changed(from: &str, to: &str) -> Result<Vec<Draft>, FileError> {
    assert!(YAML.contains(from), "{from}");
    read_file(&YAML.replace(from, to))
}

#[test]
fn what_is_not_kept_exactly_is_rejected_with_its_path() {
    for (from, to, words) in [
        ("{ X-Team: sec }", "{ X-A: '1', X-A: '2' }", &["headers.X-A", "occurs twice"][..]),
        ("{ X-Team: sec }", "{ X-Team: 1 }", &["headers.X-Team must be a string"]),
        ("{ X-Team: sec }", "{ X-Team: true }", &["headers.X-Team must be a string"]),
        ("{ X-Team: sec }", "{ X-Team: 1.10 }", &["headers.X-Team", "quotes"]),
        ("{ X-Team: sec }", "{ X-Team: [a] }", &["headers.X-Team must be a string"]),
        ("[true]", "[1.10]", &["response_validators[0].expected_values[0]", "quotes"]),
        ("[true]", "[a, '']", &["expected_values[1]", "would be changed or lost"]),
        ("[5s, 1m]", "[]", &["retry_schedule is empty"]),
        ("[5s, 1m]", "['5s 1m']", &["retry_schedule[0]", "would be changed"]),
        ("integration: [prod db]", "integration: []", &["filters.integration is empty"]),
        ("integration: [prod db]", "integration: [a, '']", &["filters.integration[1]"]),
        (
            "integration: [prod db]",
            "integration: [a]\n      integration: [b]",
            &["filters.integration", "twice"],
        ),
        ("{ ticket: [\"SEC-*\"] }", "{ a=b: [c] }", &["filters.custom_field.a=b"]),
        ("{ ticket: [\"SEC-*\"] }", "{ a: [b], a: [c] }", &["custom_field.a", "twice"]),
        ("[true]", "[7]", &["expected_values", "quotes"]),
        ("[true]", "[0x1F]", &["expected_values", "quotes"]),
        ("[prod db]", "[0x1F]", &["filters.integration"]),
        ("config: null", "config: {}", &["authentication_config is empty"]),
        ("config: null", "config: { bearer: ~ }", &["authentication_config is empty"]),
        ("config: null", "config: { bearer: { token: 31337.5 } }", &["token", "rounded"]),
        ("{ X-Team: sec }", "{ 'X-Team ': s3cret }", &["headers.X-Team", "would be changed"]),
        ("timeout_in_sec: 10", "timeout_in_sec: ten", &["webhooks[0].timeout_in_sec"]),
        ("[body.code]", "[a, '']", &["not_secrets[1]", "would be changed or lost"]),
        ("ordered: false", "ordered: maybe", &["webhooks[0].ordered"]),
        ("traceparent: true", "traceparent: maybe", &["webhooks[0].traceparent"]),
        ("scheme: v1", "scheme: none", &["signing.secret", "would be changed or lost"]),
        (
            "config: null",
            "config: { oauth: { scopes: ['a b'] } }",
            &["authentication_config.oauth.scopes[0]"],
        ),
    ] {
        let error = changed(from, to).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{to}: {error}");
        assert!(!error.contains("31337") && !error.contains("s3cret"), "{error}");
    }
}

#[test]
fn harmless_differences_are_accepted() {
    for (from, to) in [
        ("name: Logpoint reopen", "name: ' Cafe\u{301} '"),
        ("method: POST", "method: post"),
        ("ordered: false", "ordered: true"),
        ("traceparent: true", "traceparent: false"),
        ("X-Team: sec", "X-Team: ' sec '"),
        ("filters:", "custom_validation_error_message: ''\n    filters:"),
        ("[true]", "['7', true]"),
    ] {
        let to = if from == "filters:" { "filters:" } else { to };
        assert!(changed(from, to).is_ok(), "{to}: {:?}", changed(from, to));
    }
    assert_eq!(read_file(&format!("\u{feff}{YAML}")).unwrap(), read_file(YAML).unwrap());
}

#[test]
fn texts_that_yaml_readers_take_for_other_types_are_quoted() {
    for name in [
        "no",
        "yes",
        "on",
        "off",
        "y",
        "n",
        "No",
        "YES",
        "true",
        "null",
        "1",
        "010",
        "0x1F",
        "1e3",
        "1_000",
        "12:30",
        "2026-11-27",
        "1.10",
        ".5",
    ] {
        let draft = Draft { name: name.to_owned(), ..read_file(YAML).unwrap().remove(0) };
        let written = write_yaml(&[draft]).unwrap();
        let line = written.lines().find(|line| line.contains("name:")).unwrap();
        assert!(
            line.contains(&format!("'{name}'")) || line.contains(&format!("\"{name}\"")),
            "{line}"
        );
    }
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back(
        name in "[a-zA-Z0-9 äé._-]{1,12}", header in "[ -~äé]{0,20}", body in any::<String>(),
        values in prop::collection::vec("[ -~é]{1,12}", 1..4), key in "[a-z.]{1,6}",
    ) {
        let mut draft = read_file(YAML).unwrap().remove(0);
        draft.name = name.trim().to_owned();
        draft.headers = vec![("X-A".to_owned(), header.trim().to_owned())];
        draft.body_template = body;
        draft.response_validators = vec![crate::model::webhook::ValidatorDraft {
            expected: values.iter().filter(|value| !value.trim().is_empty()).cloned().collect(),
            ..crate::model::webhook::ValidatorDraft::at("$.a", "")
        }];
        let custom = Choice::any_of(values.iter().map(|value| format!("{key}={value}")));
        draft.filters.insert(filter::Field::CustomField, custom);
        let written = write_yaml(std::slice::from_ref(&draft)).unwrap();
        prop_assert_eq!(&read_file(&written).unwrap()[0], &draft, "{}", written);
    }
}
