//! A file with master keys, one per line. The first one encrypts, the others only decrypt.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::ConfigError;
use super::key::{MasterKey, MasterKeys};
use crate::model::Sources;

/// A file with master keys.
#[derive(Debug, Clone)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the keys, at least one.
    ///
    /// # Errors
    /// If the file cannot be read, or a line is not a key.
    pub(super) fn read(&self) -> Result<Vec<MasterKey>, ConfigError> {
        let text = fs::read_to_string(&self.0).map(Zeroizing::new).map_err(|error| {
            ConfigError(format!("the master key file {} cannot be read: {error}", self.0.display()))
        })?;
        MasterKey::parse_lines(&text, &self.0.display().to_string())
    }

    /// Returns the keys. Generates one if the file does not exist.
    pub(super) fn read_or_generate(
        &self,
        sources: &Sources,
    ) -> Result<Vec<MasterKey>, ConfigError> {
        if !self.0.exists() {
            write_first(&self.0, sources).map_err(|error| self.not_writable(&error))?;
        }
        self.read()
    }

    /// Adds a new key as the first line, unless the file has several keys because a rotation was interrupted. The other
    /// keys stay. Returns all keys.
    ///
    /// # Errors
    /// If the file cannot be read or replaced. It is unchanged then.
    pub fn begin_rotation(&self, sources: &Sources) -> Result<MasterKeys, ConfigError> {
        let mut keys = self.read()?;
        if keys.len() == 1 {
            keys.insert(0, MasterKey::generate(sources));
            self.replace(&keys).map_err(|error| self.not_writable(&error))?;
        }
        MasterKeys::from_list(keys).ok_or_else(|| ConfigError("the file has no key".to_owned()))
    }

    /// Removes all keys but the first one.
    ///
    /// # Errors
    /// If the file cannot be read or replaced. It is unchanged then.
    pub fn end_rotation(&self) -> Result<(), ConfigError> {
        let mut keys = self.read()?;
        keys.truncate(1);
        self.replace(&keys).map_err(|error| self.not_writable(&error))
    }

    fn not_writable(&self, error: &io::Error) -> ConfigError {
        ConfigError(format!("the master key cannot be written to {}: {error}", self.0.display()))
    }

    /// Replaces the file atomically. Mode and owner stay. If the path is a link, its target is replaced.
    fn replace(&self, keys: &[MasterKey]) -> io::Result<()> {
        let path = self.0.canonicalize()?;
        let found = fs::metadata(&path)?;
        let mut part = path.clone().into_os_string();
        part.push(".part");
        // An interrupted rotation may have left it behind. It was never the key file.
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        let made = file.metadata()?;
        if (made.uid(), made.gid()) != (found.uid(), found.gid()) {
            fchown(&file, Some(found.uid()), Some(found.gid()))?;
        }
        file.set_permissions(Permissions::from_mode(found.mode() & 0o7777))?;
        for key in keys {
            writeln!(file, "{}", key.to_text().as_str())?;
        }
        finish(&file, Path::new(&part), &path)
    }
}

/// Moves a written file to its place, so that it is there after a crash of the machine too.
fn finish(file: &File, part: &Path, path: &Path) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(part, path)?;
    File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes the first key atomically, unless there is one. A partly written or replaced key would make secrets unreadable.
fn write_first(path: &Path, sources: &Sources) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder(path))?;
    let part = path.with_extension("part");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&part)?;
    // A server and a command may start for the first time together. The second one waits here and then finds the key
    // of the first.
    file.lock()?;
    if path.exists() {
        return Ok(());
    }
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.set_len(0)?;
    writeln!(file, "{}", MasterKey::generate(sources).to_text().as_str())?;
    finish(&file, &part, path)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;
    use crate::model::{Clock, Entropy, Timestamp};

    #[derive(Debug)]
    struct CountingSource(AtomicU8);

    impl Entropy for CountingSource {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    impl Clock for CountingSource {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    fn sources() -> Sources {
        let source = Arc::new(CountingSource(AtomicU8::new(0)));
        Sources::new(Arc::<CountingSource>::clone(&source), source)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn generates_the_same_key_for_concurrent_callers() {
        let place = tempfile::tempdir().unwrap();
        let file = KeyFile::new(&place.path().join("data/master.key"));
        let sources = sources();
        let keys: Vec<Vec<MasterKey>> = std::thread::scope(|scope| {
            let all: Vec<_> =
                (0..8).map(|_| scope.spawn(|| file.read_or_generate(&sources).unwrap())).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let stored = file.read().unwrap();
        assert_eq!(stored.len(), 1);
        assert!(keys.iter().all(|key| *key == stored));
        assert_eq!(mode(file.path()), 0o600);
    }

    #[test]
    fn a_rotation_adds_one_key_and_then_removes_the_others() {
        let place = tempfile::tempdir().unwrap();
        let file = KeyFile::new(&place.path().join("master.key"));
        let sources = sources();
        let old = file.read_or_generate(&sources).unwrap();
        fs::set_permissions(file.path(), Permissions::from_mode(0o640)).unwrap();
        // The rest of an interrupted rotation.
        fs::write(place.path().join("master.key.part"), "half a k").unwrap();
        let begun = file.begin_rotation(&sources).unwrap();
        assert_ne!(*begun.current(), old[0]);
        assert_eq!(begun.previous().collect::<Vec<_>>(), [old[0].bytes()]);
        // An interrupted rotation is continued with the same keys.
        assert_eq!(file.begin_rotation(&sources).unwrap(), begun);
        file.end_rotation().unwrap();
        assert_eq!(file.read().unwrap(), [begun.current().clone()]);
        assert_eq!(mode(file.path()), 0o640);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_target_of_a_link_is_replaced() {
        let place = tempfile::tempdir().unwrap();
        let (target, link) = (place.path().join("target"), place.path().join("link"));
        let sources = sources();
        KeyFile::new(&target).read_or_generate(&sources).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        KeyFile::new(&link).begin_rotation(&sources).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(KeyFile::new(&target).read().unwrap().len(), 2);
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_unchanged() {
        let place = tempfile::tempdir().unwrap();
        let file = KeyFile::new(&place.path().join("master.key"));
        let sources = sources();
        let old = file.read_or_generate(&sources).unwrap();
        // A directory cannot be removed like a file.
        fs::create_dir(place.path().join("master.key.part")).unwrap();
        let error = file.begin_rotation(&sources).unwrap_err().to_string();
        assert!(error.contains("cannot be written"), "{error}");
        assert_eq!(file.read().unwrap(), old);
    }
}
