//! A file with the hashes of leaked passwords in the format of the Pwned Passwords download. It has about 40 GB, so it is
//! searched where it is.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::hash_lines::{Hash, HashLines, HashLinesError};

/// The file of the operator. It is opened for each search, so it can be replaced while Gatepost runs.
#[derive(Debug, Clone)]
pub(super) struct HashFile {
    path: PathBuf,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} {error}", .path.display())]
pub struct HashFileError {
    path: PathBuf,
    error: HashLinesError,
}

impl HashFile {
    /// Opens a file, and checks its format and order at some places.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) fn open(path: PathBuf) -> Result<Self, HashFileError> {
        match lines(&path).and_then(|mut lines| lines.check()) {
            Ok(()) => Ok(Self { path }),
            Err(error) => Err(HashFileError { path, error }),
        }
    }

    /// Returns whether the file contains a hash.
    ///
    /// # Errors
    /// Why the file cannot be used any more.
    pub(super) fn contains(&self, hash: &Hash) -> Result<bool, HashFileError> {
        let found = lines(&self.path).and_then(|mut lines| lines.contains(hash));
        found.map_err(|error| HashFileError { path: self.path.clone(), error })
    }
}

fn lines(path: &Path) -> Result<HashLines<File>, HashLinesError> {
    // Before it is opened: a pipe would wait for its other end.
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file").into());
    }
    Ok(HashLines::new(File::open(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("pwned.txt");
        for path in [directory.path(), &missing] {
            let error = HashFile::open(path.to_owned()).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{} cannot be read", path.display())), "{error}");
        }
    }

    #[test]
    fn a_replaced_file_is_used_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pwned.txt");
        let write = |byte: &str| std::fs::write(&path, format!("{}:1\n", byte.repeat(20)));
        write("11").unwrap();
        let file = HashFile::open(path.clone()).unwrap();
        assert!(file.contains(&[0x11; 20]).unwrap() && !file.contains(&[0x22; 20]).unwrap());
        write("22").unwrap();
        assert!(!file.contains(&[0x11; 20]).unwrap() && file.contains(&[0x22; 20]).unwrap());
    }
}
