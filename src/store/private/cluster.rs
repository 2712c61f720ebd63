//! The private cluster's files and its process.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};

use super::account::Account;
use super::binaries::Tools;
use super::{PrivateError, USER};

/// Runs PostgreSQL (its command is the arguments) and ends with it. A second process reads the pipe
/// from us: `stop` ends PostgreSQL cleanly (INT); the pipe's end, when we were killed, at once (QUIT).
/// A signal may come before PostgreSQL listens to signals, so it is repeated.
const KEEPER: &str = r#"exec 3<&0
"$@" </dev/null 3<&- & pid=$!
{ read -r word; if [ "$word" = stop ]; then how=INT; else how=QUIT; fi
  while kill -$how $pid 2>/dev/null; do sleep 1; done; } <&3 &
reader=$!
exec 3<&- </dev/null
wait $pid; status=$?
kill $reader 2>/dev/null
exit $status"#;

/// What a statement's memory was is kept for the next one: by itself, glibc's allocator gives all beyond 128 KiB back to
/// the system and asks for it again, page by page (mallopt(3)). Other libraries do not know these variables.
const MALLOC: [(&str, &str); 2] =
    [("MALLOC_TRIM_THRESHOLD_", "16777216"), ("MALLOC_MMAP_THRESHOLD_", "8388608")];

/// PostgreSQL's limit is 107 bytes for the socket's whole path.
const LONGEST_SOCKET_DIR: usize = 107 - "/.s.PGSQL.5432".len();
/// Names the process that listens, beside the socket.
const SOCKET_LOCK: &str = ".s.PGSQL.5432.lock";
/// A log that is longer is begun anew.
const LONGEST_LOG: u64 = 16 * 1024 * 1024;

/// The folders of one private cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    home: PathBuf,
}

impl Cluster {
    /// In this directory, given as an absolute path.
    pub(super) fn at(home: PathBuf) -> Self {
        Self { home }
    }

    /// Directory of everything that belongs to the cluster.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// Where PostgreSQL keeps its files.
    pub(super) fn data(&self) -> PathBuf {
        self.home.join("cluster")
    }

    fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    /// Where it listens. A path that is too long for a socket is replaced by a short one.
    pub(super) fn socket(&self) -> PathBuf {
        let near = self.home.join("socket");
        if near.as_os_str().len() <= LONGEST_SOCKET_DIR {
            return near;
        }
        let digest = Sha256::digest(self.home.as_os_str().as_encoded_bytes());
        let short = hex::encode(digest.get(..8).unwrap_or_default());
        Path::new("/tmp").join(format!("gatepost-{short}"))
    }

    /// PostgreSQL's major version that made it; none where there is no cluster yet.
    pub(super) fn version(&self) -> Result<Option<String>, PrivateError> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PrivateError::io("cannot read", &path)(error)),
        }
    }

    /// Makes the folders, and the cluster where there is none: aside first, so that a start that is
    /// cut off leaves nothing half made.
    pub(super) async fn prepare(
        &self,
        account: &Account,
        tools: &Tools,
    ) -> Result<(), PrivateError> {
        for folder in [&self.home, &self.socket()] {
            make_private(folder, account)?;
        }
        if self.data().join("PG_VERSION").exists() {
            return Ok(());
        }
        let part = self.home.join("cluster.part");
        if part.exists() {
            fs::remove_dir_all(&part).map_err(PrivateError::io("cannot remove", &part))?;
        }
        let mut initdb = Command::new(tools.path("initdb"));
        initdb
            .args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C"])
            .args(["--data-checksums", "--no-instructions", "--pgdata"])
            .arg(&part);
        run(initdb, account, "initdb", &self.home).await?;
        fs::rename(&part, self.data()).map_err(PrivateError::io("cannot rename", &part))
    }

    /// What a server that was killed together with the keeper left behind: a PostgreSQL that still
    /// runs is stopped; a process number that is somebody else's by now is forgotten, for PostgreSQL
    /// would take that process for itself. (Should processes of the old one be left after all,
    /// their shared memory keeps the new one from starting.)
    pub(super) async fn clear_leftovers(
        &self,
        account: &Account,
        tools: &Tools,
    ) -> Result<(), PrivateError> {
        for file in [self.data().join("postmaster.pid"), self.socket().join(SOCKET_LOCK)] {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            let pid = text.lines().next().unwrap_or_default().trim();
            if self.is_run_by(pid).await {
                tracing::info!(pid, "stopping the PostgreSQL that a killed server left behind");
                return self.stop_leftover(account, tools).await;
            }
            match fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(PrivateError::io("cannot remove", &file)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn stop_leftover(&self, account: &Account, tools: &Tools) -> Result<(), PrivateError> {
        let mut stop = Command::new(tools.path("pg_ctl"));
        stop.args(["stop", "--wait", "--mode", "fast", "--silent", "--pgdata"]).arg(self.data());
        if let Err(error) = run(stop, account, "pg_ctl stop", &self.home).await {
            // It may have ended meanwhile; if not, the start says so.
            tracing::debug!(%error, "nothing was left to stop");
        }
        Ok(())
    }

    /// Whether a process is this cluster's PostgreSQL: process numbers are used again, perhaps for the
    /// PostgreSQL of somebody else.
    async fn is_run_by(&self, pid: &str) -> bool {
        if pid.is_empty() {
            return false;
        }
        let command = if Path::new("/proc/self").exists() {
            fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
        } else {
            let mut ps = Command::new("ps");
            ps.args(["-ww", "-o", "command=", "-p", pid]).stdin(Stdio::null());
            ps.output().await.map(|output| output.stdout).unwrap_or_default()
        };
        let command = String::from_utf8_lossy(&command);
        command.contains("postgres") && command.contains(&*self.data().to_string_lossy())
    }

    /// Starts PostgreSQL under its keeper.
    pub(super) fn spawn(&self, account: &Account, tools: &Tools) -> Result<Keeper, PrivateError> {
        let log = self.open_log(account)?;
        let mut keeper = Command::new("/bin/sh");
        keeper.arg("-c").arg(KEEPER).arg("gatepost-postgres").arg(tools.path("postgres"));
        keeper.arg("-D").arg(self.data());
        for setting in self.settings() {
            keeper.arg("-c").arg(setting);
        }
        keeper.envs(MALLOC);
        account.apply(&mut keeper);
        let log_again = log.try_clone().map_err(PrivateError::io("cannot write", &self.log()))?;
        let child = keeper
            // Ctrl-C in the terminal is for us alone: the database must outlast the last exchange.
            .process_group(0)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(log_again)
            .spawn()
            .map_err(PrivateError::io("cannot start", &tools.path("postgres")))?;
        Ok(Keeper::new(child))
    }

    fn settings(&self) -> Vec<String> {
        vec![
            "listen_addresses=".to_owned(),
            format!("unix_socket_directories={}", self.socket().display()),
            "unix_socket_permissions=0700".to_owned(),
            "max_connections=40".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            "log_checkpoints=off".to_owned(),
        ]
    }

    fn open_log(&self, account: &Account) -> Result<File, PrivateError> {
        let path = self.log();
        let is_long = fs::metadata(&path).is_ok_and(|found| found.len() > LONGEST_LOG);
        let log = File::options()
            .create(true)
            .append(!is_long)
            .write(true)
            .truncate(is_long)
            .open(&path)
            .map_err(PrivateError::io("cannot write", &path))?;
        account.own(&path)?;
        Ok(log)
    }

    /// The end of what PostgreSQL said, for an error message.
    pub(super) fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.get(lines.len().saturating_sub(5)..).unwrap_or_default();
        if last.is_empty() {
            return String::new();
        }
        format!("; it said:\n{}\n(the rest is in {})", last.join("\n"), self.log().display())
    }
}

/// The process that runs PostgreSQL, and our end of its pipe.
#[derive(Debug)]
pub(super) struct Keeper {
    child: Child,
    /// Waiting for a child closes its input, so it is kept apart.
    pipe: Option<ChildStdin>,
}

impl Keeper {
    fn new(mut child: Child) -> Self {
        let pipe = child.stdin.take();
        Self { child, pipe }
    }

    /// Waits until PostgreSQL has ended.
    pub(super) async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// How PostgreSQL has ended, if it has.
    pub(super) fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks PostgreSQL to end cleanly.
    pub(super) async fn ask_to_stop(&mut self) {
        if let Some(mut pipe) = self.pipe.take()
            && let Err(error) = pipe.write_all(b"stop\n").await
        {
            tracing::debug!(%error, "the private PostgreSQL had ended");
        }
    }
}

/// A folder for the account alone.
fn make_private(folder: &Path, account: &Account) -> Result<(), PrivateError> {
    let failed = |error| PrivateError::io("cannot make", folder)(error);
    match fs::create_dir(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    // A link that somebody laid there must not lead us elsewhere.
    if !fs::symlink_metadata(folder).map_err(failed)?.is_dir() {
        return Err(PrivateError::new(format!("{} is not a directory", folder.display())));
    }
    account.own(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(failed)
}

/// Runs one of PostgreSQL's programs to its end.
async fn run(
    mut command: Command,
    account: &Account,
    name: &str,
    home: &Path,
) -> Result<(), PrivateError> {
    account.apply(&mut command);
    let output = command
        .current_dir("/")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(PrivateError::io("cannot run", Path::new(name)))?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let hint = match account.name() {
        Some(account) if stderr.contains("ermission denied") => format!(
            " The account {account} must be able to enter {}. Choose another directory with \
             GATEPOST_DATA_DIR.",
            home.display()
        ),
        _ => String::new(),
    };
    Err(PrivateError::new(format!("{name} failed: {}{hint}", stderr.trim())))
}
