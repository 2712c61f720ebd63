//! Ids of the form's elements.

use crate::model::webhook::Field;

/// Returns the id of the element that edits a field. Errors and hints at the field have ids that start with it.
pub(super) fn element_id(field: Field) -> String {
    match field {
        Field::Name => "name".to_owned(),
        Field::Method => "method".to_owned(),
        Field::Url => "url".to_owned(),
        Field::Header(row) => format!("header-{row}"),
        Field::Authentication => "auth_kind".to_owned(),
        Field::AuthToken => "auth_token".to_owned(),
        Field::AuthUsername => "auth_username".to_owned(),
        Field::AuthPassword => "auth_password".to_owned(),
        Field::AuthClientId => "auth_client_id".to_owned(),
        Field::AuthClientSecret => "auth_client_secret".to_owned(),
        Field::AuthTokenEndpoint => "auth_token_endpoint_url".to_owned(),
        Field::AuthClientAuthentication => "auth_client_authentication".to_owned(),
        Field::AuthParameters => "auth_parameters".to_owned(),
        Field::SigningScheme => "signing_scheme".to_owned(),
        Field::SigningKey => "signing_key".to_owned(),
        Field::SigningPreviousKey => "signing_previous_key".to_owned(),
        Field::BodyTemplate => "body_template".to_owned(),
        Field::Triggers => "triggers".to_owned(),
        Field::Filter(field) => format!("filter-{}", field.key()),
        Field::Timeout => "timeout_in_sec".to_owned(),
        Field::Validator(row) => format!("validator-{row}"),
        Field::CustomMessage => "custom_validation_error_message".to_owned(),
        Field::TlsVerify => "tls_verify".to_owned(),
        Field::TlsSha256 => "tls_sha256".to_owned(),
        Field::TlsPem => "tls_pem".to_owned(),
        Field::TlsMinVersion => "tls_min_version".to_owned(),
        Field::TlsClientCertificate => "tls_client_certificate".to_owned(),
        Field::TlsClientKey => "tls_client_key".to_owned(),
        Field::MaxInFlight => "max_in_flight".to_owned(),
        Field::RatePerMinute => "rate_per_minute".to_owned(),
        Field::RetrySchedule => "retry_schedule".to_owned(),
        Field::NotSecrets => "not_secrets".to_owned(),
    }
}
