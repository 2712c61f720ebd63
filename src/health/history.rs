//! Checks of the partitions of the history, and of its retention.

use chrono::{Days, NaiveDate};

use super::check::{Check, CheckId};
use crate::store::partitions::PartitionDays;

pub(super) fn check_partitions(partitions: &PartitionDays, today: NaiveDate) -> Check {
    let id = CheckId::Partitions;
    let tomorrow = today + Days::new(1);
    let is_missing = |day: NaiveDate| {
        let tables = partitions.iter().filter(move |(_, days)| !days.contains(&day));
        tables.map(move |(table, _)| format!("{table} has no partition for {day}"))
    };
    let missing: Vec<String> = is_missing(today).chain(is_missing(tomorrow)).collect();
    if missing.is_empty() {
        let until = partitions.values().filter_map(|days| days.last()).min();
        let until = until.copied().unwrap_or(tomorrow);
        return Check::ok(id, format!("Every day until {until} has a partition."));
    }
    let fix = "A server creates them every hour: see its log for the reason why it could not, such as a long transaction or a \
               missing right. Until then, nothing is lost: the rows are in the default partitions.";
    Check::warning(id, format!("{}.", missing.join(", ")), fix)
}

pub(super) fn check_retention(
    partitions: &PartitionDays,
    today: NaiveDate,
    retention_days: u16,
) -> Check {
    let id = CheckId::Retention;
    // Expired partitions are dropped every hour, and the day of the retention is kept until its end.
    let oldest_kept = today - Days::new(u64::from(retention_days) + 1);
    let oldest = partitions.iter().filter_map(|(table, days)| Some((days.first()?, table))).min();
    match oldest {
        Some((day, table)) if *day < oldest_kept => {
            let found = format!(
                "{table} has rows of {day}, although the history is kept for {retention_days} days."
            );
            let fix = "A day of events is kept while one of its deliveries is unfinished: retry or cancel it. Otherwise see the \
                       logs of the servers: a long query, such as a dump, may block the removal.";
            Check::warning(id, found, fix)
        }
        Some((day, _)) => {
            let found =
                format!("The history is kept for {retention_days} days, and begins on {day}.");
            Check::ok(id, found)
        }
        None => Check::ok(id, format!("The history is kept for {retention_days} days.")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::check::CheckState;
    use super::*;

    const TABLES: [&str; 2] = ["events", "invocations"];

    fn day(offset: i64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 28).unwrap() + chrono::TimeDelta::days(offset)
    }

    fn partitions(days: std::ops::Range<i64>) -> PartitionDays {
        TABLES.map(|table| (table.to_owned(), days.clone().map(day).collect())).into()
    }

    #[test]
    fn today_and_tomorrow_need_a_partition_in_every_table() {
        assert_eq!(check_partitions(&partitions(-3..2), day(0)).state, CheckState::Ok);
        let check = check_partitions(&partitions(-3..8), day(0));
        assert_eq!(check.found, "Every day until 2026-12-05 has a partition.");
        for days in [-3..0, -3..1, 1..8] {
            assert_eq!(check_partitions(&partitions(days), day(0)).state, CheckState::Warning);
        }
        let mut one_missing = partitions(0..8);
        one_missing.get_mut("events").unwrap().remove(&day(1));
        let check = check_partitions(&one_missing, day(0));
        assert_eq!(check.found, "events has no partition for 2026-11-29.");
    }

    #[test]
    fn a_partition_older_than_the_retention_is_reported_after_a_day() {
        assert_eq!(check_retention(&partitions(-31..2), day(0), 30).state, CheckState::Ok);
        let check = check_retention(&partitions(-32..2), day(0), 30);
        assert_eq!(check.state, CheckState::Warning);
        assert!(check.found.contains("2026-10-27"), "{}", check.found);
        assert_eq!(check_retention(&PartitionDays::new(), day(0), 30).state, CheckState::Ok);
    }

    proptest! {
        #[test]
        fn what_housekeeping_keeps_is_never_reported(retention in 1_u16..1000, age in 0_i64..1000) {
            // It drops the days before the one that is the retention ago.
            prop_assume!(age <= i64::from(retention));
            let check = check_retention(&partitions(-age..2), day(0), retention);
            prop_assert_eq!(check.state, CheckState::Ok);
        }
    }
}
