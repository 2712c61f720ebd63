//! All checks together, with the figures that they are made from.

use std::path::Path;

use chrono::TimeDelta;

use super::check::{Check, CheckId, CheckState};
use super::database::{self, Reached};
use super::settings::{self, Settings};
use super::{Health, deliveries, disk_space, egress_rules, history, single_sign_on, strict};
use crate::config::ConfigError;
use crate::private_postgres::PrivateError;
use crate::store::Error;
use crate::store::identities;
use crate::store::instances::{self, Instance};
use crate::store::migrate::{self, MigrationState};
use crate::store::partitions::{self, PartitionDays};
use crate::store::status::{self, FailingWebhook, PausedWebhook, Queue, RecentHours, Webhooks};

/// Time over which received events are counted.
pub(super) const EVENTS_PERIOD: TimeDelta = TimeDelta::minutes(5);

/// The figures. `None` if they could not be read.
#[derive(Debug, Default)]
pub struct Figures {
    /// The database.
    pub database: Option<Reached>,
    /// The instances that were seen within the last day.
    pub instances: Option<Vec<Instance>>,
    /// The unfinished deliveries.
    pub queue: Option<Queue>,
    /// Attempts of the last two hours.
    pub hours: Option<RecentHours>,
    /// Events received within [`EVENTS_PERIOD`].
    pub events: Option<i64>,
    /// Webhooks whose circuit breaker is open.
    pub failing: Option<Webhooks<FailingWebhook>>,
    /// Webhooks that Gatepost has paused.
    pub paused: Option<Webhooks<PausedWebhook>>,
    /// The partitions of the history.
    pub partitions: Option<PartitionDays>,
}

/// The results of all checks.
#[derive(Debug, Default)]
pub struct Report {
    /// The checks that could be made, in their order.
    pub checks: Vec<Check>,
    /// What they are made from.
    pub figures: Figures,
}

impl Report {
    /// The report of settings that cannot be used, so that nothing else can be checked.
    pub fn of_unusable_settings(error: &ConfigError) -> Self {
        Self { checks: vec![settings::unusable(error)], ..Self::default() }
    }

    /// The report of an installation whose database cannot be opened.
    pub fn of_unreached_database(settings: &Settings, error: &str) -> Self {
        Self::without_database(settings, database::check_unreached(error))
    }

    /// The report of an installation whose private PostgreSQL does not run. `programs` is the error if it could not be
    /// started either.
    pub fn of_stopped_database(
        settings: &Settings,
        data_dir: &Path,
        programs: Result<(), PrivateError>,
    ) -> Self {
        Self::without_database(settings, database::check_stopped(data_dir, programs))
    }

    /// The checks that need no database.
    fn of_settings(settings: &Settings) -> Self {
        let mut report = Self::default();
        let disk = settings.private_data_dir.as_deref().and_then(disk_space::check);
        let others = disk.into_iter().chain([egress_rules::check(settings)]);
        let others = others.chain(strict::check_mode(settings.policy));
        for check in settings.checks().chain(others) {
            report.add(check);
        }
        report
    }

    fn without_database(settings: &Settings, database: Check) -> Self {
        let mut report = Self::of_settings(settings);
        report.add(database);
        report
    }

    /// Returns the worst result.
    pub fn state(&self) -> CheckState {
        self.checks.iter().map(|check| check.state).max().unwrap_or(CheckState::Ok)
    }

    /// Adds a check at its place.
    fn add(&mut self, check: Check) {
        self.checks.push(check);
        self.checks.sort_by_key(|check| check.id);
    }

    /// Adds the check of what was read, and returns it.
    fn judge<T>(
        &mut self,
        id: CheckId,
        read: Result<T, Error>,
        check: impl FnOnce(&T) -> Check,
    ) -> Option<T> {
        let (found, check) = match read {
            Ok(found) => {
                let check = check(&found);
                (Some(found), check)
            }
            Err(error) => (None, Check::unread(id, &error)),
        };
        self.add(check);
        found
    }
}

impl Health {
    /// Makes all checks.
    pub async fn report(&self) -> Report {
        let Self { db, settings, vault, oidc, sources } = self;
        let mut report = Report::of_settings(settings);
        if let Ok(oidc) = oidc {
            report.add(single_sign_on::check(oidc.as_ref(), settings.password_sign_in).await);
        }
        let reached = match database::reach(db, sources).await {
            Ok(reached) => reached,
            Err(error) => {
                report.add(database::check_unreached(&error.chain()));
                return report;
            }
        };
        report.add(database::check_reached(&reached));
        report.add(database::check_clock(reached.skew));
        report.figures.database = Some(reached);
        let state = migrate::state(db).await;
        let state =
            report.judge(CheckId::Migrations, state, |state| database::check_migrations(*state));
        if matches!(state, None | Some(MigrationState::Pending(_))) {
            // The other checks need the tables.
            return report;
        }
        report.add(database::check_master_key(db, vault).await);
        self.add_administrators(&mut report).await;
        self.add_deliveries(&mut report).await;
        self.add_history(&mut report).await;
        for check in strict::checks(db, settings).await {
            report.add(check);
        }
        report
    }

    /// Checks that an administrator can sign in where passwords are switched off.
    async fn add_administrators(&self, report: &mut Report) {
        let Ok(Some(oidc)) = &self.oidc else { return };
        let read = identities::has_administrator(&self.db, oidc.issuer());
        if self.settings.password_sign_in || read.await.unwrap_or(true) {
            return;
        }
        let known = report.checks.iter_mut().find(|check| check.id == CheckId::SingleSignOn);
        if let Some(check) = known.filter(|check| check.state == CheckState::Ok) {
            *check = single_sign_on::without_administrator(oidc);
        }
    }

    async fn add_deliveries(&self, report: &mut Report) {
        let (db, now) = (&self.db, self.sources.now());
        let read = instances::list(db).await;
        let check = |read: &Vec<Instance>| deliveries::check_instances(read);
        report.figures.instances = report.judge(CheckId::Instances, read, check);
        let read = status::queue(db, now).await;
        let check = |read: &Queue| deliveries::check_queue(read, now);
        report.figures.queue = report.judge(CheckId::Queue, read, check);
        let read = status::recent_hours(db, now).await;
        report.figures.hours = report.judge(CheckId::Failures, read, deliveries::check_failures);
        report.figures.events = status::count_events_since(db, now - EVENTS_PERIOD).await.ok();
        let read = status::failing_webhooks(db).await;
        let check = deliveries::check_circuit_breakers;
        report.figures.failing = report.judge(CheckId::CircuitBreakers, read, check);
        let read = status::paused_webhooks(db).await;
        let check = deliveries::check_paused_webhooks;
        report.figures.paused = report.judge(CheckId::PausedWebhooks, read, check);
    }

    async fn add_history(&self, report: &mut Report) {
        let today = self.sources.now().date_naive();
        let read = partitions::list(&self.db).await;
        let check = |read: &PartitionDays| history::check_partitions(read, today);
        let partitions = report.judge(CheckId::Partitions, read, check);
        if let Some(partitions) = &partitions {
            let days = self.settings.retention_days;
            report.add(history::check_retention(partitions, today, days));
        }
        report.figures.partitions = partitions;
    }
}
