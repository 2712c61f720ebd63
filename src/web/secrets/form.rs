//! The form of a secret. The value is never sent to the browser, so it is empty each time the form is shown.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{count_uses, parse_id};
use crate::actions::{SecretErrors, SecretField};
use crate::model::SecretId;
use crate::model::secret::{AllowedHost, Secret};
use crate::store;
use crate::store::secrets::{self, SecretUser};
use crate::store::webhooks;
use crate::web::display_time::{DisplayTime, LocalNow};
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// What a user typed, without the value.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) name: String,
    pub(super) hosts: String,
    pub(super) scopes: String,
    pub(super) token_hosts: String,
    pub(super) description: String,
    /// Whether a value was typed, which must be typed again.
    pub(super) has_value: bool,
}

impl Typed {
    fn stored(secret: &Secret) -> Self {
        let tokens = secret.limits.tokens.as_ref();
        Self {
            name: secret.name.as_str().to_owned(),
            hosts: lines(&secret.limits.hosts),
            scopes: tokens.map(|tokens| tokens.scopes.clone()).unwrap_or_default(),
            token_hosts: tokens.map(|tokens| lines(&tokens.hosts)).unwrap_or_default(),
            description: secret.description.clone(),
            has_value: false,
        }
    }
}

fn lines(hosts: &[AllowedHost]) -> String {
    hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A stored secret, ready to print.
pub(super) struct StoredView {
    pub(super) id: String,
    pub(super) name: String,
    reference: String,
    /// Name of the webhook that alone may use it; none for a shared secret.
    webhook_name: Option<String>,
    webhook_href: String,
    pub(super) users: Vec<UserView>,
    uses: String,
    updated: DisplayTime,
    updated_by: String,
}

/// A webhook that uses a secret.
pub(super) struct UserView {
    pub(super) name: String,
    pub(super) href: String,
}

impl StoredView {
    /// Loads what the pages of a secret show.
    pub(super) async fn load(
        state: &WebState,
        current: &CurrentUser,
        id: SecretId,
    ) -> Result<(Self, Secret), Error> {
        let mut tx = store::begin(&state.db).await.map_err(store::Error::from)?;
        let secret = secrets::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
        let users = secrets::list_users(&mut tx, &secret).await?;
        tx.commit().await.map_err(store::Error::from)?;
        let webhook_name = match secret.webhook {
            Some(id) => webhooks::find(&state.db, id).await?.map(|draft| draft.name),
            None => None,
        };
        Ok((Self::new(&secret, users, webhook_name, current.now(state)), secret))
    }

    fn new(
        secret: &Secret,
        users: Vec<SecretUser>,
        webhook_name: Option<String>,
        now: LocalNow,
    ) -> Self {
        Self {
            id: secret.id.to_string(),
            name: secret.name.as_str().to_owned(),
            reference: secret.name.reference(),
            webhook_name,
            webhook_href: secret.webhook.map(|id| format!("/webhooks/{id}")).unwrap_or_default(),
            uses: count_uses(i64::try_from(users.len()).unwrap_or(i64::MAX)),
            users: users
                .into_iter()
                .map(|user| UserView {
                    href: format!("/webhooks/{}/edit", user.id),
                    name: user.name,
                })
                .collect(),
            updated: DisplayTime::new(secret.updated_at, now),
            updated_by: secret.updated_by.to_string(),
        }
    }
}

/// The form, ready to print.
pub(super) struct FormView {
    csrf: String,
    save_href: String,
    /// None for a new secret.
    stored: Option<StoredView>,
    typed: Typed,
    /// Errors by element id.
    errors: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "secrets/form.html")]
struct FormPage {
    page: Page,
    form: FormView,
}

#[derive(Template)]
#[template(path = "secrets/form.html", block = "form")]
struct FormPart {
    form: FormView,
}

impl FormView {
    pub(super) fn new(current: &CurrentUser, stored: Option<StoredView>, typed: Typed) -> Self {
        let save_href = stored
            .as_ref()
            .map_or_else(|| "/secrets".to_owned(), |stored| format!("/secrets/{}", stored.id));
        Self { csrf: current.session.csrf.clone(), save_href, stored, typed, errors: Vec::new() }
    }

    /// Adds validation errors.
    pub(super) fn with_errors(mut self, errors: &SecretErrors) -> Self {
        self.errors =
            errors.iter().map(|(field, message)| (element_id(field), message.to_owned())).collect();
        self
    }

    /// Whether there are validation errors.
    fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The banner above the form.
    fn error_summary(&self) -> String {
        match self.errors.len() {
            1 => "Fix 1 error before saving.".to_owned(),
            count => format!("Fix {count} errors before saving."),
        }
    }

    /// The errors of an element.
    fn error(&self, id: &str) -> Option<String> {
        let of_id = |(at, _): &&(&str, String)| *at == id;
        let mut messages: Vec<&str> =
            self.errors.iter().filter(of_id).map(|(_, message)| message.as_str()).collect();
        if id == "value" && messages.is_empty() && self.has_errors() && self.typed.has_value {
            messages.push("Enter the value again. It is not kept while the form has errors.");
        }
        if messages.is_empty() { None } else { Some(messages.join(" ")) }
    }

    /// The attributes that connect an element with its error and its hint. The first element with an error gets the focus.
    /// The text is safe HTML, because ids contain no user input.
    fn attrs(&self, id: &str) -> String {
        if self.error(id).is_none() {
            return format!("aria-describedby=\"{id}-hint\"");
        }
        let is_first = self.errors.first().is_some_and(|(first, _)| *first == id);
        let focus = if is_first { " autofocus" } else { "" };
        format!("aria-invalid=\"true\" aria-describedby=\"{id}-error {id}-hint\"{focus}")
    }

    /// Whether the limits of an OAuth client are used or have an error.
    fn opens_oauth(&self) -> bool {
        !self.typed.scopes.is_empty()
            || !self.typed.token_hosts.is_empty()
            || self.error("scopes").is_some()
            || self.error("token_hosts").is_some()
    }

    fn title(&self) -> String {
        self.stored.as_ref().map_or_else(|| "Add secret".to_owned(), |stored| stored.name.clone())
    }

    /// Renders the whole page.
    pub(super) async fn page(self, current: &CurrentUser) -> Result<Response, Error> {
        let title = match &self.stored {
            Some(stored) => format!("{} · Secrets", stored.name),
            None => self.title(),
        };
        let page = Page::new(current, title, Nav::Secrets).await?;
        page::html(&FormPage { page, form: self })
    }

    /// Responds to a form with errors: with the form alone for htmx, otherwise with the page.
    pub(super) async fn reject(
        self,
        current: &CurrentUser,
        is_htmx: bool,
    ) -> Result<Response, Error> {
        let shown = if is_htmx {
            page::html(&FormPart { form: self })?
        } else {
            self.page(current).await?
        };
        Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response())
    }
}

fn element_id(field: SecretField) -> &'static str {
    match field {
        SecretField::Name => "name",
        SecretField::Value => "value",
        SecretField::Hosts => "hosts",
        SecretField::Scopes => "scopes",
        SecretField::TokenHosts => "token_hosts",
        SecretField::Description => "description",
    }
}

/// `GET /secrets/new`
pub(in crate::web) async fn new(current: CurrentUser) -> Result<Response, Error> {
    FormView::new(&current, None, Typed::default()).page(&current).await
}

/// `GET /secrets/{id}`
pub(in crate::web) async fn edit(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let (stored, secret) = StoredView::load(&state, &current, parse_id(&id)?).await?;
    FormView::new(&current, Some(stored), Typed::stored(&secret)).page(&current).await
}
