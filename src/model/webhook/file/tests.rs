//! Reading and writing the file format.

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
