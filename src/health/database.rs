//! Checks of the database itself: its tables, its clock and the master key.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::check::{Check, CheckId};
use super::span::span;
use crate::model::{Sources, Timestamp};
use crate::private_postgres::PrivateError;
use crate::store::migrate::MigrationState;
use crate::store::status::{self, DatabaseServer};
use crate::store::{self, Error, PgPool, sealed_values};
use crate::vault::Vault;

/// Difference of the clocks from which something should be done. Leases, retries and schedules are points in time.
const WARN_FROM_SKEW: TimeDelta = TimeDelta::seconds(2);
/// Difference from which deliveries may be sent twice or much too late: leases are shorter.
const PROBLEM_FROM_SKEW: TimeDelta = TimeDelta::seconds(30);

/// A database that responds.
#[derive(Debug, Clone)]
pub struct Reached {
    /// The server.
    pub server: DatabaseServer,
    /// How long it took to respond.
    pub took: Duration,
    /// By how much the clock of this machine is ahead. Negative if it is behind.
    pub skew: TimeDelta,
    /// Whether the settings ask for a connection without encryption.
    pub is_plain_intended: bool,
}

/// Reads facts about the server, over a connection that is open.
pub(super) async fn reach(db: &PgPool, sources: &Sources) -> Result<Reached, Error> {
    store::ping(db).await?;
    let (began, before) = (Instant::now(), sources.now());
    let server = status::server(db).await?;
    let (took, after) = (began.elapsed(), sources.now());
    let skew = skew(before, server.time, after);
    Ok(Reached { server, took, skew, is_plain_intended: store::is_plain_intended(db) })
}

/// By how much the clock that was read before and after is at least ahead of the one that was read in between.
fn skew(before: Timestamp, between: Timestamp, after: Timestamp) -> TimeDelta {
    if between < before {
        before - between
    } else if between > after {
        after - between
    } else {
        TimeDelta::zero()
    }
}

pub(super) fn check_reached(reached: &Reached) -> Check {
    let millis = reached.took.as_millis().max(1);
    let DatabaseServer { version, address, is_encrypted, .. } = &reached.server;
    let found = format!("PostgreSQL {version} responded in {millis} ms.");
    let remote = address.as_ref().filter(|address| !is_on_this_machine(address));
    match remote {
        Some(address) if !is_encrypted => {
            let found = format!("{found} The connection to {address} is not encrypted.");
            let fix = "Unless the network between them is trusted, such as that of containers on one machine, set up TLS in \
                       PostgreSQL, and add sslmode=verify-full to DATABASE_URL. With sslmode=disable, this is not reported.";
            if reached.is_plain_intended {
                Check::ok(CheckId::Database, found)
            } else {
                Check::warning(CheckId::Database, found, fix)
            }
        }
        Some(_) | None => Check::ok(CheckId::Database, found),
    }
}

fn is_on_this_machine(address: &str) -> bool {
    address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

pub(super) fn check_unreached(error: &str) -> Check {
    let found = format!("There is no connection: {error}. The checks that need it were left out.");
    let fix = "Check that PostgreSQL runs, and check address, user and password in DATABASE_URL. Until then, senders of \
               events get status 503 and retry. Gatepost reconnects by itself.";
    Check::problem(CheckId::Database, found, fix)
}

/// The check of a private PostgreSQL that does not run, because no server runs. The programs are those of PostgreSQL.
pub(super) fn check_stopped(data_dir: &Path, programs: Result<(), PrivateError>) -> Check {
    let id = CheckId::Database;
    let place = data_dir.display();
    if let Err(error) = programs {
        let found = format!("The private PostgreSQL in {place} cannot start: {error}.");
        return Check::problem(id, found, "Follow the message, and start the server.");
    }
    let found = format!(
        "The private PostgreSQL in {place} does not run, because no server runs. The checks that need it were left out."
    );
    let fix =
        "Start the server with `gatepost serve`, and run `gatepost doctor` again while it runs.";
    Check::warning(id, found, fix)
}

pub(super) fn check_clock(skew: TimeDelta) -> Check {
    let id = CheckId::Clock;
    let difference = match skew.abs() {
        short if short < TimeDelta::minutes(2) => format!("{:.1} s", short.as_seconds_f64()),
        long => span(long),
    };
    let direction = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
    let found =
        format!("The clock of this machine is {difference} {direction} that of the database.");
    let fix = "Synchronize the clocks of all machines, for example with chrony. Otherwise retries are early or late, and \
               another instance may send a delivery again.";
    if skew.abs() >= PROBLEM_FROM_SKEW {
        Check::problem(id, found, fix)
    } else if skew.abs() >= WARN_FROM_SKEW {
        Check::warning(id, found, fix)
    } else {
        Check::ok(id, "The clocks of this machine and of the database agree.")
    }
}

pub(super) fn check_migrations(state: MigrationState) -> Check {
    let id = CheckId::Migrations;
    let version = env!("CARGO_PKG_VERSION");
    match state {
        MigrationState::Current => {
            Check::ok(id, format!("All migrations of version {version} are applied."))
        }
        MigrationState::Pending(count) => {
            let found = format!(
                "The database is not migrated: {count} migrations of version {version} are missing."
            );
            let fix = "Start the server, which applies them, or run `gatepost migrate`. Make a backup first.";
            Check::problem(id, found, fix)
        }
        MigrationState::Newer(migration) => {
            let found = format!(
                "The database is newer than this program: it has migration {migration}, which version {version} does \
                 not know."
            );
            let fix = "Upgrade this program to the version of the other instances. It cannot start again on this database.";
            Check::problem(id, found, fix)
        }
    }
}

/// Checks that all stored values can be decrypted. `vault` is the error if there is no usable key.
pub(super) async fn check_master_key(db: &PgPool, vault: &Result<Vault, String>) -> Check {
    let id = CheckId::MasterKey;
    let fix = "Use the key that the values were encrypted with: see GATEPOST_MASTER_KEY, GATEPOST_MASTER_KEY_FILE and \
               GATEPOST_PREVIOUS_MASTER_KEY.";
    let vault = match vault {
        Ok(vault) => vault,
        Err(error) => return Check::problem(id, format!("There is no usable key: {error}."), fix),
    };
    let checked = async {
        let mut connection = db.acquire().await?;
        sealed_values::check_keys(&mut connection, vault).await
    };
    match store::within(db, store::SLOW_TIMEOUT, checked).await {
        Ok(()) => Check::ok(id, "No stored value needs another key."),
        Err(Error::Corrupt { table, detail }) => {
            let found = format!("Values in {table} cannot be decrypted: {detail}.");
            Check::problem(id, found, fix)
        }
        Err(error) => Check::unread(id, &error),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::check::CheckState;
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::milliseconds(millis)
    }

    #[test]
    fn clocks_may_differ_by_less_than_two_seconds() {
        for (millis, state) in [
            (0, CheckState::Ok),
            (-1999, CheckState::Ok),
            (2000, CheckState::Warning),
            (-29_999, CheckState::Warning),
            (-30_000, CheckState::Problem),
            (86_400_000, CheckState::Problem),
        ] {
            assert_eq!(check_clock(TimeDelta::milliseconds(millis)).state, state, "{millis}");
        }
        let behind = check_clock(TimeDelta::milliseconds(-45_250)).found;
        assert_eq!(behind, "The clock of this machine is 45.2 s behind that of the database.");
        let ahead = check_clock(TimeDelta::hours(49)).found;
        assert_eq!(ahead, "The clock of this machine is 2 days ahead of that of the database.");
    }

    #[test]
    fn a_connection_through_a_network_is_encrypted_unless_the_settings_say_otherwise() {
        for (address, is_encrypted, is_plain_intended, state) in [
            (None, false, false, CheckState::Ok),
            (Some("127.0.0.1"), false, false, CheckState::Ok),
            (Some("::1"), false, false, CheckState::Ok),
            (Some("10.0.0.9"), true, false, CheckState::Ok),
            (Some("10.0.0.9"), false, true, CheckState::Ok),
            (Some("10.0.0.9"), false, false, CheckState::Warning),
        ] {
            let server = DatabaseServer {
                version: "16.4".to_owned(),
                time: at(0),
                address: address.map(str::to_owned),
                is_encrypted,
            };
            let took = Duration::from_millis(2);
            let reached = Reached { server, took, skew: TimeDelta::zero(), is_plain_intended };
            let check = check_reached(&reached);
            assert_eq!(check.state, state, "{}", check.found);
            assert!(
                check.found.starts_with("PostgreSQL 16.4 responded in 2 ms."),
                "{}",
                check.found
            );
        }
    }

    #[test]
    fn a_slow_response_is_not_a_wrong_clock() {
        assert_eq!(skew(at(0), at(3000), at(6000)), TimeDelta::zero());
    }

    #[test]
    fn a_newer_database_is_a_problem() {
        assert_eq!(check_migrations(MigrationState::Current).state, CheckState::Ok);
        for state in [MigrationState::Pending(1), MigrationState::Newer(20_991_231_000_000)] {
            assert_eq!(check_migrations(state).state, CheckState::Problem);
        }
    }

    proptest! {
        #[test]
        fn the_skew_is_off_by_no_more_than_the_response_time(
            offset in -100_000_i64..100_000, there in 0_i64..5000, back in 0_i64..5000,
        ) {
            // The other clock is behind by the offset.
            let measured = skew(at(offset), at(there), at(offset + there + back));
            let error = (measured - TimeDelta::milliseconds(offset)).num_milliseconds().abs();
            prop_assert!(error <= there + back, "{measured}");
            prop_assert!(measured.num_milliseconds().abs() <= offset.abs());
        }
    }
}
