//! A session that starts, because its user has signed in.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::response::Response;

use super::session::{CurrentUser, Session};
use super::visitor::Visitor;
use super::{Error, WebState, cookies, device_name};
use crate::actions::SignedIn;
use crate::model::{Origin, Timestamp};
use crate::store::sessions::{self, NewSession, SessionCredentials, SessionKey};
use crate::store::{second_factors, users};

/// A session that has just started, and the cookies that its browser gets.
#[derive(Debug)]
pub(super) struct StartedSession {
    pub(super) current: CurrentUser,
    cookie: String,
    device: String,
}

/// Starts a session in place of the one that the browser has, if it has one.
pub(super) async fn start(
    state: &WebState,
    done: SignedIn,
    headers: &HeaderMap,
    from: IpAddr,
) -> Result<StartedSession, Error> {
    let SignedIn { user, session_version, device, provider } = done;
    if let Some(before) = cookies::find(headers, &state.public, cookies::SESSION) {
        sessions::delete_by_key(&state.db, &SessionKey::new(&before)).await?;
    }
    let cookie = hex::encode(state.sources.bytes::<32>());
    let now = state.sources.now();
    // Credentials that the user entered at the provider long ago, or at a time that it does not tell, are not enough to change
    // users, secrets and tokens.
    let password_entered_at = match &provider {
        Some(provider) => provider.authenticated_at.map_or(Timestamp::UNIX_EPOCH, |at| at.min(now)),
        None => now,
    };
    let is_from_provider = provider.is_some();
    let credentials = SessionCredentials {
        has_password: !is_from_provider,
        is_from_provider,
        entered_at: password_entered_at,
    };
    let new = NewSession {
        user: user.id,
        now,
        expires_at: state.session_limits.end(now, now),
        device: &device_name::of(headers),
        address: &from.to_canonical().to_string(),
        password_entered_at,
        id_token: provider.as_ref().map(|provider| provider.id_token.as_slice()),
        version: session_version,
    };
    let key = SessionKey::new(&cookie);
    let id = sessions::insert(&state.db, &key, &new).await?.ok_or(Error::SessionsEnded)?;
    let session = Session::new((id, key), false, credentials, state);
    let preferences = users::find_preferences(&state.db, user.id).await?;
    let preferences = preferences.ok_or(Error::NotFound)?;
    let requirement = state.policy.second_factor;
    let states = second_factors::list_states(&state.db, &[user.id], requirement).await?;
    let state = states.get(&user.id).copied().unwrap_or_default();
    let current = CurrentUser {
        user,
        preferences,
        session,
        origin: Origin::default(),
        // The provider asks for further factors itself.
        must_set_up_second_factor: !is_from_provider && state.must_set_up(),
    };
    Ok(StartedSession { current, cookie, device })
}

impl StartedSession {
    /// Adds the cookies to a response.
    pub(super) fn respond(
        self,
        mut response: Response,
        visitor: &Visitor,
        request: &HeaderMap,
        state: &WebState,
    ) -> Response {
        for (name, value) in [(cookies::SESSION, &self.cookie), (cookies::DEVICE, &self.device)] {
            cookies::set(&mut response, request, &state.public, name, value);
        }
        visitor.keep(&mut response, request, state);
        response
    }
}
