//! Mails notifications to the active administrators.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::NotifierParts;
use crate::mail::Mailer;
use crate::store::notifications::{self, DueMail};
use crate::store::{Error, QUICK_TIMEOUT, users, within};

/// Time between two checks for mails to send.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Maximum number of attempts to mail a notification.
const MAX_ATTEMPTS: i32 = 6;
/// Time after the first failed attempt. It doubles with each further one.
const RETRY_DELAY: TimeDelta = TimeDelta::seconds(30);
/// Time after which another instance may take over a notification that was not finished.
const HOLD: TimeDelta = TimeDelta::minutes(10);

/// Sends mails until a stop.
pub(super) async fn run(parts: Arc<NotifierParts>, mailer: Mailer, stop: CancellationToken) {
    let mut interval = tokio::time::interval(POLL_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _instant = interval.tick() => {}
        }
        // A mail that is being sent at a stop is sent again by another instance, or after the next start.
        let sent = tokio::select! {
            () = stop.cancelled() => return,
            sent = send_next(&parts, &mailer) => sent,
        };
        if let Err(error) = sent {
            tracing::warn!(error = error.chain(), "could not read or record mails; retrying");
        }
    }
}

async fn send_next(parts: &NotifierParts, mailer: &Mailer) -> Result<(), Error> {
    let now = parts.sources.now();
    let claiming = notifications::claim_mail(&parts.db, now, HOLD);
    let Some(due) = within(&parts.db, QUICK_TIMEOUT, claiming).await? else { return Ok(()) };
    let DueMail { notification, mut mailed_to, attempt } = due;
    let recipients =
        within(&parts.db, QUICK_TIMEOUT, users::administrator_emails(&parts.db)).await?;
    let mut failure = None;
    for recipient in recipients {
        if mailed_to.contains(&recipient) {
            continue;
        }
        let text = notification.text(parts.public_url.as_ref());
        match mailer.send(&recipient, &format!("Gatepost: {}", notification.title()), text).await {
            Ok(()) => {
                mailed_to.push(recipient);
                // At once, so that no recipient gets it twice if the server stops before the last one.
                let due_at = Some(parts.sources.now() + HOLD);
                let recording =
                    notifications::set_mailed(&parts.db, notification.id, &mailed_to, None, due_at);
                within(&parts.db, QUICK_TIMEOUT, recording).await?;
            }
            Err(error) => failure = Some(format!("{:#}", anyhow::Error::from(error))),
        }
    }
    let due_at = if failure.is_some() && attempt < MAX_ATTEMPTS {
        let exponent = u32::try_from(attempt - 1).unwrap_or_default();
        Some(parts.sources.now() + RETRY_DELAY * 2_i32.pow(exponent))
    } else {
        None
    };
    if let Some(error) = &failure {
        let is_last = due_at.is_none();
        tracing::warn!(notification.id = %notification.id, error, is_last, "could not mail a notification");
    }
    let recording = notifications::set_mailed(
        &parts.db,
        notification.id,
        &mailed_to,
        failure.as_deref(),
        due_at,
    );
    within(&parts.db, QUICK_TIMEOUT, recording).await
}
