//! The pages: server-rendered, swapped in parts by htmx, and whole without it.
//!
//! A handler reads what it shows from `store` and asks `actions` to change things. Templates get
//! strings ready to print. It must not know how things are sent or stored.

mod assets;
mod auth;
mod components;
mod csrf;
mod deliveries;
mod display_time;
mod error;
mod form;
mod invocations;
mod markup;
mod page;
mod routes;
mod security;
mod session;
mod text;
mod webhooks;

use url::Url;

use crate::actions::Actions;
use crate::model::Sources;
use crate::store::PgPool;

pub use error::Error;
pub use routes::router;

/// What the pages need.
#[derive(Debug, Clone)]
pub struct WebState {
    /// What a person can ask for.
    pub actions: Actions,
    /// For reads.
    pub db: PgPool,
    /// Clock and entropy.
    pub sources: Sources,
    /// How the server is seen from outside.
    pub public: Public,
}

/// How the server is seen from outside.
#[derive(Debug, Clone, Default)]
pub struct Public {
    /// The address people use, where the operator has set it.
    pub url: Option<Url>,
    /// Whether cookies are sent over https alone.
    pub secure_cookies: bool,
}
