//! Repeated SIGKILL of the rotation of the master key.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatepost::vault::Vault;
use uuid::Uuid;

use crate::support::clock::MovedClock;
use crate::support::database::TestDatabase;
use crate::support::process::{MASTER_KEY, directory, gatepost, run, with_args, with_database};
use crate::support::wait_until;

const KILLS: usize = 25;
const SECRETS: u16 = 1500;
const REVISIONS: u16 = 150;
const TEXT: &[u8] = b"an older value";

/// A value with its place.
type Sealed = (String, Vec<u8>);

struct Rotation {
    database: TestDatabase,
    folder: tempfile::TempDir,
}

impl Rotation {
    async fn new() -> Self {
        let (database, folder) = (TestDatabase::create().await, directory());
        let rotation = Self { database, folder };
        std::fs::write(rotation.file(), format!("{MASTER_KEY}\n")).unwrap();
        rotation.fill().await;
        rotation
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("master.key")
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = with_args(with_database(gatepost(), self.database.url()), args);
        command.env_remove("GATEPOST_MASTER_KEY").env("GATEPOST_MASTER_KEY_FILE", self.file());
        command
    }

    /// Inserts secrets, and a deleted webhook with values of older versions.
    async fn fill(&self) {
        let (vault, pool) = (self.vault(), self.database.pool());
        let mut tx = pool.begin().await.unwrap();
        for number in 0..SECRETS {
            let id = Uuid::from_u128(number.into());
            let sealed = vault.seal(&format!("secrets.sealed/{id}"), TEXT).unwrap();
            let sql = "insert into secrets values ($1, null, 'key_' || $2::text, $3, '{}', null, '{}', '', now(), now(), \
                       'command_line', '')";
            let query = sqlx::query(sql).bind(id).bind(number.to_string()).bind(sealed);
            query.execute(&mut *tx).await.unwrap();
        }
        let id = Uuid::from_u128(7);
        let sealed = vault.seal(&format!("webhooks.sealed/{id}"), TEXT).unwrap();
        let sql = "insert into webhooks (id, name, active, definition, sealed, created_at, updated_at, deleted_at, \
                   folded_name) values ($1, 'A', false, '{}', $2, now(), now(), now(), 'a')";
        sqlx::query(sql).bind(id).bind(sealed).execute(&mut *tx).await.unwrap();
        for number in 1..=REVISIONS {
            let place = format!("webhook_revisions.sealed/{id}/{number}");
            let sql = "insert into webhook_revisions (webhook_id, number, made_at, who_kind, who_name, act, note, changed, \
                       definition, sealed) values ($1, $2, now(), 'unknown', '', 'Changed', '', '', '{}', $3)";
            let sealed = vault.seal(&place, TEXT).unwrap();
            let query = sqlx::query(sql).bind(id).bind(i32::from(number)).bind(sealed);
            query.execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    /// Returns the keys in the file.
    fn keys(&self) -> Vec<[u8; 32]> {
        let text = std::fs::read_to_string(self.file()).unwrap();
        text.lines().map(|line| STANDARD.decode(line).unwrap().try_into().unwrap()).collect()
    }

    /// Returns a vault with the keys in the file.
    fn vault(&self) -> Vault {
        let keys = self.keys();
        Vault::new(&keys[0], MovedClock::default().sources()).with_previous(&keys[1..])
    }

    async fn values(&self) -> Vec<Sealed> {
        let sql = "select 'secrets.sealed/' || id, sealed from secrets \
                   union all select 'webhooks.sealed/' || id, sealed from webhooks \
                   union all select 'webhook_revisions.sealed/' || webhook_id || '/' || number, sealed \
                   from webhook_revisions";
        sqlx::query_as(sql).fetch_all(self.database.pool()).await.unwrap()
    }

    /// Asserts that all values can be decrypted with the keys in the file. Returns the number of those that need a previous
    /// key.
    async fn assert_readable(&self) -> usize {
        let (vault, values) = (self.vault(), self.values().await);
        assert_eq!(values.len(), usize::from(SECRETS + 1 + REVISIONS));
        for (place, sealed) in &values {
            assert_eq!(vault.open(place, sealed).as_deref(), Ok(TEXT), "{place}");
        }
        values.iter().filter(|(_, sealed)| !sealed.starts_with(&vault.prefix())).count()
    }

    /// Starts the rotation, and kills it after a while. Returns whether it had finished before.
    async fn kill_after(&self, delay: Duration) -> bool {
        let mut command = tokio::process::Command::from(self.command(&["secrets", "rotate-key"]));
        let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = silent.kill_on_drop(true).spawn().unwrap();
        let ended = tokio::time::timeout(delay, child.wait()).await;
        if let Ok(status) = ended {
            assert!(status.unwrap().success());
            return true;
        }
        child.kill().await.unwrap();
        false
    }

    /// Waits until the last statement of a killed process has ended, and its locks are released.
    async fn wait_for_release(&self) {
        wait_until("the killed process's locks to be released", async || {
            let sql = "select count(*) from pg_locks where locktype = 'advisory' and database = \
                       (select oid from pg_database where datname = current_database())";
            let count: i64 = sqlx::query_scalar(sql).fetch_one(self.database.pool()).await.unwrap();
            count == 0
        })
        .await;
    }
}

#[tokio::test]
async fn a_killed_rotation_leaves_everything_readable_and_is_continued() {
    let rotation = Rotation::new().await;
    // An undisturbed rotation, to know how long it takes.
    let began = Instant::now();
    run(rotation.command(&["secrets", "rotate-key"]), "").await.printed();
    let duration = began.elapsed();
    assert_eq!((rotation.keys().len(), rotation.assert_readable().await), (1, 0));

    let (mut interrupted, mut halfway) = (0, 0);
    for round in 0..KILLS {
        let before = rotation.keys();
        let has_finished =
            rotation.kill_after(duration.mul_f64(rand::random_range(0.0..1.1))).await;
        rotation.wait_for_release().await;
        let left = rotation.assert_readable().await;
        let after = rotation.keys();
        match (before.len(), after.len()) {
            // Not begun, or begun.
            (1, 1) if !has_finished => assert!(after == before || left == 0, "round {round}"),
            (1, 2) => assert_eq!(after[1], before[0], "round {round}"),
            // Finished from the start.
            (1, 1) => assert_ne!(after, before, "round {round}"),
            // Continued with the same key.
            (2, 1 | 2) => assert_eq!(after[0], before[0], "round {round}"),
            other => panic!("round {round}: {other:?} keys"),
        }
        assert!(!has_finished || after.len() == 1, "round {round}");
        interrupted += usize::from(after.len() == 2);
        halfway += usize::from(after.len() == 2 && left > 0 && left < SECRETS.into());
    }
    assert!(interrupted > 0 && halfway > 0, "{interrupted} were interrupted, {halfway} in between");

    let began_with = rotation.keys();
    run(rotation.command(&["secrets", "rotate-key"]), "").await.printed();
    assert_eq!((rotation.keys().len(), rotation.assert_readable().await), (1, 0));
    assert_eq!(began_with.len() == 2, rotation.keys()[0] == began_with[0]);
    assert_no_leftovers(rotation.folder.path());
    rotation.database.drop().await;
}

fn assert_no_leftovers(folder: &Path) {
    let names: Vec<_> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["master.key"]);
}
