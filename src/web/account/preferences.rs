//! The theme and the time zone of the user.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use chrono_tz::Tz;
use serde::Deserialize;

use crate::store::users::{self, Preferences};
use crate::web::form::Form;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// The themes that can be chosen.
const THEMES: [&str; 3] = ["system", "light", "dark"];

#[derive(Debug, Deserialize)]
pub(in crate::web) struct PreferencesForm {
    theme: String,
    time_zone: String,
}

/// `POST /account/preferences`
pub(in crate::web) async fn save(
    State(state): State<WebState>,
    current: CurrentUser,
    Form(form): Form<PreferencesForm>,
) -> Result<Response, Error> {
    let theme = check_theme(&form.theme)?;
    let zone: Tz = form.time_zone.parse().map_err(|_error: chrono_tz::ParseError| {
        Error::Unreadable(format!("\"{}\" is not a time zone", form.time_zone))
    })?;
    let preferences = Preferences { theme: theme.to_owned(), time_zone: zone.name().to_owned() };
    users::update_preferences(&state.db, current.user.id, &preferences).await?;
    current.session.notify("Saved your preferences.").await?;
    Ok(Redirect::to("/account").into_response())
}

fn check_theme(theme: &str) -> Result<&str, Error> {
    if THEMES.contains(&theme) {
        Ok(theme)
    } else {
        Err(Error::Unreadable(format!("\"{theme}\" is not a theme")))
    }
}
