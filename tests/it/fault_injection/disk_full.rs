//! No space left for PostgreSQL.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use gatepost::store::PgConnectOptions;
use sqlx::ConnectOptions;
use tempfile::TempDir;

use super::load::{Load, Outcome};
use super::postgres_killed::Private;
use crate::support::process::directory;
use crate::support::wait_until;

/// Enough for a new cluster and its write-ahead log.
const DISK: &str = "size=160m,mode=755";
/// What the events may fill.
const LEFT: u64 = 6 * 1024 * 1024;

/// A small disk in memory, gone when it is dropped.
struct Disk(TempDir);

impl Disk {
    /// None where this account may not mount, with the reason.
    fn mount() -> Result<Self, String> {
        let folder = directory();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", DISK, "gatepost-test"])
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

    /// Fills it all but [`LEFT`].
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
        filler.set_len(filler.metadata().unwrap().len().checked_sub(LEFT).unwrap()).unwrap();
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: what still runs after a test that failed must not keep it.
        let _unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

impl Private {
    /// Makes PostgreSQL begin the next file of its write-ahead log with the next thing it writes.
    async fn need_new_segment(&self) {
        let options = PgConnectOptions::new().socket(self.data.join("postgres/socket"));
        let options = options.username("gatepost").database("gatepost");
        let mut connection = options.connect().await.unwrap();
        // The connection may be gone before it has answered.
        let _switched = sqlx::query("select pg_switch_wal()").execute(&mut connection).await;
    }
}

#[tokio::test]
async fn a_full_disk_refuses_events_and_once_there_is_space_everything_accepted_is_sent() {
    let disk = match Disk::mount() {
        Ok(disk) => disk,
        Err(reason) => {
            eprintln!("SKIPPED, NOTHING IS PROVEN: a tmpfs cannot be mounted: {reason}");
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
    // First there is no room for the tables.
    load.wait_for_refused(20).await;
    // Then there is none for the write-ahead log: PostgreSQL ends, and is started again in vain.
    let was = private.postmaster();
    private.need_new_segment().await;
    wait_until("PostgreSQL to give up", async || private.postmaster() != was).await;
    let (before, refused) = (load.accepted(), load.refused());
    load.wait_for_refused(refused + 1).await;
    disk.free();
    Private::wait_for_recovery(&load, Instant::now()).await;
    load.wait_for_accepted(before + 20).await;
    let outcome = load.finish().await;
    assert_eq!(outcome.unanswered, 0, "{refused} refused");
    private.wait_until_sent(&outcome).await;
    assert_eq!(server.interrupt().await, Some(0));
}
