//! Creates an API token, and shows it once.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use serde::Deserialize;

use crate::actions::{IssueTokenError, IssuedToken, NewToken, Scope};
use crate::model::sender_key::SenderScheme;
use crate::web::components::SelectOption;
use crate::web::display_time::DisplayTime;
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// The lifetimes that the form offers, in days, and the proposed one.
const LIFETIMES: [u16; 3] = [30, 90, 365];
const DEFAULT_LIFETIME: &str = "90";
/// Value of the option for a token that does not expire.
const NEVER: &str = "never";

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(in crate::web) struct TokenForm {
    name: String,
    scope: String,
    expires: String,
    /// How the sender must sign: a scheme, or empty.
    signature: String,
    /// `true` if the signature replaces the token.
    signature_only: String,
}

impl Default for TokenForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            scope: Scope::Events.as_str().to_owned(),
            expires: DEFAULT_LIFETIME.to_owned(),
            signature: String::new(),
            signature_only: String::new(),
        }
    }
}

#[derive(Template)]
#[template(path = "tokens/form.html")]
struct FormPage {
    page: Page,
    form: TokenForm,
    scopes: Vec<ScopeView>,
    lifetimes: Vec<SelectOption>,
    /// After how many days a token must expire at the latest, if strict mode requires that.
    max_days: Option<u16>,
    errors: TokenErrors,
}

/// Errors of the fields; empty if there are none.
#[derive(Debug, Default)]
struct TokenErrors {
    name: String,
    signature: &'static str,
    expires: String,
}

impl TokenErrors {
    fn new(error: &IssueTokenError) -> Self {
        let none = Self::default();
        match error {
            IssueTokenError::NoSignature => Self {
                signature: "Only tokens with the scope events can require a signature. Choose that scope, or None.",
                ..none
            },
            IssueTokenError::TooManyKeys => Self {
                signature: "There are too many tokens with signatures: revoke one first.",
                ..none
            },
            IssueTokenError::NameTaken(name) => Self {
                name: format!("Another token has the name \"{name}\". Choose another name."),
                ..none
            },
            IssueTokenError::Lifetime(max_days) => Self {
                expires: format!(
                    "Strict mode requires that a token expires. Choose at most {max_days} days."
                ),
                ..none
            },
            IssueTokenError::Name | IssueTokenError::Store(_) => {
                Self { name: "Enter a name with 1 to 80 characters.".to_owned(), ..none }
            }
        }
    }
}

/// An option for the scope.
struct ScopeView {
    name: &'static str,
    description: &'static str,
    is_selected: bool,
}

#[derive(Template)]
#[template(path = "tokens/created.html")]
struct CreatedPage {
    page: Page,
    title: &'static str,
    name: String,
    /// Empty if the signature replaces the token.
    token: String,
    /// The key for signatures; empty if none is required.
    key: String,
    expires: Option<DisplayTime>,
    curl: String,
    hint: &'static str,
}

/// `GET /tokens/new`
pub(in crate::web) async fn new(
    State(state): State<WebState>,
    current: CurrentUser,
) -> Result<Response, Error> {
    form(&state, &current, TokenForm::default(), TokenErrors::default()).await
}

async fn form(
    state: &WebState,
    current: &CurrentUser,
    form: TokenForm,
    errors: TokenErrors,
) -> Result<Response, Error> {
    let max_days = state.policy.max_token_days;
    let scopes = Scope::ALL.map(|scope| ScopeView {
        name: scope.as_str(),
        description: describe(scope),
        is_selected: scope.as_str() == form.scope,
    });
    let permitted =
        LIFETIMES.into_iter().filter(|days| max_days.is_none_or(|max_days| *days <= max_days));
    let days = permitted.map(|days| {
        let days = days.to_string();
        let is_selected = days == form.expires;
        SelectOption::new(days.as_str(), format!("{days} days"), is_selected)
    });
    let never = SelectOption::new(NEVER, "Never", form.expires == NEVER);
    let lifetimes = days.chain(max_days.is_none().then_some(never)).collect();
    let page = Page::new(current, "Create token", Nav::Tokens).await?;
    page::html(&FormPage { page, scopes: scopes.into(), lifetimes, max_days, form, errors })
}

fn describe(scope: Scope) -> &'static str {
    match scope {
        Scope::Events => "Send events. For Apono and other senders.",
        Scope::Read => "Read what became of events, and metrics for Prometheus.",
        Scope::Manage => "Send events manually, redeliver, and read.",
    }
}

/// `POST /tokens`. The response contains the token, which is stored nowhere.
pub(in crate::web) async fn create(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Form(typed): Form<TokenForm>,
) -> Result<Response, Error> {
    let lifetime = match LIFETIMES.into_iter().find(|days| days.to_string() == typed.expires) {
        Some(days) => Some(TimeDelta::days(days.into())),
        None if typed.expires == NEVER => None,
        None => return Err(Error::Unreadable("unknown time of expiry".to_owned())),
    };
    let scope: Scope = typed.scope.parse().map_err(Error::Unreadable)?;
    let signature =
        match typed.signature.as_str() {
            "" => None,
            scheme => Some(scheme.parse::<SenderScheme>().map_err(|_unknown| {
                Error::Unreadable("unknown scheme of signatures".to_owned())
            })?),
        };
    let new = NewToken {
        name: &typed.name,
        scope,
        lifetime,
        signature: signature.map(|scheme| (scheme, typed.signature_only == "true")),
    };
    let IssuedToken { text, key } = match state.actions.issue_token(new, &current.actor()).await {
        Ok(issued) => issued,
        Err(IssueTokenError::Store(error)) => return Err(error.into()),
        Err(error) => {
            let page = form(&state, &current, typed, TokenErrors::new(&error)).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
    };
    let now = current.now(&state);
    let base = state.public.link(&headers, "");
    let token = text.map(|text| text.reveal().to_owned()).unwrap_or_default();
    let key = key.map(|key| key.expose().to_owned()).unwrap_or_default();
    let (curl, hint) = match signature {
        Some(scheme) => signed_example(scheme, &base, &token, &key),
        None => example(scope, &base, &token, now.time.timestamp()),
    };
    let title = if token.is_empty() { "Signing key created" } else { "Token created" };
    let page = Page::new(&current, title, Nav::Tokens).await?;
    page::html(&CreatedPage {
        page,
        title,
        name: typed.name.trim().to_owned(),
        token,
        key,
        expires: lifetime.map(|lifetime| DisplayTime::new(now.time + lifetime, now)),
        curl,
        hint,
    })
}

/// Returns a command that uses the token, and what it does.
fn example(scope: Scope, base: &str, token: &str, now: i64) -> (String, &'static str) {
    let bearer = format!("\\\n  -H 'Authorization: Bearer {token}'");
    match scope {
        Scope::Events => (
            format!(
                "curl {base}/api/v1/events {bearer} \\\n  -H 'Content-Type: application/json' \\\n  --data \
                 '{{\"event_type\":\"AccessRequestCreated\",\n    \"event_time\":{now},\"data\":{{\"id\":\"curl-test\"}}}}'"
            ),
            "Sends an event to all active webhooks that match.",
        ),
        Scope::Read => (
            format!("curl {base}/api/v1/events/EVENT_ID/explain {bearer}"),
            "Replace EVENT_ID with the id of an event.",
        ),
        Scope::Manage => (
            format!(
                "curl {base}/api/v1/webhooks/WEBHOOK_ID/invoke {bearer} \\\n  --data '{{\"sample\":\"Granted\"}}'"
            ),
            "Replace WEBHOOK_ID with the id of a webhook. Sends it a sample event.",
        ),
    }
}

/// Returns commands that sign and send an event, and what they do.
fn signed_example(
    scheme: SenderScheme,
    base: &str,
    token: &str,
    key: &str,
) -> (String, &'static str) {
    let bearer = match token {
        "" => String::new(),
        token => format!(" \\\n  -H 'Authorization: Bearer {token}'"),
    };
    let code = match scheme {
        SenderScheme::StandardWebhooks => include_str!("examples/standard_webhooks.sh"),
        SenderScheme::HmacSha256 => include_str!("examples/hmac_sha256.sh"),
    };
    let code = code.trim_end().replace("@KEY@", key).replace("@BASE@", base);
    (
        code.replace("@BEARER@", &bearer),
        "Signs an event, and sends it to all active webhooks that match.",
    )
}
