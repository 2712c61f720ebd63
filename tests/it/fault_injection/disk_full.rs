//! A full disk of PostgreSQL.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::Command;

use gatepost::store::PgConnectOptions;
use sqlx::ConnectOptions;
use tempfile::TempDir;

use super::load::{Load, Outcome};
use super::postgres_killed::Private;
use crate::support::process::directory;
use crate::support::wait_until;

/// Mount options of a disk with enough space for a new cluster and its write-ahead log.
const DISK_OPTIONS: &str = "size=160m,mode=755";
/// Space left for events, in bytes.
const FREE_BYTES: u64 = 6 * 1024 * 1024;

/// A small disk in memory, unmounted on drop.
struct Disk(TempDir);

impl Disk {
    /// Mounts the disk. Fails if this account must not mount.
    fn mount() -> Result<Self, String> {
        let folder = directory();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", DISK_OPTIONS, "gatepost-test"])
            .arg(folder.path())
            .output()
            .map_err(|error| error.to_string())?;
        if mount.status.success() {
            Ok(Self(folder))
        } else {
            Err(String::from_utf8_lossy(&mount.stderr).trim().to_owned())
        }
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills the disk up to [`FREE_BYTES`].
    fn fill(&self) {
        let path = self.path().join("filler");
        let mut filler = File::create(&path).unwrap();
        let block = vec![1; 1024 * 1024];
        let error = loop {
            if let Err(error) = filler.write_all(&block) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
        filler.set_len(filler.metadata().unwrap().len().checked_sub(FREE_BYTES).unwrap()).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, because processes of a failed test may still use it.
        let _unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

impl Private {
    /// Makes PostgreSQL start a new file of its write-ahead log.
    async fn need_new_segment(&self) {
        let options = PgConnectOptions::new().socket(self.data.join("postgres/socket"));
        let options = options.username("gatepost").database("gatepost");
        let mut connection = options.connect().await.unwrap();
        // The connection may end before the response.
        let _switched = sqlx::query("select pg_switch_wal()").execute(&mut connection).await;
    }
}

#[tokio::test]
async fn rejects_events_on_a_full_disk_and_sends_accepted_ones_later() {
    let disk = match Disk::mount() {
        Ok(disk) => disk,
        Err(reason) => {
            assert!(std::env::var_os("CI").is_none(), "CI must be able to mount a tmpfs: {reason}");
            eprintln!("skipped: a tmpfs cannot be mounted: {reason}");
            return;
        }
    };
    let private = Private::new(disk.path()).await;
    let server = private.start().await;
    let small = Load::start(&server.base, &private.token, 4, Outcome::default());
    small.wait_for_accepted(20).await;
    let outcome = small.finish().await;
    disk.fill();
    let load = Load::with_padding(&server.base, &private.token, 4, outcome, 200_000);
    // First there is no space for the tables.
    load.wait_for_unavailable(20).await;
    // Then there is none for the write-ahead log: PostgreSQL ends and cannot restart.
    let was = private.postmaster();
    private.need_new_segment().await;
    wait_until("PostgreSQL to give up", async || private.postmaster() != was).await;
    let (before, unavailable) = (load.accepted(), load.unavailable());
    load.wait_for_unavailable(unavailable + 1).await;
    disk.free();
    Private::wait_for_recovery(&load).await;
    load.wait_for_accepted(before + 20).await;
    let outcome = load.finish().await;
    assert!(outcome.unanswered.is_empty(), "{:?}", outcome.unanswered);
    private.wait_until_sent(&outcome).await;
    assert_eq!(server.interrupt().await, Some(0));
}
