//! Removes what does not matter in a draft.

use super::draft::{AuthDraft, Draft};
use super::name;

/// Trims texts and removes empty rows.
pub(super) fn normalize(mut draft: Draft) -> Draft {
    draft.name = name::normalize(&draft.name);
    draft.url = draft.url.trim().to_owned();
    draft.method = draft.method.trim().to_ascii_uppercase();
    for (name, value) in &mut draft.headers {
        *name = name.trim().to_owned();
        // Only spaces: a line break is an error to report.
        *value = value.trim_matches(' ').to_owned();
    }
    draft.headers.retain(|(name, value)| !name.is_empty() || !value.is_empty());
    for validator in &mut draft.response_validators {
        validator.json_path = validator.json_path.trim().to_owned();
        validator.expected.retain(|value| !value.trim().is_empty());
    }
    draft.response_validators.retain(|validator| !validator.is_empty());
    for choice in draft.filters.values_mut() {
        choice.values.retain(|value| !value.trim().is_empty());
    }
    draft.filters.retain(|_, choice| !choice.values.is_empty());
    draft.authentication = normalize_authentication(draft.authentication);
    draft.signing = draft.signing.only_used();
    for text in [&mut draft.signing.key, &mut draft.signing.previous_key] {
        *text = text.trim().to_owned();
    }
    draft.timeout_in_sec = draft.timeout_in_sec.trim().to_owned();
    draft.tls.verify = draft.tls.verify.trim().to_owned();
    draft.tls.sha256 = draft.tls.sha256.trim().to_owned();
    for text in [&mut draft.max_in_flight, &mut draft.rate_per_minute, &mut draft.retry_schedule] {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    for place in &mut draft.not_secrets {
        *place = place.trim().to_owned();
    }
    draft.not_secrets.retain(|place| !place.is_empty());
    let message = draft.custom_validation_error_message.trim();
    draft.custom_validation_error_message = message.to_owned();
    draft
}

fn normalize_authentication(draft: AuthDraft) -> AuthDraft {
    let mut auth = draft.only_selected_kind();
    for text in [
        &mut auth.token,
        &mut auth.client_id,
        &mut auth.client_secret,
        &mut auth.token_endpoint_url,
    ] {
        *text = text.trim().to_owned();
    }
    auth.scopes = auth.scopes.split_whitespace().collect::<Vec<_>>().join(" ");
    auth
}
