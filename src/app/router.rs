//! Combines the routes of pages, API and health checks.

use axum::Router;
use axum::middleware;
use axum::routing::get;
use chrono::TimeDelta;

use super::client_address::{self, TrustedProxies};
use super::{health, public_host, request_origin, response_headers};
use crate::actions::Actions;
use crate::api::{self, ApiState, RecentScrapers};
use crate::config::Config;
use crate::delivery::Dispatcher;
use crate::health::Health;
use crate::identity::{RecordLimit, SenderKeys, SenderLimit, TokenCache, UserLimits};
use crate::monitoring::Monitor;
use crate::store::PgPool;
use crate::vault::Vault;
use crate::web::{self, CsrfKey, LiveStreams, PublicAddress, SessionLimits, WebState};

/// What the routes need.
pub(super) struct Parts<'a> {
    pub(super) config: &'a Config,
    pub(super) actions: Actions,
    pub(super) health: Health,
    pub(super) dispatcher: &'a Dispatcher,
    pub(super) db: PgPool,
    pub(super) vault: Vault,
    pub(super) monitor: Monitor,
    pub(super) csrf_key: CsrfKey,
}

pub(super) fn build(parts: Parts<'_>) -> Router {
    let Parts { config, actions, health, dispatcher, db, vault, monitor, csrf_key } = parts;
    let (metrics, sources) = (monitor.metrics().clone(), monitor.sources().clone());
    let probes = Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .with_state(health.clone());
    let api = api::router(ApiState {
        sender_keys: SenderKeys::new(db.clone(), vault),
        tokens: TokenCache::new(db.clone()),
        sender_limit: config.events_per_minute.map(SenderLimit::new),
        intake: dispatcher.intake().clone(),
        actions: actions.clone(),
        sources: sources.clone(),
        metrics,
        monitor,
        recent_scrapers: RecentScrapers::default(),
    });
    let secure_cookies = config.tls.is_some()
        || config.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
    let public = PublicAddress { url: config.public_url.clone(), secure_cookies };
    tracing::debug!(secure_cookies, "built the routes");
    let session_limits = SessionLimits {
        idle: TimeDelta::hours(config.session_idle_hours.into()),
        max: TimeDelta::hours(config.session_max_hours.into()),
    };
    let pages = web::router(WebState {
        actions,
        health,
        db,
        sources: sources.clone(),
        policy: config.policy,
        public: public.clone(),
        csrf_key,
        session_limits,
        live_streams: LiveStreams::default(),
        user_limits: UserLimits::default(),
    });
    let proxies = TrustedProxies::new(config.trusted_proxies.clone());
    let mut all = Router::new().merge(probes).merge(api).merge(pages);
    if let Some(url) = public.url.clone() {
        all = all.layer(middleware::from_fn_with_state(url, public_host::check));
    }
    let transport = response_headers::transport_security(config.policy);
    all.layer(middleware::from_fn_with_state((public, transport), response_headers::add))
        .layer(middleware::from_fn_with_state(
            (sources, RecordLimit::default()),
            request_origin::add,
        ))
        .layer(middleware::from_fn_with_state(proxies, client_address::resolve))
}
