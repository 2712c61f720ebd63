//! Files of the private cluster, and its process.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};

use super::account::Account;
use super::binaries::Tools;
use super::{PORT, PrivateError, USER, private_files};

/// Runs PostgreSQL, whose command is the arguments, and exits with it. A second process reads a pipe from Gatepost:
/// `stop` shuts PostgreSQL down cleanly (SIGINT); the end of the pipe, because Gatepost was killed, at once (SIGQUIT). The
/// signal is repeated, because PostgreSQL does not handle signals yet while it starts.
const SUPERVISOR_SCRIPT: &str = r#"umask 077
exec 3<&0
"$@" </dev/null 3<&- & pid=$!
{ read -r word; if [ "$word" = stop ]; then how=INT; else how=QUIT; fi
  while kill -$how $pid 2>/dev/null; do sleep 1; done; } <&3 &
reader=$!
exec 3<&- </dev/null
wait $pid; status=$?
kill $reader 2>/dev/null
exit $status"#;

/// Makes glibc keep the memory of a statement for the next one. By default it returns everything beyond 128 KiB to the
/// system and requests it again, page by page (mallopt(3)). Other C libraries ignore these variables.
const MALLOC: [(&str, &str); 2] =
    [("MALLOC_TRIM_THRESHOLD_", "16777216"), ("MALLOC_MMAP_THRESHOLD_", "8388608")];

/// Maximum length of the socket's directory: PostgreSQL allows 107 bytes for the whole path.
const MAX_SOCKET_DIR_BYTES: usize = 107 - "/.s.PGSQL.5432".len();
/// File beside the socket with the id of the process that listens on it.
const SOCKET_LOCK: &str = ".s.PGSQL.5432.lock";
/// Size from which the log is emptied at a start.
const MAX_LOG_BYTES: u64 = 16 * 1024 * 1024;

/// Directories of one private cluster.
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

    /// PostgreSQL's data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.home.join("cluster")
    }

    fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    /// Directory of the socket. A path that is too long for a socket is replaced by a short one.
    pub(super) fn socket(&self) -> PathBuf {
        let near = self.home.join("socket");
        if near.as_os_str().len() <= MAX_SOCKET_DIR_BYTES {
            return near;
        }
        let digest = Sha256::digest(self.home.as_os_str().as_encoded_bytes());
        let short = hex::encode(digest.get(..8).unwrap_or_default());
        Path::new("/tmp").join(format!("gatepost-{short}"))
    }

    /// Major version of PostgreSQL that created the cluster; `None` if there is none yet.
    pub(super) fn version(&self) -> Result<Option<String>, PrivateError> {
        let path = self.data().join("PG_VERSION");
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(PrivateError::io("cannot read", &path)(error)),
        }
    }

    /// Creates the directories and the cluster if they are missing. The cluster is created under another name first, so
    /// that an aborted start leaves no partial cluster.
    pub(super) async fn prepare(
        &self,
        account: &Account,
        tools: &Tools,
    ) -> Result<(), PrivateError> {
        for folder in [&self.home, &self.socket()] {
            private_files::create_directory(folder, account.ids())
                .map_err(PrivateError::io("cannot create the private directory", folder))?;
        }
        if self.data().join("PG_VERSION").exists() {
            return Ok(());
        }
        let part = self.home.join("cluster.part");
        if part.exists() {
            fs::remove_dir_all(&part).map_err(PrivateError::io("cannot remove", &part))?;
        }
        let mut initdb = tools.command("initdb");
        initdb
            .args(["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C"])
            .args(["--data-checksums", "--no-instructions", "--pgdata"])
            .arg(&part);
        run(initdb, account, "initdb", &self.home).await?;
        fs::rename(&part, self.data()).map_err(PrivateError::io("cannot rename", &part))
    }

    /// Cleans up after a server that was killed together with the supervisor. A PostgreSQL that still runs is stopped. A
    /// recorded process id that another process uses now is removed, because PostgreSQL would take that process for
    /// itself. If processes of the old PostgreSQL are left, their shared memory keeps the new one from starting.
    pub(super) async fn clear_leftovers(
        &self,
        account: &Account,
        tools: &Tools,
    ) -> Result<(), PrivateError> {
        for file in [self.data().join("postmaster.pid"), self.socket().join(SOCKET_LOCK)] {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            let pid = text.lines().next().unwrap_or_default().trim();
            if self.is_run_by(pid, tools).await {
                tracing::info!(pid, "stopping the PostgreSQL of a killed server");
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
        let mut stop = tools.command("pg_ctl");
        stop.args(["stop", "--wait", "--mode", "fast", "--silent", "--pgdata"]).arg(self.data());
        if let Err(error) = run(stop, account, "pg_ctl stop", &self.home).await {
            // It may have ended in the meantime. If not, the start fails.
            tracing::debug!(%error, "could not stop the old PostgreSQL");
        }
        Ok(())
    }

    /// Whether a process is this cluster's PostgreSQL. Process ids are reused, even by another PostgreSQL.
    async fn is_run_by(&self, pid: &str, tools: &Tools) -> bool {
        if pid.is_empty() {
            return false;
        }
        let command = if Path::new("/proc/self").exists() {
            fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
        } else {
            let mut ps = tools.system_command("ps");
            ps.args(["-ww", "-o", "command=", "-p", pid]).stdin(Stdio::null());
            ps.output().await.map(|output| output.stdout).unwrap_or_default()
        };
        let command = String::from_utf8_lossy(&command);
        command.contains("postgres") && command.contains(&*self.data().to_string_lossy())
    }

    /// Starts PostgreSQL under its supervisor.
    pub(super) fn spawn(
        &self,
        account: &Account,
        tools: &Tools,
    ) -> Result<Supervisor, PrivateError> {
        let log = self.open_log(account)?;
        let mut supervisor = tools.system_command("/bin/sh");
        supervisor
            .arg("-c")
            .arg(SUPERVISOR_SCRIPT)
            .arg("gatepost-postgres")
            .arg(tools.path("postgres"));
        supervisor.arg("-D").arg(self.data());
        for setting in self.settings() {
            supervisor.arg("-c").arg(setting);
        }
        supervisor.envs(MALLOC);
        account.apply(&mut supervisor);
        let log_again = log.try_clone().map_err(PrivateError::io("cannot write", &self.log()))?;
        let child = supervisor
            // Ctrl-C in the terminal must not reach PostgreSQL, which has to outlast the last attempt.
            .process_group(0)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(log_again)
            .spawn()
            .map_err(PrivateError::io("cannot start", &tools.path("postgres")))?;
        Ok(Supervisor::new(child))
    }

    fn settings(&self) -> Vec<String> {
        vec![
            "listen_addresses=".to_owned(),
            format!("port={PORT}"),
            format!("unix_socket_directories={}", self.socket().display()),
            "unix_socket_permissions=0700".to_owned(),
            "max_connections=50".to_owned(),
            "timezone=UTC".to_owned(),
            "log_timezone=UTC".to_owned(),
            "log_checkpoints=off".to_owned(),
        ]
    }

    fn open_log(&self, account: &Account) -> Result<File, PrivateError> {
        let path = self.log();
        let is_long = fs::metadata(&path).is_ok_and(|found| found.len() > MAX_LOG_BYTES);
        let log = private_files::open(&path, File::options().append(true))
            .map_err(PrivateError::io("cannot write", &path))?;
        if is_long {
            log.set_len(0).map_err(PrivateError::io("cannot empty", &path))?;
        }
        private_files::give(&log, account.ids())
            .map_err(PrivateError::io("cannot change the owner of", &path))?;
        Ok(log)
    }

    /// Last lines of PostgreSQL's log, for an error message.
    pub(super) fn last_log_lines(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.get(lines.len().saturating_sub(5)..).unwrap_or_default();
        if last.is_empty() {
            return String::new();
        }
        format!(
            ". Its log ends with:\n{}\n(the whole log is in {})",
            last.join("\n"),
            self.log().display()
        )
    }
}

/// The process that runs PostgreSQL, and the pipe to it.
#[derive(Debug)]
pub(super) struct Supervisor {
    child: Child,
    /// Separate from `child`, because waiting for a child closes its input.
    pipe: Option<ChildStdin>,
}

impl Supervisor {
    fn new(mut child: Child) -> Self {
        let pipe = child.stdin.take();
        Self { child, pipe }
    }

    /// Waits until PostgreSQL has ended.
    pub(super) async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Exit status, if PostgreSQL has ended.
    pub(super) fn try_wait(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Requests a clean shutdown.
    pub(super) async fn ask_to_stop(&mut self) {
        if let Some(mut pipe) = self.pipe.take()
            && let Err(error) = pipe.write_all(b"stop\n").await
        {
            tracing::debug!(%error, "the private PostgreSQL had already ended");
        }
    }
}

/// Runs one of PostgreSQL's programs and waits for it.
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
