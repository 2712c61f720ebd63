//! From an accepted event to a recorded invocation.

mod attempts;
mod authentication;
mod failing;
mod manual;
mod order;
mod plans;
mod retention;
mod webhooks_change;

use crate::support::logpoint::FakeLogpoint;

/// A webhook that reopens an incident, with the certificate of the simulated Logpoint pinned.
pub(crate) fn reopen(logpoint: &FakeLogpoint, name: &str, more: &str) -> String {
    format!(
        r#"
webhooks:
  - name: {name}
    type: {{ http_request: {{ url: "{url}" }} }}
    body_template: '{{"username": "svc-gatepost", "secret_key": "demo-key", "requestData": {{"version": "0.1",
      "incident_ids": ["5a62bd8cce983de89085429c"]}}, "id": "{{{{delivery.id}}}}", "try": {{{{delivery.attempt}}}}}}'
    triggers: [Created, Granted]
    response_validators: [{{ json_path: $.success, expected_values: ["true"] }}]
    tls: {{ verify: pinned, sha256: "{sha256}" }}
    timeout_in_sec: 2
{more}
"#,
        url = logpoint.url("/reopen_incident"),
        sha256 = logpoint.fingerprint(),
    )
}
