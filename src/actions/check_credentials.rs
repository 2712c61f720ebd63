//! Asks Logpoint whether a user name and a secret key are right, without changing anything there.

use url::form_urlencoded;

use crate::actions::Actions;
use crate::egress::OutgoingRequest;
use crate::model::event::Event;
use crate::model::invocation::Invocation;
use crate::model::outcome::{Explanation, judge};
use crate::model::secret::{Redactor, secrets_of};
use crate::model::webhook::{Draft, FieldErrors};
use crate::model::{InvocationId, Trigger, WebhookId};
use crate::store;

/// Where Logpoint is asked: a call that only reads the user's own preferences, in its documented form.
const PATH: &str = "/getalloweddata";

/// Why nothing was asked.
#[derive(Debug, thiserror::Error)]
pub enum CheckCredentialsError {
    /// What was typed has mistakes.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The body holds no user name or no key.
    #[error("the body has no {0}")]
    Missing(&'static str),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What Logpoint says of the credentials.
#[derive(Debug)]
pub struct CheckedCredentials {
    /// Whether it knows them.
    pub are_right: bool,
    /// The verdict, what it means and what to do.
    pub explanation: Explanation,
}

impl Actions {
    /// Sends user name and secret key as they stand in the form's body to the form's server, the same
    /// way as a test. A masked key stands for that of `base`.
    ///
    /// # Errors
    /// See [`CheckCredentialsError`].
    pub async fn check_credentials(
        &self,
        base: Option<WebhookId>,
        draft: &Draft,
    ) -> Result<CheckedCredentials, CheckCredentialsError> {
        let parts = &self.parts;
        let whole = self.whole(base, draft).await?;
        let redactor = Redactor::new(&secrets_of(&whole));
        let webhook = self.check(only_the_target(whole)).map_err(CheckCredentialsError::Invalid)?;
        let sample = Event::sample(Trigger::Created).map_err(|_broken| store::Error::Corrupt {
            table: "events",
            detail: "the sample event".to_owned(),
        })?;
        let rendered = webhook.render_event(&sample).map_err(CheckCredentialsError::Invalid)?;
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
            let answer = exchanged.exchange.response.as_ref()?;
            judge(answer, webhook.validators()).err()
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
        .redacted(&redactor);
        Ok(verdict(&invocation, &username))
    }
}

/// A draft of which only server, key and TLS count: the rest may still be missing.
fn only_the_target(whole: Draft) -> Draft {
    let kept = Draft {
        name: "Check credentials".to_owned(),
        url: whole.url,
        body_template: whole.body_template,
        tls: whole.tls,
        timeout_in_sec: whole.timeout_in_sec,
        ..Draft::default()
    };
    Draft {
        triggers: vec![Trigger::Created.as_str().to_owned()],
        response_validators: vec![("$.success".to_owned(), vec!["true".to_owned()])],
        ..kept
    }
}

fn verdict(invocation: &Invocation, username: &str) -> CheckedCredentials {
    let are_right = invocation.succeeded();
    let mut explanation = invocation.explanation();
    if are_right {
        let body = invocation.exchange.response.as_ref().map(|answer| answer.body.as_str());
        let answer: serde_json::Value =
            serde_json::from_str(body.unwrap_or_default()).unwrap_or_default();
        explanation.headline = match answer.get("timezone").and_then(serde_json::Value::as_str) {
            Some(zone) => {
                format!("Logpoint knows {username} and the key. Its time zone is {zone}.")
            }
            None => format!("Logpoint knows {username} and the key."),
        };
    }
    CheckedCredentials { are_right, explanation }
}
