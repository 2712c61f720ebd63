//! The account's page.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::identity::Role;
use crate::store::{second_factors, sessions};
use crate::web::components::SelectOption;
use crate::web::display_time::DisplayTime;
use crate::web::page::{self, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// A session of the user, ready to print.
struct SessionView {
    id: String,
    device: String,
    address: String,
    last_used: DisplayTime,
    started: DisplayTime,
    is_current: bool,
}

/// Why the password was not changed.
#[derive(Default)]
pub(super) struct PasswordErrors {
    pub(super) current: String,
    pub(super) new: String,
}

#[derive(Template)]
#[template(path = "account/show.html")]
struct AccountPage {
    page: Page,
    role: Role,
    /// Whether the user can change a password.
    has_password: bool,
    /// The name of the identity provider; empty without single sign-on.
    provider: String,
    errors: PasswordErrors,
    /// Number of recovery codes that are left, if the user has a second factor.
    recovery_codes: Option<i64>,
    /// Whether the user must have a second factor.
    requires_second_factor: bool,
    sessions: Vec<SessionView>,
    themes: [SelectOption; 3],
    time_zones: Vec<SelectOption>,
}

/// `GET /account`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
) -> Result<Response, Error> {
    page(&state, &current, PasswordErrors::default()).await
}

/// Renders the page, with why the password was not changed.
pub(super) async fn page(
    state: &WebState,
    current: &CurrentUser,
    errors: PasswordErrors,
) -> Result<Response, Error> {
    let now = current.now(state);
    let found = sessions::list_of_user(&state.db, current.user.id, now.time).await?;
    let sessions = found.into_iter().map(|session| SessionView {
        is_current: session.id == current.session.id(),
        id: session.id.to_string(),
        device: session.device,
        address: session.address,
        last_used: DisplayTime::new(session.last_used_at, now),
        started: DisplayTime::new(session.created_at, now),
    });
    let recovery_codes = if second_factors::exists(&state.db, current.user.id).await? {
        Some(second_factors::count_recovery_codes(&state.db, current.user.id).await?)
    } else {
        None
    };
    let requirement = state.policy.second_factor;
    let requires_second_factor =
        second_factors::is_required(&state.db, current.user.id, requirement).await?;
    let preferences = &current.preferences;
    let themes = [("system", "System"), ("light", "Light"), ("dark", "Dark")]
        .map(|(value, label)| SelectOption::new(value, label, value == preferences.theme));
    let time_zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| {
        let (name, label) = (zone.name(), zone.name().replace('_', " "));
        SelectOption::new(name, label, name == preferences.time_zone)
    });
    page::html(&AccountPage {
        page: Page::new(current, "Account", None).await?,
        role: current.role(),
        has_password: current.session.has_password() && state.actions.allows_passwords(),
        provider: state.actions.single_sign_on_name().unwrap_or_default().to_owned(),
        errors,
        recovery_codes,
        requires_second_factor,
        sessions: sessions.collect(),
        themes,
        time_zones: time_zones.collect(),
    })
}
