//! Checks a Logpoint user name and secret key with a request that changes nothing.

use url::form_urlencoded;

use crate::actions::Actions;
use crate::egress::OutgoingRequest;
use crate::model::event::Event;
use crate::model::invocation::Invocation;
use crate::model::outcome::{Explanation, judge};
use crate::model::secret::{Redactor, secrets_of};
use crate::model::webhook::{Draft, FieldErrors, ValidatorDraft};
use crate::model::{InvocationId, Trigger, WebhookId};
use crate::store;

/// Path of a documented Logpoint API call that only reads the user's own preferences.
const PATH: &str = "/getalloweddata";

/// Why credentials were not checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckCredentialsError {
    /// The draft is invalid.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The body has no user name or no key.
    #[error("the body has no {0}")]
    Missing(&'static str),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The result of a check.
#[derive(Debug)]
pub struct CheckedCredentials {
    /// Whether Logpoint accepted the credentials.
    pub are_valid: bool,
    /// What happened, what that means, and what to do.
    pub explanation: Explanation,
}

impl Actions {
    /// Sends the user name and the secret key of the draft's body to the draft's server, with the same client as a test.
    /// A masked key is replaced by that of `base`.
    ///
    /// # Errors
    /// See [`CheckCredentialsError`].
    pub async fn check_credentials(
        &self,
        base: Option<WebhookId>,
        draft: &Draft,
    ) -> Result<CheckedCredentials, CheckCredentialsError> {
        let parts = &self.parts;
        let draft = self.unmasked(base, draft).await?;
        let redactor = Redactor::new(&secrets_of(&draft));
        let sample = Event::sample(Trigger::Created).map_err(|_broken| store::Error::Corrupt {
            table: "events",
            detail: "the sample event".to_owned(),
        })?;
        let actions = self.clone();
        let render = move || {
            let webhook = actions.check_now(target_only(draft))?;
            Ok((webhook.render_event(&sample)?, webhook))
        };
        let rendered = self.run_blocking(render).await;
        let (rendered, webhook) = rendered.map_err(CheckCredentialsError::Invalid)?;
        let body: serde_json::Value =
            serde_json::from_str(rendered.body.as_deref().unwrap_or_default()).unwrap_or_default();
        let read = |key: &'static str| {
            let text = body.get(key).and_then(serde_json::Value::as_str);
            let text = text.filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or(CheckCredentialsError::Missing(key))
        };
        let (username, secret_key) = (read("username")?, read("secret_key")?);
        let mut url = rendered.url;
        url.set_path(PATH);
        url.set_query(None);
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("username", &username)
            .append_pair("secret_key", &secret_key)
            .append_pair("type", "user_preference")
            .finish();
        let content_type = "application/x-www-form-urlencoded".to_owned();
        let started_at = parts.sources.now();
        let exchanged = parts
            .client
            .exchange(OutgoingRequest {
                method: "POST",
                url: &url,
                headers: vec![("Content-Type".to_owned(), content_type)],
                body: Some(form),
                timeout: webhook.timeout(),
                tls: webhook.tls(),
            })
            .await;
        let failure = exchanged.failure.or_else(|| {
            let response = exchanged.exchange.response.as_ref()?;
            judge(response, webhook.validators()).err()
        });
        let invocation = Invocation {
            id: InvocationId::new(&parts.sources),
            webhook_id: base,
            webhook_name: webhook.name().to_owned(),
            delivery_id: None,
            attempt: 1,
            trigger: Trigger::Created,
            started_at,
            failure,
            custom_message: None,
            exchange: exchanged.exchange,
            token_exchanges: Vec::new(),
        }
        .redacted(&redactor)
        .shortened();
        Ok(explain(&invocation, &username))
    }
}

/// Returns a valid draft with the server, body and TLS policy of another one, whose other fields may be incomplete.
fn target_only(draft: Draft) -> Draft {
    let kept = Draft {
        name: "Check credentials".to_owned(),
        url: draft.url,
        body_template: draft.body_template,
        tls: draft.tls,
        timeout_in_sec: draft.timeout_in_sec,
        ..Draft::default()
    };
    Draft {
        triggers: vec![Trigger::Created.as_str().to_owned()],
        response_validators: vec![ValidatorDraft::at("$.success", "true")],
        ..kept
    }
}

fn explain(invocation: &Invocation, username: &str) -> CheckedCredentials {
    let are_valid = invocation.succeeded();
    let mut explanation = invocation.explanation();
    if are_valid {
        let body = invocation.exchange.response.as_ref().map(|response| response.body.as_str());
        let parsed: serde_json::Value =
            serde_json::from_str(body.unwrap_or_default()).unwrap_or_default();
        explanation.headline = match parsed.get("timezone").and_then(serde_json::Value::as_str) {
            Some(zone) => {
                format!("Logpoint accepted {username} and the key. The user's time zone is {zone}.")
            }
            None => format!("Logpoint accepted {username} and the key."),
        };
    }
    CheckedCredentials { are_valid, explanation }
}
