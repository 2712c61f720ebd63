//! Checks a Logpoint user name and secret key with a request that changes nothing.

use serde_json::Value;
use url::form_urlencoded;

use crate::actions::{Actions, Entered};
use crate::egress::OutgoingRequest;
use crate::model::event::Event;
use crate::model::exchange::RecordedParts;
use crate::model::invocation::Invocation;
use crate::model::outcome::{Explanation, judge};
use crate::model::webhook::{Draft, FieldErrors, ValidatorDraft};
use crate::model::{DeliveryId, InvocationId, Trigger};
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
    ///
    /// # Errors
    /// See [`CheckCredentialsError`].
    pub async fn check_credentials(
        &self,
        entered: Entered,
    ) -> Result<CheckedCredentials, CheckCredentialsError> {
        let parts = &self.parts;
        let webhook_id = entered.webhook;
        let sample = Event::sample(Trigger::Created).map_err(|_broken| store::Error::Corrupt {
            table: "events",
            detail: "the sample event".to_owned(),
        })?;
        let entered = Entered { draft: target_only(entered.draft), ..entered };
        let mut connection = parts.db.acquire().await.map_err(store::Error::from)?;
        let prepared = self.prepare(&mut connection, entered).await?;
        drop(connection);
        let resolved = prepared.map_err(CheckCredentialsError::Invalid)?.resolved;
        let render = move || {
            let id = DeliveryId::from(uuid::Uuid::nil()).to_string();
            (resolved.render(sample.payload(), (&id, 1), &sample.raw), resolved)
        };
        let (rendered, resolved) = self.run_blocking(render).await;
        let rendered =
            rendered.map_err(|error| CheckCredentialsError::Invalid(error.into_field_errors()))?;
        let webhook = resolved.webhook();
        let sent = Credentials::read(rendered.body.as_deref())?;
        // The user name may be a secret too.
        let record = rendered.recorded.body.as_ref().or(rendered.body.as_ref());
        let shown = Credentials::read(record.map(String::as_str))?;
        let mut url = rendered.url;
        url.set_path(PATH);
        url.set_query(None);
        let content_type = "application/x-www-form-urlencoded".to_owned();
        let started_at = parts.sources.now();
        let exchanged = parts
            .client
            .exchange(OutgoingRequest {
                method: "POST",
                url: &url,
                headers: vec![("Content-Type".to_owned(), content_type)],
                body: Some(sent.form()),
                timeout: webhook.timeout(),
                tls: resolved.tls(),
                recorded: RecordedParts { body: Some(shown.form()), ..RecordedParts::default() },
            })
            .await;
        let (mut exchange, mut failure) = (exchanged.exchange, exchanged.failure);
        exchange.redact(resolved.redactor());
        if let Some(cause) = &mut failure {
            cause.redact(resolved.redactor());
        }
        let failure = failure.or_else(|| {
            let response = exchange.response.as_ref()?;
            judge(response, webhook.validators()).err()
        });
        let invocation = Invocation {
            id: InvocationId::new(&parts.sources),
            webhook_id,
            webhook_name: webhook.name().to_owned(),
            delivery_id: None,
            attempt: 1,
            trigger: Trigger::Created,
            started_at,
            failure,
            custom_message: None,
            exchange,
            trace_id: None,
            token_exchanges: Vec::new(),
        }
        .shortened();
        Ok(explain(&invocation, &shown.username))
    }
}

/// The user name and the key in a body.
struct Credentials {
    username: String,
    secret_key: String,
}

impl Credentials {
    fn read(body: Option<&str>) -> Result<Self, CheckCredentialsError> {
        let body: Value = serde_json::from_str(body.unwrap_or_default()).unwrap_or_default();
        let read = |key: &'static str| {
            let text = body.get(key).and_then(Value::as_str);
            let text = text.filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or(CheckCredentialsError::Missing(key))
        };
        Ok(Self { username: read("username")?, secret_key: read("secret_key")? })
    }

    fn form(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .append_pair("username", &self.username)
            .append_pair("secret_key", &self.secret_key)
            .append_pair("type", "user_preference")
            .finish()
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
        let parsed: Value = serde_json::from_str(body.unwrap_or_default()).unwrap_or_default();
        explanation.headline = match parsed.get("timezone").and_then(Value::as_str) {
            Some(zone) => {
                format!("Logpoint accepted {username} and the key. The user's time zone is {zone}.")
            }
            None => format!("Logpoint accepted {username} and the key."),
        };
    }
    CheckedCredentials { are_valid, explanation }
}
