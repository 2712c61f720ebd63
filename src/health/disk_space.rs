//! The check of the disk that has the private PostgreSQL.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::check::{Check, CheckId};
use crate::private_postgres::PrivateDatabase;

const GIB: u64 = 1 << 30;
/// Free space below which something should be done, in bytes.
const WARN_BELOW_BYTES: u64 = 2 * GIB;
/// Free space below which PostgreSQL may fail at any time, in bytes. It creates files of 16 MiB for its log.
const PROBLEM_BELOW_BYTES: u64 = GIB / 4;

/// Checks the disk. `None` if there is no database yet, or the disk cannot be read.
pub(super) fn check(data_dir: &Path) -> Option<Check> {
    let home = PrivateDatabase::home(data_dir);
    let found = statvfs(&home).ok()?;
    // The types depend on the system.
    let unit = u128::from(found.fragment_size());
    let bytes = |blocks: u128| u64::try_from(blocks * unit).unwrap_or(u64::MAX);
    let (free, total) = (found.blocks_available().into(), found.blocks().into());
    Some(judge(&home, bytes(free), bytes(total)))
}

fn judge(home: &Path, free: u64, total: u64) -> Check {
    let id = CheckId::DiskSpace;
    let found =
        format!("{} of {} are free at {}.", gibibytes(free), gibibytes(total), home.display());
    let fix = "Add space, or keep the history for fewer days with GATEPOST_RETENTION_DAYS. While the disk is full, \
               no event is accepted, and senders get status 503.";
    if free < PROBLEM_BELOW_BYTES {
        Check::problem(id, found, fix)
    } else if free < WARN_BELOW_BYTES {
        Check::warning(id, found, fix)
    } else {
        Check::ok(id, found)
    }
}

/// Formats a size with one digit after the point.
fn gibibytes(bytes: u64) -> String {
    let tenths = u128::from(bytes) * 10 / u128::from(GIB);
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::super::check::CheckState;
    use super::*;

    #[test]
    fn little_space_is_reported() {
        let place = Path::new("/data/postgres");
        for (free, state) in [
            (0, CheckState::Problem),
            (PROBLEM_BELOW_BYTES - 1, CheckState::Problem),
            (PROBLEM_BELOW_BYTES, CheckState::Warning),
            (WARN_BELOW_BYTES, CheckState::Ok),
            (u64::MAX, CheckState::Ok),
        ] {
            assert_eq!(judge(place, free, u64::MAX).state, state, "{free}");
        }
        let check = judge(place, 3 * GIB / 2, 100 * GIB);
        assert_eq!(check.found, "1.5 GiB of 100.0 GiB are free at /data/postgres.");
    }

    #[test]
    fn a_database_that_does_not_exist_is_not_checked() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(check(place.path()), None);
        std::fs::create_dir(place.path().join("postgres")).unwrap();
        assert!(check(place.path()).is_some());
    }
}
