//! Directory that holds the private cluster: usually `postgres` in the data directory.
//!
//! PostgreSQL refuses to run as root. A server started as root runs it under another account, which cannot enter a
//! data directory below a private one such as /root (mode 0700). The cluster is then created in /var/lib/gatepost, and
//! `postgres` in the data directory is a link to it, so that moving the data directory keeps the database.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

use super::PrivateError;
use super::account::Account;

/// Name of the directory, or of the link to it, in the data directory.
const NAME: &str = "postgres";
/// Parent of clusters whose data directory the account cannot enter.
const SHARED: &str = "/var/lib/gatepost";

/// Returns the directory of an existing cluster, following the link if there is one.
pub(super) fn find(data_dir: &Path) -> PathBuf {
    let home = data_dir.join(NAME);
    home.canonicalize().unwrap_or(home)
}

/// Returns the directory for the cluster, and creates it if the account cannot enter the data directory.
pub(super) async fn choose(data_dir: &Path, account: &Account) -> Result<PathBuf, PrivateError> {
    let home = data_dir.join(NAME);
    match fs::symlink_metadata(&home) {
        Ok(found) if found.is_symlink() => return follow(&home, &found),
        Ok(_) if home.join("cluster").exists() => return Ok(home),
        _ => {}
    }
    if account.can_enter(data_dir).await? {
        return Ok(home);
    }
    // An earlier start that failed halfway may have left this directory behind. It holds no cluster.
    if home.exists() {
        fs::remove_dir_all(&home).map_err(PrivateError::io("cannot remove", &home))?;
    }
    let target = create(data_dir, account).await?;
    symlink(&target, &home).map_err(PrivateError::io("cannot create the link", &home))?;
    tracing::info!(
        directory = %target.display(),
        account = account.name(),
        "created the database outside the data directory, which the account cannot enter"
    );
    Ok(target)
}

/// Follows a link that this program created. Other links could lead a server that runs as root anywhere.
fn follow(home: &Path, found: &fs::Metadata) -> Result<PathBuf, PrivateError> {
    let target = fs::read_link(home).map_err(PrivateError::io("cannot read the link", home))?;
    let is_ours = found.uid() == geteuid().as_raw() && target.parent() == Some(Path::new(SHARED));
    if !is_ours {
        return Err(PrivateError::new(format!(
            "{} is a link to {}, which Gatepost did not create. Remove the link, or choose another data \
             directory with GATEPOST_DATA_DIR",
            home.display(),
            target.display()
        )));
    }
    if !target.is_dir() {
        return Err(PrivateError::new(format!(
            "the database of this data directory is missing: {} links to {}, which does not exist. Restore \
             that directory, or remove the link to start with an empty database",
            home.display(),
            target.display()
        )));
    }
    Ok(target)
}

/// Creates a directory outside of the data directory, where PostgreSQL keeps the files of this data directory.
async fn create(data_dir: &Path, account: &Account) -> Result<PathBuf, PrivateError> {
    let shared = Path::new(SHARED);
    if !shared.exists() {
        fs::create_dir_all(shared).map_err(PrivateError::io("cannot create", shared))?;
        // Whatever the umask: the account only passes through.
        fs::set_permissions(shared, Permissions::from_mode(0o711))
            .map_err(PrivateError::io("cannot change", shared))?;
    }
    if !account.can_enter(shared).await? {
        return Err(PrivateError::new(format!(
            "the account {} can enter neither {} nor {SHARED}, so PostgreSQL cannot keep its files there. \
             Choose a directory that it can enter with GATEPOST_DATA_DIR",
            account.name().unwrap_or_default(),
            data_dir.display()
        )));
    }
    let digest = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
    let name = hex::encode(digest.get(..6).unwrap_or_default());
    // A directory of this name may belong to a data directory that was moved or deleted.
    let mut target = shared.join(&name);
    let mut number = 2;
    loop {
        match fs::create_dir(&target) {
            Ok(()) => return Ok(target),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                target = shared.join(format!("{name}-{number}"));
                number += 1;
            }
            Err(error) => return Err(PrivateError::io("cannot create", &target)(error)),
        }
    }
}
