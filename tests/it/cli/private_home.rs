//! Data directories below a private home, and the accounts that PostgreSQL runs as.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use nix::unistd::{User, geteuid};

use super::assert_says;
use super::private_database::DataDir;
use crate::support::event;
use crate::support::process::{Server, directory, gatepost, run, with_args, with_data_dir};

/// Returns whether the test runs as root. CI always does, so tests that need root are never skipped there.
fn is_root() -> bool {
    let is_root = geteuid().is_root();
    assert!(is_root || std::env::var_os("CI").is_none(), "CI must run the tests as root");
    is_root
}

/// A private home directory, such as /root, with the data directory below it.
struct PrivateHome(DataDir);

impl PrivateHome {
    fn new() -> Self {
        let place = DataDir::new();
        fs::set_permissions(place.path(), PermissionsExt::from_mode(0o700)).unwrap();
        Self(place)
    }

    fn link(&self) -> PathBuf {
        self.0.path().join("data/postgres")
    }
}

impl Drop for PrivateHome {
    fn drop(&mut self) {
        if let Ok(target) = fs::read_link(self.link()) {
            let _removed = fs::remove_dir_all(target);
        }
    }
}

#[tokio::test]
async fn root_can_keep_its_data_below_a_private_home() {
    if !is_root() {
        return;
    }
    let home = PrivateHome::new();
    let place = &home.0;
    let server = place.start().await;
    let token = place.token().await;
    assert_eq!(server.send(&token, &event("Granted", "1")).await.0, 202);
    let target = fs::read_link(home.link()).unwrap();
    assert!(target.starts_with("/var/lib/gatepost"), "{}", target.display());
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(server.interrupt().await, Some(0));

    // The next start finds the same database.
    let server = place.start().await;
    let (_, answer) = server.send(&token, &event("Granted", "1")).await;
    assert_eq!(answer["events"][0]["duplicate"], true, "{answer}");

    // A copy of the data directory links to the same database, and must not use it at the same time.
    let copy = place.path().join("copy");
    fs::create_dir(&copy).unwrap();
    symlink(&target, copy.join("postgres")).unwrap();
    let failure = run(with_data_dir(gatepost(), &copy), "").await.failure();
    assert_says(&failure, &["another Gatepost", target.to_str().unwrap()]);
    assert_eq!(server.interrupt().await, Some(0));
}

#[tokio::test]
async fn a_start_that_failed_in_a_private_home_can_be_repeated() {
    if !is_root() {
        return;
    }
    let home = PrivateHome::new();
    fs::create_dir_all(home.link().join("socket")).unwrap();
    home.0.run(&["migrate"], "").await.printed();
    assert!(fs::symlink_metadata(home.link()).unwrap().is_symlink());
}

#[tokio::test]
async fn a_database_link_that_leads_elsewhere_is_refused() {
    let place = DataDir::new();
    let data = place.path().join("data");
    fs::create_dir(&data).unwrap();
    let elsewhere = directory();
    symlink(elsewhere.path(), data.join("postgres")).unwrap();
    let failure = run(place.command(), "").await.failure();
    assert_says(&failure, &["which Gatepost did not create", "GATEPOST_DATA_DIR"]);
    assert!(elsewhere.path().read_dir().unwrap().next().is_none());

    fs::remove_file(data.join("postgres")).unwrap();
    symlink("/var/lib/gatepost/missing", data.join("postgres")).unwrap();
    let failure = run(place.command(), "").await.failure();
    assert_says(&failure, &["/var/lib/gatepost/missing, which does not exist", "remove the link"]);
}

#[tokio::test]
async fn an_ordinary_user_can_keep_the_data_in_a_private_home() {
    let home = PrivateHome::new();
    let mut command = home.0.command();
    if is_root() {
        let nobody = User::from_name("nobody").unwrap().unwrap();
        let (uid, gid) = (nobody.uid.as_raw(), nobody.gid.as_raw());
        chown(home.0.path(), Some(uid), Some(gid)).unwrap();
        command.uid(uid).gid(gid);
    }
    let server = Server::start(command).await;
    assert_eq!(server.readiness().await, Some(200));
    assert!(home.0.cluster().exists());
    assert_eq!(server.interrupt().await, Some(0));
}

#[tokio::test]
async fn root_runs_the_database_under_the_account_that_created_it() {
    if !is_root() {
        return;
    }
    let place = DataDir::new();
    let nobody = User::from_name("nobody").unwrap().unwrap();
    let (uid, gid) = (nobody.uid.as_raw(), nobody.gid.as_raw());
    chown(place.path(), Some(uid), Some(gid)).unwrap();
    let mut command = with_args(place.command(), &["token", "create", "test"]);
    command.uid(uid).gid(gid);
    let token = run(command, "").await.printed();
    // Root can use the cluster, and the owner can use it again afterwards.
    place.run(&["migrate"], "").await.printed();
    assert_eq!(fs::metadata(place.cluster()).unwrap().uid(), uid);
    let mut command = place.command();
    command.uid(uid).gid(gid);
    let server = Server::start(command).await;
    assert_eq!(server.send(token.trim(), &event("Granted", "1")).await.0, 202);
    assert_eq!(server.interrupt().await, Some(0));
}
