//! Finds PostgreSQL's programs.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::PrivateError;
use super::environment::Environment;

/// Oldest supported major version.
const MIN_MAJOR: u32 = 14;

/// Directories to search, and the environment of the programs in them.
#[derive(Debug, Clone, Default)]
pub struct Binaries {
    directories: Vec<PathBuf>,
    environment: Environment,
}

/// A directory with PostgreSQL's programs.
#[derive(Debug, Clone)]
pub(super) struct Tools {
    directory: PathBuf,
    major: u32,
    environment: Environment,
}

impl Binaries {
    /// Searches these directories, and then those in which distributions install PostgreSQL.
    pub fn new(first: impl IntoIterator<Item = PathBuf>, environment: Environment) -> Self {
        let mut directories: Vec<PathBuf> = first.into_iter().collect();
        for (parent, below) in [
            ("/usr/lib/postgresql", "bin"), // Debian, Ubuntu
            ("/usr/pgsql", "bin"),          // PostgreSQL's own packages for RHEL
            ("/opt/homebrew/opt", "bin"),   // Homebrew on Apple silicon
            ("/usr/local/opt", "bin"),      // Homebrew on Intel
            ("/usr/libexec", ""),           // Alpine: postgresql16
        ] {
            directories.extend(
                versions_in(Path::new(parent)).into_iter().map(|directory| directory.join(below)),
            );
        }
        Self { directories, environment }
    }

    /// Chooses the first supported version, or the version of an existing cluster.
    pub(super) async fn choose(&self, cluster: Option<&str>) -> Result<Tools, PrivateError> {
        let mut found = Vec::new();
        for directory in &self.directories {
            found.extend(Tools::in_directory(directory, &self.environment).await);
        }
        let newest = found.iter().max_by_key(|tools| tools.major);
        let Some(newest) = newest else { return Err(PrivateError::new(NOT_INSTALLED)) };
        let Some(version) = cluster else {
            let first = found.iter().find(|tools| tools.major >= MIN_MAJOR);
            return first.cloned().ok_or_else(|| {
                PrivateError::new(format!(
                    "PostgreSQL {} is installed, but Gatepost needs version {MIN_MAJOR} or newer",
                    newest.major
                ))
            });
        };
        let same = found.iter().find(|tools| tools.major.to_string() == version);
        same.cloned().ok_or_else(|| {
            PrivateError::new(format!(
                "the data directory was created by PostgreSQL {version}, but only version {} is installed. Install \
                 version {version} too, or convert the data with pg_upgrade",
                newest.major
            ))
        })
    }
}

const NOT_INSTALLED: &str = "PostgreSQL is not installed. Install it (Debian, Ubuntu: apt-get install postgresql; \
    macOS: brew install postgresql@17; Fedora: dnf install postgresql-server; Alpine: apk add postgresql16), set \
    PG_BIN_DIR to the directory of its programs, or set DATABASE_URL to use another database";

impl Tools {
    /// Path of a program.
    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.directory.join(program)
    }

    /// A command that runs one of PostgreSQL's programs.
    pub(super) fn command(&self, program: &str) -> Command {
        self.environment.command(self.path(program))
    }

    /// A command that runs another program of the system.
    pub(super) fn system_command(&self, program: &str) -> Command {
        self.environment.command(program)
    }

    async fn in_directory(directory: &Path, environment: &Environment) -> Option<Self> {
        let postgres = directory.join("postgres");
        if !postgres.is_file() || !directory.join("initdb").is_file() {
            return None;
        }
        let output = environment.command(postgres).arg("--version").output().await.ok()?;
        let major = major_version(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { directory: directory.to_owned(), major, environment: environment.clone() })
    }
}

/// Parses the output of `postgres --version`, such as `postgres (PostgreSQL) 15.18 (Debian …)` or `… 16beta1`.
fn major_version(text: &str) -> Option<u32> {
    let number = text.split(' ').find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number.get(..end)?.parse().ok()
}

/// Directories of the installed versions, newest first.
fn versions_in(parent: &Path) -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.starts_with(|c: char| c.is_ascii_digit()) || name.starts_with("postgresql")
        })
        .collect();
    directories.sort();
    directories.reverse();
    directories
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_major_versions() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("something else"), None);
    }

    #[tokio::test]
    async fn says_what_to_install_without_postgresql() {
        let error = Binaries::default().choose(None).await.unwrap_err().to_string();
        assert!(error.contains("apt-get install") && error.contains("DATABASE_URL"), "{error}");
    }
}
