//! The pages, rendered on the server. htmx replaces parts of them; without scripts, whole pages are loaded.
//!
//! A handler reads from `store` and changes data through `actions`. Templates get texts ready to print. This module does
//! not depend on how events are sent or stored.

mod account;
mod assets;
mod audit;
mod auth;
mod charts;
mod components;
mod cookies;
mod csrf;
mod deliveries;
mod device_name;
mod display_time;
mod error;
mod events;
mod form;
mod form_address;
mod highlight;
mod invocations;
mod list_filters;
mod live;
mod notifications;
mod page;
mod route;
mod routes;
mod secrets;
mod security;
mod session;
mod started_session;
mod status;
mod text;
mod tokens;
mod users;
mod visitor;
mod webhooks;
mod work_limit;

use axum::http::{HeaderMap, header};
use url::Url;

use crate::actions::Actions;
use crate::health::Health;
use crate::identity::UserLimits;
use crate::model::{SecurityPolicy, Sources};
use crate::store::PgPool;

pub use csrf::CsrfKey;
pub use error::Error;
pub use live::LiveStreams;
pub use route::RouteRule;
pub use routes::{route_rules, router};
pub use session::SessionLimits;

/// State of all handlers.
#[derive(Debug, Clone)]
pub struct WebState {
    /// What users can do.
    pub actions: Actions,
    /// Checks the installation.
    pub health: Health,
    /// For reads.
    pub db: PgPool,
    /// Clock and entropy.
    pub sources: Sources,
    /// What the operator requires.
    pub policy: SecurityPolicy,
    /// How browsers reach the server.
    pub public: PublicAddress,
    /// The key of the tokens in forms.
    pub csrf_key: CsrfKey,
    /// How long sessions last.
    pub session_limits: SessionLimits,
    /// Open streams of updates.
    pub live_streams: LiveStreams,
    /// Limits the work of each user.
    pub user_limits: UserLimits,
}

/// How browsers reach the server.
#[derive(Debug, Clone, Default)]
pub struct PublicAddress {
    /// The URL that users open, if it is configured.
    pub url: Option<Url>,
    /// Whether browsers may send cookies only over HTTPS.
    pub secure_cookies: bool,
}

impl PublicAddress {
    /// Whether the browser that sent a request uses HTTPS.
    pub fn is_secure(&self, request: &HeaderMap) -> bool {
        // The application removes this header unless it is from a trusted proxy.
        let forwarded = request.get("x-forwarded-proto");
        self.secure_cookies || forwarded.is_some_and(|scheme| scheme == "https")
    }

    /// Returns the address of a page as the browser that sent a request would enter it.
    pub fn link(&self, request: &HeaderMap, path: &str) -> String {
        let host = request.get(header::HOST).and_then(|host| host.to_str().ok());
        let origin = match (&self.url, host) {
            (Some(url), _) => url.origin().ascii_serialization(),
            (None, Some(host)) if self.is_secure(request) => format!("https://{host}"),
            (None, host) => format!("http://{}", host.unwrap_or("localhost")),
        };
        format!("{origin}{path}")
    }
}
