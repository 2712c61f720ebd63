//! What other users of the machine can see and open.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

use nix::unistd::{User, geteuid};

use super::private_database::DataDir;
use crate::support::process::{MASTER_KEY, Server, processes_with, with_admin};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn processes_of_the_database_get_no_secrets() {
    let place = DataDir::new();
    let mut command = with_admin(place.command());
    command.env("GATEPOST_MASTER_KEY", MASTER_KEY).env("PGPORT", "1").env("LC_ALL", "C");
    let server = Server::start(command).await;
    let children: Vec<u32> = processes_with(place.path())
        .into_iter()
        .map(|(pid, _)| pid)
        .filter(|pid| *pid != server.pid())
        .collect();
    assert!(children.len() >= 2, "the supervisor and PostgreSQL: {children:?}");
    for pid in children {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
        let environment = String::from_utf8_lossy(&environment).replace('\0', "\n");
        assert!(environment.contains("PATH="), "{environment}");
        let names = environment.lines().filter_map(|line| Some(line.split_once('=')?.0));
        for name in names {
            // The shell and PostgreSQL add some.
            let is_expected = ["PATH", "PWD", "OLDPWD", "SHLVL", "_", "TMPDIR", "LANG", "TZ"]
                .contains(&name)
                || ["LC_", "MALLOC_", "PG_"].iter().any(|start| name.starts_with(start));
            assert!(is_expected, "{pid} has {name}");
        }
    }
    assert_eq!(server.interrupt().await, Some(0));
}

#[tokio::test]
async fn other_users_cannot_hold_the_lock() {
    let place = DataDir::new();
    let data = place.path().join("data");
    let server = place.start().await;
    assert_eq!(mode(&data) & 0o066, 0, "only root's is passable");
    for name in ["lock", "master.key", "postgres/log"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    assert_eq!(mode(&data.join("postgres")), 0o700);
    if geteuid().is_root() {
        let other = User::from_name("games").unwrap().unwrap();
        let mut hold = std::process::Command::new("/bin/sh");
        hold.args(["-c", "exec 9< \"$1\"", "sh"]).arg(data.join("lock"));
        hold.uid(other.uid.as_raw()).gid(other.gid.as_raw()).current_dir("/");
        assert!(!hold.output().unwrap().status.success());
    }
    assert_eq!(server.interrupt().await, Some(0));
    // A lock of an earlier version is closed to others.
    fs::set_permissions(data.join("lock"), PermissionsExt::from_mode(0o644)).unwrap();
    let server = place.start().await;
    assert_eq!(mode(&data.join("lock")), 0o600);
    assert_eq!(server.interrupt().await, Some(0));
}
