//! Checks of instances, queue and webhooks.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::check::{Check, CheckId};
use super::span::span;
use crate::model::Timestamp;
use crate::store::instances::Instance;
use crate::store::status::{
    FailingWebhook, MAX_COUNTED, PausedWebhook, Queue, RecentHours, Webhooks,
};

/// Time that a due delivery may wait before something should be done.
const WARN_FROM_AGE: TimeDelta = TimeDelta::minutes(5);
/// Maximum number of webhooks that a sentence names.
const MAX_NAMED: usize = 3;

pub(super) fn check_instances(instances: &[Instance]) -> Check {
    let id = CheckId::Instances;
    let alive: Vec<&Instance> = instances.iter().filter(|instance| instance.is_alive()).collect();
    let versions: BTreeSet<&str> = alive.iter().map(|instance| instance.version.as_str()).collect();
    let versions: Vec<&str> = versions.into_iter().collect();
    match (alive.len(), versions.as_slice()) {
        (0, _) => {
            let fix =
                "Start one with `gatepost serve`. Events are not accepted, and deliveries wait.";
            Check::warning(id, "No server is running on this database.", fix)
        }
        (count, [version]) => {
            let run = if count == 1 { "1 server runs" } else { &format!("{count} servers run") };
            Check::ok(id, format!("{run}, in version {version}."))
        }
        (count, _) => {
            let found =
                format!("{count} servers run, in different versions: {}.", versions.join(", "));
            let fix = "Finish the upgrade, so that all run the same version. While it is in progress, there is nothing else to do.";
            Check::warning(id, found, fix)
        }
    }
}

pub(super) fn check_queue(queue: &Queue, now: Timestamp) -> Check {
    let id = CheckId::Queue;
    let total = queue.total();
    let deliveries = match total {
        0 => return Check::ok(id, "No delivery waits."),
        1 => "1 delivery is unfinished".to_owned(),
        MAX_COUNTED.. => format!("{MAX_COUNTED} or more deliveries are unfinished"),
        _ => format!("{total} deliveries are unfinished"),
    };
    let age = queue.oldest_due.map(|due| now - due).unwrap_or_default();
    let found = if age < TimeDelta::seconds(1) {
        format!("{deliveries}. None is late.")
    } else {
        format!("{deliveries}. The oldest one has been due for {}.", span(age))
    };
    if age < WARN_FROM_AGE {
        return Check::ok(id, found);
    }
    let fix = "Open Deliveries with the state Due, and see which webhooks they are of. Their targets may be slow, or \
               rate_per_minute or max_in_flight of the webhook too low. If deliveries of all webhooks wait, see the logs of \
               the servers.";
    Check::warning(id, found, fix)
}

pub(super) fn check_failures(hours: &RecentHours) -> Check {
    let id = CheckId::Failures;
    let failed = hours.current.failed + hours.previous.failed;
    let delivered = hours.current.delivered + hours.previous.delivered;
    let since = (hours.started_at - TimeDelta::hours(1)).format("%H:%M UTC");
    let retried = hours.current.retried + hours.previous.retried;
    let rest =
        format!("{delivered} were delivered, and {retried} attempts failed and are retried.");
    if failed == 0 {
        return Check::ok(id, format!("No delivery has failed since {since}. {rest}"));
    }
    let have = if failed == 1 { "1 delivery has" } else { &format!("{failed} deliveries have") };
    let found = format!("{have} failed since {since}. {rest}");
    let fix = "Open Deliveries with the state Failed. View Invocation Data of one says why. Correct the webhook or the \
               target, and redeliver them.";
    Check::warning(id, found, fix)
}

pub(super) fn check_circuit_breakers(webhooks: &Webhooks<FailingWebhook>) -> Check {
    let id = CheckId::CircuitBreakers;
    if webhooks.count == 0 {
        return Check::ok(id, "No circuit breaker is open.");
    }
    let names = webhooks.first.iter().map(|webhook| webhook.name.as_str());
    let found = format!(
        "{} because attempts fail: {}.",
        are(webhooks.count, "does not send", "do not send"),
        named(names, webhooks.count)
    );
    let fix = "Open the webhook, and see the last error. When the target works again, the next probe succeeds, and all \
               deliveries that wait are sent.";
    Check::warning(id, found, fix)
}

pub(super) fn check_paused_webhooks(webhooks: &Webhooks<PausedWebhook>) -> Check {
    let id = CheckId::PausedWebhooks;
    if webhooks.count == 0 {
        return Check::ok(id, "Gatepost has paused no webhook.");
    }
    let names = webhooks.first.iter().map(|webhook| webhook.name.as_str());
    let found = format!(
        "{} by Gatepost: {}.",
        are(webhooks.count, "was paused", "were paused"),
        named(names, webhooks.count)
    );
    let fix = "Open the webhook, which says why. Correct it or its target, and activate it. Nothing is lost: its deliveries \
               wait.";
    Check::warning(id, found, fix)
}

fn are(count: i64, one: &str, several: &str) -> String {
    if count == 1 { format!("1 webhook {one}") } else { format!("{count} webhooks {several}") }
}

/// Returns the first names, and the number of the others.
fn named<'a>(names: impl Iterator<Item = &'a str>, count: i64) -> String {
    let first: Vec<String> = names.take(MAX_NAMED).map(|name| format!("“{name}”")).collect();
    let others = count - i64::try_from(first.len()).unwrap_or_default();
    let text = first.join(", ");
    if others > 0 { format!("{text} and {others} more") } else { text }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use uuid::Uuid;

    use super::super::check::CheckState;
    use super::*;
    use crate::model::delivery::DeliveryState;
    use crate::store::status::HourTotals;

    fn instance(version: &str, unseen_secs: i64) -> Instance {
        Instance {
            id: Uuid::nil(),
            host_name: "a".to_owned(),
            version: version.to_owned(),
            address: "127.0.0.1:80".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            unseen_for: TimeDelta::seconds(unseen_secs),
        }
    }

    #[test]
    fn running_instances_should_have_one_version() {
        for (instances, state, words) in [
            (&[][..], CheckState::Warning, "No server is running"),
            (&[("1.0.0", 31)], CheckState::Warning, "No server is running"),
            (&[("1.0.0", 29), ("0.9.0", 3600)], CheckState::Ok, "1 server runs, in version 1.0.0."),
            (&[("1.0.0", 0), ("1.0.0", -5)], CheckState::Ok, "2 servers run, in version 1.0.0."),
            (
                &[("1.0.0", 0), ("1.1.0", 0)],
                CheckState::Warning,
                "different versions: 1.0.0, 1.1.0.",
            ),
        ] {
            let instances: Vec<_> =
                instances.iter().map(|(version, unseen)| instance(version, *unseen)).collect();
            let check = check_instances(&instances);
            assert_eq!(check.state, state);
            assert!(check.found.contains(words), "{}", check.found);
        }
    }

    #[test]
    fn a_delivery_may_be_due_for_five_minutes() {
        let now = Timestamp::UNIX_EPOCH + TimeDelta::days(1);
        for (count, age_secs, state, found) in [
            (0, None, CheckState::Ok, "No delivery waits."),
            (1, None, CheckState::Ok, "1 delivery is unfinished. None is late."),
            (
                7,
                Some(299),
                CheckState::Ok,
                "7 deliveries are unfinished. The oldest one has been due for 4 min.",
            ),
            (
                7,
                Some(300),
                CheckState::Warning,
                "7 deliveries are unfinished. The oldest one has been due for 5 min.",
            ),
            (
                MAX_COUNTED,
                Some(7200),
                CheckState::Warning,
                "100000 or more deliveries are unfinished. The oldest one has been due for 2 h.",
            ),
        ] {
            let oldest_due = age_secs.map(|secs| now - TimeDelta::seconds(secs));
            let counts = HashMap::from([(DeliveryState::Due, count)]);
            let check = check_queue(&Queue { counts, oldest_due }, now);
            assert_eq!((check.state, check.found.as_str()), (state, found));
        }
    }

    #[test]
    fn failed_deliveries_of_two_hours_are_counted() {
        let totals = |failed| HourTotals { delivered: 5, failed, retried: 2 };
        let hours = |current, previous| RecentHours {
            started_at: Timestamp::UNIX_EPOCH + TimeDelta::hours(10),
            current: totals(current),
            previous: totals(previous),
        };
        let check = check_failures(&hours(0, 0));
        assert_eq!(check.state, CheckState::Ok);
        let check = check_failures(&hours(1, 2));
        assert_eq!(check.state, CheckState::Warning);
        assert_eq!(
            check.found,
            "3 deliveries have failed since 09:00 UTC. 10 were delivered, and 4 attempts failed and are retried."
        );
    }

    #[test]
    fn only_some_webhooks_are_named() {
        let paused = |count: usize| Webhooks {
            count: i64::try_from(count).unwrap(),
            first: (0..count)
                .map(|index| PausedWebhook {
                    id: Uuid::nil().into(),
                    name: format!("w{index}"),
                    reason: String::new(),
                })
                .collect(),
        };
        let found = |count| check_paused_webhooks(&paused(count)).found;
        assert_eq!(found(0), "Gatepost has paused no webhook.");
        assert_eq!(found(1), "1 webhook was paused by Gatepost: “w0”.");
        assert_eq!(found(3), "3 webhooks were paused by Gatepost: “w0”, “w1”, “w2”.");
        assert_eq!(found(5), "5 webhooks were paused by Gatepost: “w0”, “w1”, “w2” and 2 more.");
    }
}
