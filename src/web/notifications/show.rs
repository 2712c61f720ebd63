//! The page: how notifications are sent, and the newest ones.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::identity::Permission;
use crate::store::notifications::{self, StoredNotification};
use crate::web::deliveries::webhook_filter::first_suggestions;
use crate::web::display_time::{DisplayTime, LocalNow};
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// Number of notifications on the page.
const SHOWN: i64 = 20;

/// A notification, ready to print.
struct NotificationView {
    title: String,
    text: String,
    at: DisplayTime,
    /// Address of the delivery to the chosen webhook; empty if there is none.
    delivery: String,
    /// What became of the mails; empty if there are none.
    mail: String,
    is_mail_bad: bool,
}

#[derive(Template)]
#[template(path = "notifications/show.html")]
struct NotificationsPage {
    page: Page,
    can_change: bool,
    can_mail: bool,
    /// Name of the chosen webhook, or what was entered.
    name: String,
    /// Address of the chosen webhook; empty if there is none.
    href: String,
    error: String,
    suggestions: Vec<String>,
    notifications: Vec<NotificationView>,
}

/// `GET /status/notifications`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
) -> Result<Response, Error> {
    render(&state, &current, None).await
}

/// Renders the page, with an entered name and its error if there is one.
pub(super) async fn render(
    state: &WebState,
    current: &CurrentUser,
    invalid: Option<(String, String)>,
) -> Result<Response, Error> {
    let now = current.now(state);
    let sees_addresses = current.can(Permission::ReadSettings);
    let (name, href) = match notifications::chosen_webhook(&state.db).await? {
        Some((id, name)) => (name, format!("/webhooks/{id}")),
        None => (String::new(), String::new()),
    };
    let stored = notifications::list(&state.db, SHOWN).await?;
    let (name, error) = invalid.unwrap_or((name, String::new()));
    page::html(&NotificationsPage {
        page: Page::new(current, "Notifications", Nav::Status).await?,
        can_change: current.can(Permission::ManageNotifications),
        can_mail: state.actions.can_mail(),
        name,
        href,
        error,
        suggestions: first_suggestions(state).await?,
        notifications: stored
            .into_iter()
            .map(|one| NotificationView::new(one, now, sees_addresses))
            .collect(),
    })
}

impl NotificationView {
    /// `sees_addresses` tells whether the user may see who got a mail, and what the mail server responded.
    fn new(stored: StoredNotification, now: LocalNow, sees_addresses: bool) -> Self {
        let StoredNotification { notification, delivery, is_mailing, mailed_to, mail_error } =
            stored;
        let mail = match (&mail_error, is_mailing, mailed_to.as_slice()) {
            (Some(_), true, _) if !sees_addresses => "Mail is retried".to_owned(),
            (Some(_), false, _) if !sees_addresses => "Mail failed".to_owned(),
            (None, false, [_, ..]) if !sees_addresses => "Mailed to the administrators".to_owned(),
            (Some(error), true, _) => format!("Mail is retried: {error}"),
            (Some(error), false, _) => format!("Mail failed: {error}"),
            (None, true, _) => "Mail is being sent".to_owned(),
            (None, false, []) => String::new(),
            (None, false, recipients) => format!("Mailed to {}", recipients.join(", ")),
        };
        Self {
            title: notification.title(),
            text: notification.text(None),
            at: DisplayTime::new(notification.at, now),
            delivery: delivery.map(|id| format!("/deliveries/{id}")).unwrap_or_default(),
            mail,
            is_mail_bad: mail_error.is_some(),
        }
    }
}
