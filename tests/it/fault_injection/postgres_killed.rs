//! SIGKILL of PostgreSQL's postmaster under load.

use std::path::{Path, PathBuf};

use super::load::{Load, Outcome};
use super::{assert_nothing_lost_or_renamed, patient_webhook, random};
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::process::{
    Server, directory, gatepost, run, signal, wait_long, with_args, with_data_dir,
};
use crate::support::wait_until;

/// A private database with one webhook.
pub(super) struct Private {
    pub(super) data: PathBuf,
    pub(super) logpoint: FakeLogpoint,
    pub(super) token: String,
}

impl Private {
    /// Creates the database in a directory that every account can enter.
    pub(super) async fn new(folder: &Path) -> Self {
        let data = folder.join("data");
        let logpoint = FakeLogpoint::start(Options::default()).await;
        let private = Self { data, logpoint, token: String::new() };
        let yaml = patient_webhook(&private.logpoint).file();
        private.run(&["webhooks", "import", "-"], &yaml).await;
        let token = private.run(&["token", "create", "test"], "").await.trim().to_owned();
        Self { token, ..private }
    }

    async fn run(&self, args: &[&str], input: &str) -> String {
        run(with_args(with_data_dir(gatepost(), &self.data), args), input).await.printed()
    }

    pub(super) async fn start(&self) -> Server {
        Server::start(with_data_dir(gatepost(), &self.data)).await
    }

    /// Returns the postmaster that accepts connections, if there is one.
    pub(super) fn postmaster(&self) -> Option<u32> {
        let path = self.data.join("postgres/cluster/postmaster.pid");
        let text = std::fs::read_to_string(path).ok()?;
        let is_ready = text.lines().any(|line| line.trim() == "ready");
        if is_ready { text.lines().next()?.trim().parse().ok() } else { None }
    }

    /// Waits until events are accepted again.
    pub(super) async fn wait_for_recovery(load: &Load) {
        load.wait_for_accepted(load.accepted() + 1).await;
    }

    /// Waits until every accepted event was sent.
    pub(super) async fn wait_until_sent(&self, outcome: &Outcome) {
        wait_long("everything accepted", async || {
            let ids = super::ids_of_events(&self.logpoint.requests());
            outcome.accepted.iter().all(|request| ids.contains_key(request))
        })
        .await;
        assert_nothing_lost_or_renamed(&outcome.accepted, &self.logpoint.requests());
    }
}

#[tokio::test]
async fn rejects_events_while_postgresql_is_down_and_loses_none() {
    let folder = directory();
    let private = Private::new(folder.path()).await;
    let server = private.start().await;
    let load = Load::start(&server.base, &private.token, 8, Outcome::default());
    let (cluster, away) =
        (private.data.join("postgres/cluster"), private.data.join("postgres/away"));
    for round in 0..3 {
        load.wait_for_accepted(load.accepted() + 10 + random(50)).await;
        let (killed, refused) = (private.postmaster().unwrap(), load.unavailable());
        signal("KILL", &[killed]);
        // PostgreSQL restarts before senders time out, unless something prevents it.
        if round == 0 {
            std::fs::rename(&cluster, &away).unwrap();
            load.wait_for_unavailable(refused + 1).await;
            std::fs::rename(&away, &cluster).unwrap();
        }
        wait_until("PostgreSQL to be back", async || {
            private.postmaster().is_some_and(|pid| pid != killed)
        })
        .await;
        Private::wait_for_recovery(&load).await;
    }
    wait_until("the server to be ready", async || server.readiness().await == Some(200)).await;
    let outcome = load.finish().await;
    assert!(outcome.unanswered.is_empty(), "{:?}", outcome.unanswered);
    private.wait_until_sent(&outcome).await;
    assert_eq!(server.interrupt().await, Some(0));
}
