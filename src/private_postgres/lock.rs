//! Locks a directory for one server. Other users cannot open the file, so they cannot hold the lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::fcntl::OFlag;

use super::{PrivateError, private_files};

/// Name of the locked file.
const FILE: &str = "lock";

/// Lock on a directory, held until dropped. The operating system releases it if the process is killed.
#[derive(Debug)]
pub(super) struct Lock(
    #[expect(dead_code, reason = "the file stays locked while it is open")] File,
);

impl Lock {
    /// Locks the directory.
    pub(super) fn take(directory: &Path) -> Result<Self, PrivateError> {
        let file = open(directory)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(PrivateError::new(format!(
                "another Gatepost uses the data directory {}. Stop it first, or set GATEPOST_DATA_DIR to another \
                 directory",
                directory.display()
            ))),
            Err(TryLockError::Error(error)) => {
                Err(PrivateError::io("cannot lock", directory)(error))
            }
        }
    }

    /// Whether a server has locked the directory. Changes nothing.
    pub(super) fn is_held(directory: &Path) -> Result<bool, PrivateError> {
        let path = directory.join(FILE);
        let flags = OFlag::O_NOFOLLOW.bits();
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            opened => opened.map_err(PrivateError::io("cannot open", &path))?,
        };
        match file.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => {
                Err(PrivateError::io("cannot lock", directory)(error))
            }
        }
    }
}

fn open(directory: &Path) -> Result<File, PrivateError> {
    let path = directory.join(FILE);
    private_files::open(&path, OpenOptions::new().write(true))
        .map_err(PrivateError::io("cannot open", &path))
}
