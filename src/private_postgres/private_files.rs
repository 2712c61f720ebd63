//! Files and directories that no other user can open.
//!
//! A server that runs as root creates files in a directory of the account that runs PostgreSQL. That account could replace
//! one by a link, so links are never followed, and modes and owners are changed through the opened file.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;
/// Other accounts can pass through, as the one that runs PostgreSQL for root must, but not list the directory.
const PASSABLE_MODE: u32 = 0o711;

/// Creates the data directory, unless it exists. The mode of an existing one is not changed.
pub(super) fn create_data_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mode = if geteuid().is_root() { PASSABLE_MODE } else { DIRECTORY_MODE };
    DirBuilder::new().recursive(true).mode(mode).create(path)?;
    // Whatever the umask.
    open_directory(path)?.set_permissions(Permissions::from_mode(mode))
}

/// Creates a directory, unless it exists, and gives it to an account: the user and the group, if it is another one.
pub(super) fn create_directory(path: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let directory = open_directory(path)?;
    give(&directory, owner)?;
    directory.set_permissions(Permissions::from_mode(DIRECTORY_MODE))
}

/// Opens a file for writing, and creates it if it is missing. A file that others could open, because it was created by an
/// earlier version, is closed to them.
pub(super) fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file =
        options.create(true).mode(FILE_MODE).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.nlink() > 1 {
        let message = "it is a link or not a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let is_open_to_others = found.mode() & 0o077 != 0;
    if is_open_to_others && (found.uid() == geteuid().as_raw() || geteuid().is_root()) {
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    }
    Ok(file)
}

/// Changes the owner of an opened file or directory.
pub(super) fn give(file: &File, owner: Option<(u32, u32)>) -> io::Result<()> {
    match owner {
        Some((user, group)) => std::os::unix::fs::fchown(file, Some(user), Some(group)),
        None => Ok(()),
    }
}

fn open_directory(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_and_directories_are_private() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("a/b");
        create_data_directory(&data).unwrap();
        let expected = if geteuid().is_root() { PASSABLE_MODE } else { DIRECTORY_MODE };
        assert_eq!((mode(&data), mode(&place.path().join("a"))), (expected, expected));
        create_directory(&data.join("c"), None).unwrap();
        assert_eq!(mode(&data.join("c")), 0o700);
        open(&data.join("file"), OpenOptions::new().write(true)).unwrap();
        assert_eq!(mode(&data.join("file")), 0o600);
    }

    #[test]
    fn existing_files_are_closed_to_others_and_existing_data_directories_are_kept() {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), Permissions::from_mode(0o755)).unwrap();
        create_data_directory(place.path()).unwrap();
        assert_eq!(mode(place.path()), 0o755);
        let file = place.path().join("file");
        fs::write(&file, "kept").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        open(&file, OpenOptions::new().write(true)).unwrap();
        assert_eq!((mode(&file), fs::read_to_string(&file).unwrap().as_str()), (0o600, "kept"));
    }

    #[test]
    fn links_are_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let victim = place.path().join("victim");
        fs::write(&victim, "kept").unwrap();
        fs::set_permissions(&victim, Permissions::from_mode(0o644)).unwrap();
        symlink(&victim, place.path().join("symbolic")).unwrap();
        fs::hard_link(&victim, place.path().join("hard")).unwrap();
        for name in ["symbolic", "hard"] {
            assert!(open(&place.path().join(name), OpenOptions::new().write(true)).is_err());
        }
        let elsewhere = place.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::set_permissions(&elsewhere, Permissions::from_mode(0o755)).unwrap();
        symlink(&elsewhere, place.path().join("directory")).unwrap();
        assert!(create_directory(&place.path().join("directory"), None).is_err());
        assert_eq!((mode(&victim), mode(&elsewhere)), (0o644, 0o755));
    }
}
