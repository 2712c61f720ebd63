//! Tells administrators when webhooks fail, are paused, or have recovered: by the webhook that is chosen for that, and by mail.
//!
//! Changes are noticed by comparing the health of webhooks with what was last reported. The report, the delivery to the chosen
//! webhook and what to mail are stored in one transaction, so that nothing is reported twice or lost at a crash. Only a mail
//! can arrive twice, if the server is killed while it is sent.

mod mails;
mod report;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::mail::Mailer;
use crate::model::Sources;
use crate::store::{PgPool, SLOW_TIMEOUT, within};

pub use report::insert_test;

/// Time between two checks. Changes in this time are reported together.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// What notifications need.
#[derive(Debug, Clone)]
pub struct NotifierParts {
    /// Connections for work that may wait.
    pub db: PgPool,
    /// Time and randomness.
    pub sources: Sources,
    /// Sends mails, if a mail server is configured.
    pub mailer: Option<Mailer>,
    /// The address of the pages, for links.
    pub public_url: Option<Url>,
}

/// Sends notifications in the background.
#[derive(Debug)]
pub struct Notifier {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Notifier {
    /// Starts the tasks.
    pub fn start(parts: NotifierParts) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let parts = Arc::new(parts);
        tasks.spawn(run_reports(Arc::clone(&parts), stop.clone()));
        if let Some(mailer) = parts.mailer.clone() {
            tasks.spawn(mails::run(parts, mailer, stop.clone()));
        }
        tasks.close();
        Self { stop, tasks }
    }

    /// Stops, and waits for what is being sent.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

async fn run_reports(parts: Arc<NotifierParts>, stop: CancellationToken) {
    let mut interval = tokio::time::interval(CHECK_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _instant = interval.tick() => {}
        }
        let reported = within(&parts.db, SLOW_TIMEOUT, report::report_changes(&parts)).await;
        if let Err(error) = reported {
            tracing::warn!(
                error = error.chain(),
                "could not report the health of webhooks; retrying"
            );
        }
    }
}
