//! The variables that child processes get.

use std::ffi::{OsStr, OsString};

/// Returns the variables of this process that a child process needs. The others can contain secrets.
pub(super) fn child_environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| is_needed(name)).collect()
}

/// Whether a program needs a variable: to find other programs and libraries, or for language, time zone and temporary
/// files. Variables of PostgreSQL such as `PGPORT` would change where it listens.
fn is_needed(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let names = ["PATH", "LANG", "TZ", "TZDIR", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];
    names.contains(&name) || name.starts_with("LC_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_needed_variables_are_taken_over() {
        for name in ["PATH", "LANG", "LC_ALL", "LC_TIME", "TZ", "TMPDIR"] {
            assert!(is_needed(OsStr::new(name)), "{name}");
        }
        for name in [
            "",
            "HOME",
            "PGPORT",
            "PGDATA",
            "DATABASE_URL",
            "GATEPOST_ADMIN_PASSWORD",
            "GATEPOST_MASTER_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "LD_PRELOAD",
        ] {
            assert!(!is_needed(OsStr::new(name)), "{name}");
        }
    }
}
