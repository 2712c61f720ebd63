//! The routes of all pages, with the permissions that they require.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::Method;
use axum::middleware;
use axum::response::Redirect;
use axum::routing;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use super::route::{self, Route, RouteRule, get, open, post};
use super::{
    WebState, account, assets, audit, auth, deliveries, error, events, form, form_address,
    invocations, live, notifications, secrets, security, status, tokens, users, webhooks,
};
use crate::identity::Permission::{
    EditWebhooks, ManageNotifications, ManageSecrets, ManageTokens, ManageUsers, OwnAccount,
    OwnSecondFactor, OwnSessions, Read, ReadAuditLog, Send,
};

/// Returns all routes of pages and what they require.
pub fn route_rules() -> Vec<RouteRule> {
    simple_routes().into_iter().chain(form_routes()).map(|route| route.rule).collect()
}

/// Returns the router of all pages.
pub fn router(state: WebState) -> Router {
    let guard = |router: Router<WebState>, route: Route| {
        let (path, handler) = route.guarded(&state);
        router.route(path, handler)
    };
    let pages = form_address::Pages::new(&route_rules());
    let forms = form_routes()
        .into_iter()
        .fold(Router::new(), guard)
        .route_layer(middleware::from_fn_with_state(state.clone(), auth::unsaved::keep));
    simple_routes()
        .into_iter()
        .fold(Router::new(), guard)
        .merge(forms)
        .fallback(|| async { error::Error::NotFound })
        .layer(DefaultBodyLimit::max(form::MAX_FORM_BYTES))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        // These are compressed already.
        .route("/static/{*path}", routing::get(assets::serve))
        .layer(middleware::map_response(error::as_page))
        .layer(middleware::from_fn_with_state(pages, form_address::explain))
        .layer(middleware::from_fn(security::headers))
        .layer(CatchPanicLayer::custom(error::from_panic))
        .with_state(state)
}

/// Routes that do not receive the whole webhook form.
fn simple_routes() -> Vec<Route> {
    let mut routes = Vec::from(visitor_routes());
    routes.extend([
        post("/logout", OwnAccount, auth::logout::submit),
        get("/invocations/{id}", Read, invocations::show::show),
        get("/troubleshooting", Read, invocations::troubleshooting::show),
        get("/live", Read, live::stream),
        get("/status", Read, status::show::show),
    ]);
    routes.extend(webhook_routes());
    routes.extend(event_routes());
    routes.extend(delivery_routes());
    routes.extend(secret_routes());
    routes.extend(user_routes());
    routes.extend(token_routes());
    routes.extend(notification_routes());
    routes.extend(audit_routes());
    routes.extend(account_routes());
    routes
}

/// Routes that are open to visitors.
fn visitor_routes() -> [Route; 15] {
    let limit = || DefaultBodyLimit::max(form::MAX_SIGN_IN_FORM_BYTES);
    let login = routing::post(auth::login::submit).layer(limit());
    let code = routing::post(auth::code::submit).layer(limit());
    [
        open(Method::GET, "/", routing::get(|| async { Redirect::to("/webhooks") })),
        open(Method::GET, "/setup", routing::get(auth::setup::show)),
        open(Method::POST, "/setup", routing::post(auth::setup::submit)),
        open(Method::GET, "/login", routing::get(auth::login::show)),
        open(Method::POST, "/login", login),
        open(Method::GET, "/login/code", routing::get(auth::code::show)),
        open(Method::POST, "/login/code", code),
        open(Method::GET, "/login/sso", routing::get(auth::single_sign_on::start)),
        open(Method::GET, "/login/sso/callback", routing::get(auth::single_sign_on::callback)),
        open(Method::GET, "/login/sso/failed", routing::get(auth::single_sign_on::failure::show)),
        open(Method::GET, "/login/sso/done", routing::get(auth::single_sign_on::done)),
        open(
            Method::POST,
            "/login/sso/resume",
            routing::post(auth::single_sign_on::resume::submit),
        ),
        open(Method::GET, auth::invitation::PATH, routing::get(auth::invitation::show)),
        open(Method::POST, auth::invitation::PATH, routing::post(auth::invitation::submit)),
        open(Method::GET, "/invitations/{code}", routing::get(auth::invitation::show_old)),
    ]
}

fn event_routes() -> [Route; 6] {
    [
        get("/events", Read, events::list::show),
        get("/events/{id}", Read, events::show::show),
        post("/events/samples", Send, events::samples::form::send),
        get("/events/samples/new", Send, events::samples::form::show),
        get("/events/samples/{id}", Read, events::samples::progress::show),
        post("/events/samples/{id}/stop", Send, events::samples::progress::stop),
    ]
}

fn delivery_routes() -> [Route; 10] {
    [
        get("/deliveries", Read, deliveries::list::show),
        get("/deliveries/bulk/{action}", Send, deliveries::bulk::confirm),
        post("/deliveries/bulk/{action}", Send, deliveries::bulk::start),
        get("/deliveries/webhooks", Read, deliveries::webhook_filter::suggest),
        get("/deliveries/batches/{id}", Read, deliveries::bulk::show),
        post("/deliveries/batches/{id}/stop", Send, deliveries::bulk::stop),
        get("/deliveries/{id}", Read, deliveries::show::show),
        post("/deliveries/{id}/redeliver", Send, deliveries::change::redeliver),
        post("/deliveries/{id}/retry", Send, deliveries::change::retry),
        post("/deliveries/{id}/cancel", Send, deliveries::change::cancel),
    ]
}

fn webhook_routes() -> [Route; 27] {
    [
        get("/webhooks", Read, webhooks::list::show),
        get("/webhooks/new", EditWebhooks, webhooks::form::edit::new),
        post("/webhooks/pem/authority", EditWebhooks, webhooks::form::pem::authority),
        post("/webhooks/pem/client", EditWebhooks, webhooks::form::pem::client),
        get("/webhooks/schema", Read, webhooks::form::schema::show),
        get("/webhooks/events", EditWebhooks, webhooks::form::event_menu::show),
        get("/webhooks/values", EditWebhooks, webhooks::form::filters::values),
        get("/webhooks/schema.json", Read, webhooks::form::schema::json),
        get("/webhooks/{id}", Read, webhooks::show::show),
        get("/webhooks/{id}/changes", Read, webhooks::history::show),
        get("/webhooks/{id}/revisions/{number}/restore", EditWebhooks, webhooks::restore::confirm),
        post("/webhooks/{id}/revisions/{number}/restore", EditWebhooks, webhooks::restore::restore),
        get("/webhooks/{id}/edit", EditWebhooks, webhooks::form::edit::edit),
        post("/webhooks/{id}/active", EditWebhooks, webhooks::toggle::toggle),
        post("/webhooks/{id}/test", EditWebhooks, webhooks::form::test::test_saved),
        get("/webhooks/{id}/signing", Read, webhooks::signing::show),
        get("/webhooks/{id}/signing/rotate", Read, webhooks::signing::lead_back),
        post("/webhooks/{id}/signing/rotate", EditWebhooks, webhooks::signing::rotate),
        post("/webhooks/{id}/signing/previous/end", EditWebhooks, webhooks::signing::end_previous),
        get("/webhooks/{id}/send", Send, webhooks::send_now::choose),
        post("/webhooks/{id}/send", Send, webhooks::send_now::send),
        get("/webhooks/{id}/replay", Send, webhooks::replay::show),
        post("/webhooks/{id}/replay", Send, webhooks::replay::start),
        get("/webhooks/{id}/replays/{replay}", Read, webhooks::replay_progress::show),
        post("/webhooks/{id}/replays/{replay}/stop", Send, webhooks::replay_progress::stop),
        get("/webhooks/{id}/delete", EditWebhooks, webhooks::delete::confirm),
        post("/webhooks/{id}/delete", EditWebhooks, webhooks::delete::delete),
    ]
}

fn secret_routes() -> [Route; 7] {
    [
        get("/secrets", Read, secrets::list::show),
        post("/secrets", ManageSecrets, secrets::save::create),
        get("/secrets/new", ManageSecrets, secrets::form::new),
        get("/secrets/{id}", ManageSecrets, secrets::form::edit),
        post("/secrets/{id}", ManageSecrets, secrets::save::update),
        get("/secrets/{id}/delete", ManageSecrets, secrets::delete::confirm),
        post("/secrets/{id}/delete", ManageSecrets, secrets::delete::delete),
    ]
}

fn account_routes() -> [Route; 11] {
    use account::second_factor;
    [
        get(route::SET_UP, OwnSecondFactor, second_factor::show),
        post(route::SET_UP, OwnSecondFactor, second_factor::enable),
        get("/account/two-factor/recovery-codes", OwnSecondFactor, second_factor::ask_to_renew),
        post("/account/two-factor/recovery-codes", OwnSecondFactor, second_factor::renew),
        get("/account/two-factor/off", OwnSecondFactor, second_factor::ask_to_disable),
        post("/account/two-factor/off", OwnSecondFactor, second_factor::disable),
        get("/account", OwnAccount, account::show::show),
        post("/account/password", OwnAccount, account::password::change),
        post("/account/preferences", OwnAccount, account::preferences::save),
        post("/account/sessions/{id}/end", OwnSessions, account::sessions::end),
        post("/account/sessions/end", OwnSessions, account::sessions::end_all),
    ]
}

fn user_routes() -> [Route; 14] {
    [
        post("/users/two-factor", ManageUsers, users::second_factor::require),
        get("/users/{id}/two-factor/reset", ManageUsers, users::second_factor::confirm),
        post("/users/{id}/two-factor/reset", ManageUsers, users::second_factor::reset),
        get("/users", ManageUsers, users::list::show),
        post("/users", ManageUsers, users::invite::submit),
        get("/users/new", ManageUsers, users::invite::show),
        get("/users/{id}", ManageUsers, users::show::show),
        post("/users/{id}/invitation", ManageUsers, users::invite::renew),
        post("/users/{id}/role", ManageUsers, users::change::role),
        post("/users/{id}/sessions/end", ManageUsers, users::change::end_sessions),
        post("/users/{id}/disable", ManageUsers, users::change::disable),
        post("/users/{id}/enable", ManageUsers, users::change::enable),
        get("/users/{id}/delete", ManageUsers, users::delete::confirm),
        post("/users/{id}/delete", ManageUsers, users::delete::delete),
    ]
}

fn token_routes() -> [Route; 5] {
    [
        get("/tokens", ManageTokens, tokens::list::show),
        post("/tokens", ManageTokens, tokens::create::create),
        get("/tokens/new", ManageTokens, tokens::create::new),
        get("/tokens/{id}/revoke", ManageTokens, tokens::revoke::confirm),
        post("/tokens/{id}/revoke", ManageTokens, tokens::revoke::revoke),
    ]
}

fn notification_routes() -> [Route; 3] {
    [
        get("/status/notifications", Read, notifications::show::show),
        post("/status/notifications", ManageNotifications, notifications::change::choose),
        post("/status/notifications/test", ManageNotifications, notifications::change::test),
    ]
}

fn audit_routes() -> [Route; 3] {
    [
        get("/audit", ReadAuditLog, audit::list::show),
        post("/audit/export", ReadAuditLog, audit::export::export),
        get("/audit/{seq}", ReadAuditLog, audit::show::show),
    ]
}

/// Routes that receive the whole webhook form. None of them loses it if the session has ended or the role has changed.
fn form_routes() -> [Route; 8] {
    [
        post("/webhooks", EditWebhooks, webhooks::form::save::create),
        post("/webhooks/{id}", EditWebhooks, webhooks::form::save::update),
        post("/webhooks/preview", EditWebhooks, webhooks::form::preview::preview),
        post("/webhooks/test", EditWebhooks, webhooks::form::test::test),
        post("/webhooks/backtest", EditWebhooks, webhooks::form::backtest::run),
        post("/webhooks/certificate", EditWebhooks, webhooks::form::certificate::fetch),
        post("/webhooks/signing-key", EditWebhooks, webhooks::form::signing_key::generate),
        post("/webhooks/credentials", EditWebhooks, webhooks::form::credentials::check),
    ]
}
