//! The routes of all pages.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::response::Redirect;
use axum::routing::{get, post};
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use super::{
    WebState, assets, auth, deliveries, error, events, form, invocations, live, secrets, security,
    webhooks,
};

/// Returns the router of all pages.
pub fn router(state: WebState) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/webhooks") }))
        .route("/setup", get(auth::setup::show).post(auth::setup::submit))
        .route(
            "/login",
            get(auth::login::show)
                .post(auth::login::submit)
                .layer(DefaultBodyLimit::max(form::MAX_SIGN_IN_FORM_BYTES)),
        )
        .route("/logout", post(auth::logout::submit))
        .merge(webhook_routes())
        .merge(form_routes(&state))
        .route("/invocations/{id}", get(invocations::show::show))
        .route("/troubleshooting", get(invocations::troubleshooting::show))
        .route("/events", get(events::list::show))
        .route("/events/{id}", get(events::show::show))
        .route("/events/samples", post(events::samples::form::send))
        .route("/events/samples/new", get(events::samples::form::show))
        .route("/events/samples/{id}", get(events::samples::progress::show))
        .route("/events/samples/{id}/stop", post(events::samples::progress::stop))
        .route("/deliveries", get(deliveries::list::show))
        .merge(delivery_routes())
        .merge(secret_routes())
        .route("/live", get(live::stream))
        .fallback(|| async { error::Error::NotFound })
        .layer(DefaultBodyLimit::max(form::MAX_FORM_BYTES))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        // These are compressed already.
        .route("/static/{*path}", get(assets::serve))
        .layer(middleware::map_response(error::as_page))
        .layer(middleware::from_fn(security::headers))
        .layer(CatchPanicLayer::custom(error::from_panic))
        .with_state(state)
}

fn delivery_routes() -> Router<WebState> {
    Router::new()
        .route(
            "/deliveries/bulk/{action}",
            get(deliveries::bulk::confirm).post(deliveries::bulk::start),
        )
        .route("/deliveries/webhooks", get(deliveries::webhook_filter::suggest))
        .route("/deliveries/batches/{id}", get(deliveries::bulk::show))
        .route("/deliveries/batches/{id}/stop", post(deliveries::bulk::stop))
        .route("/deliveries/{id}", get(deliveries::show::show))
        .route("/deliveries/{id}/redeliver", post(deliveries::change::redeliver))
        .route("/deliveries/{id}/retry", post(deliveries::change::retry))
        .route("/deliveries/{id}/cancel", post(deliveries::change::cancel))
}

fn webhook_routes() -> Router<WebState> {
    Router::new()
        .route("/webhooks", get(webhooks::list::show))
        .route("/webhooks/new", get(webhooks::form::edit::new))
        .route("/webhooks/pem/authority", post(webhooks::form::pem::authority))
        .route("/webhooks/pem/client", post(webhooks::form::pem::client))
        .route("/webhooks/schema", get(webhooks::form::schema::show))
        .route("/webhooks/events", get(webhooks::form::event_menu::show))
        .route("/webhooks/values", get(webhooks::form::filters::values))
        .route("/webhooks/schema.json", get(webhooks::form::schema::json))
        .route("/webhooks/{id}", get(webhooks::show::show))
        .route("/webhooks/{id}/changes", get(webhooks::history::show))
        .route(
            "/webhooks/{id}/revisions/{number}/restore",
            get(webhooks::restore::confirm).post(webhooks::restore::restore),
        )
        .route("/webhooks/{id}/edit", get(webhooks::form::edit::edit))
        .route("/webhooks/{id}/active", post(webhooks::toggle::toggle))
        .route("/webhooks/{id}/test", post(webhooks::form::test::test_saved))
        .route(
            "/webhooks/{id}/send",
            get(webhooks::send_now::choose).post(webhooks::send_now::send),
        )
        .route("/webhooks/{id}/replay", get(webhooks::replay::show).post(webhooks::replay::start))
        .route("/webhooks/{id}/replays/{replay}", get(webhooks::replay_progress::show))
        .route("/webhooks/{id}/replays/{replay}/stop", post(webhooks::replay_progress::stop))
        .route(
            "/webhooks/{id}/delete",
            get(webhooks::delete::confirm).post(webhooks::delete::delete),
        )
}

fn secret_routes() -> Router<WebState> {
    Router::new()
        .route("/secrets", get(secrets::list::show).post(secrets::save::create))
        .route("/secrets/new", get(secrets::form::new))
        .route("/secrets/{id}", get(secrets::form::edit).post(secrets::save::update))
        .route("/secrets/{id}/delete", get(secrets::delete::confirm).post(secrets::delete::delete))
}

/// Routes that receive the whole webhook form. None of them loses it if the session has ended.
fn form_routes(state: &WebState) -> Router<WebState> {
    Router::new()
        .route("/webhooks", post(webhooks::form::save::create))
        .route("/webhooks/{id}", post(webhooks::form::save::update))
        .route("/webhooks/preview", post(webhooks::form::preview::preview))
        .route("/webhooks/test", post(webhooks::form::test::test))
        .route("/webhooks/backtest", post(webhooks::form::backtest::run))
        .route("/webhooks/certificate", post(webhooks::form::certificate::fetch))
        .route("/webhooks/credentials", post(webhooks::form::credentials::check))
        .route_layer(middleware::from_fn_with_state(state.clone(), auth::unsaved::keep))
}
