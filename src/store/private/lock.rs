//! One server for one data directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::PrivateError;

const FILE: &str = "lock";

/// Held until dropped; the system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "the lock lives as long as the file")] File);

impl Lock {
    /// Takes the directory.
    pub(super) fn take(data_dir: &Path) -> Result<Self, PrivateError> {
        let file = open(data_dir)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(PrivateError::new(format!(
                "another Gatepost uses the data directory {}: stop it first, or give this one a \
                 directory of its own with GATEPOST_DATA_DIR",
                data_dir.display()
            ))),
            Err(TryLockError::Error(error)) => {
                Err(PrivateError::io("cannot lock", data_dir)(error))
            }
        }
    }

    /// Whether a server has it.
    pub(super) fn is_held(data_dir: &Path) -> Result<bool, PrivateError> {
        match open(data_dir)?.try_lock() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => {
                Err(PrivateError::io("cannot lock", data_dir)(error))
            }
        }
    }
}

fn open(data_dir: &Path) -> Result<File, PrivateError> {
    let path = data_dir.join(FILE);
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(PrivateError::io("cannot open", &path))
}
