//! Where PostgreSQL's programs are.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::PrivateError;

/// Oldest version that will do.
const OLDEST: u32 = 14;

/// Folders to look in.
#[derive(Debug, Clone, Default)]
pub struct Binaries(Vec<PathBuf>);

/// A folder with PostgreSQL's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tools {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// Looks in these folders, and then where distributions put them.
    pub fn new(first: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut folders: Vec<PathBuf> = first.into_iter().collect();
        for (parent, below) in [
            ("/usr/lib/postgresql", "bin"), // Debian, Ubuntu
            ("/usr/pgsql", "bin"),          // PostgreSQL's own packages for RHEL
            ("/opt/homebrew/opt", "bin"),   // Homebrew on Apple silicon
            ("/usr/local/opt", "bin"),      // Homebrew on Intel
            ("/usr/libexec", ""),           // Alpine: postgresql16
        ] {
            folders.extend(
                versions_in(Path::new(parent)).into_iter().map(|folder| folder.join(below)),
            );
        }
        Self(folders)
    }

    /// The first that will do; where a cluster exists, of its version.
    pub(super) fn choose(&self, cluster: Option<&str>) -> Result<Tools, PrivateError> {
        let found: Vec<Tools> =
            self.0.iter().filter_map(|folder| Tools::in_folder(folder)).collect();
        let newest = found.iter().max_by_key(|tools| tools.major);
        let Some(newest) = newest else { return Err(PrivateError::new(NOT_INSTALLED)) };
        let Some(version) = cluster else {
            let first = found.iter().find(|tools| tools.major >= OLDEST);
            return first.cloned().ok_or_else(|| {
                PrivateError::new(format!(
                    "PostgreSQL {} is installed; Gatepost needs {OLDEST} or newer",
                    newest.major
                ))
            });
        };
        let same = found.iter().find(|tools| tools.major.to_string() == version);
        same.cloned().ok_or_else(|| {
            PrivateError::new(format!(
                "the data directory was made by PostgreSQL {version}, but only {} is installed: install \
                 version {version} beside it, or move the data with pg_upgrade",
                newest.major
            ))
        })
    }
}

const NOT_INSTALLED: &str = "PostgreSQL is not installed here. Install it (Debian, Ubuntu: apt-get install \
    postgresql; macOS: brew install postgresql@17; Fedora: dnf install postgresql-server; Alpine: apk add \
    postgresql16), name the folder of its programs with PG_BIN_DIR, or give Gatepost a database with \
    DATABASE_URL";

impl Tools {
    /// The path of a program.
    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    fn in_folder(folder: &Path) -> Option<Self> {
        let postgres = folder.join("postgres");
        if !postgres.is_file() || !folder.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(postgres).arg("--version").output().ok()?;
        let major = major_version(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { folder: folder.to_owned(), major })
    }
}

/// From `postgres (PostgreSQL) 15.18 (Debian …)`, or `16beta1`.
fn major_version(text: &str) -> Option<u32> {
    let number = text.split(' ').find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number.get(..end)?.parse().ok()
}

/// The folders of its versions, the newest first.
fn versions_in(parent: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with(|c: char| c.is_ascii_digit()) || name.starts_with("postgresql")
        })
        .collect();
    folders.sort();
    folders.reverse();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("something else"), None);
    }

    #[test]
    fn a_machine_without_postgresql_is_told_what_to_install() {
        let error = Binaries::default().choose(None).unwrap_err().to_string();
        assert!(error.contains("apt-get install") && error.contains("DATABASE_URL"), "{error}");
    }
}
