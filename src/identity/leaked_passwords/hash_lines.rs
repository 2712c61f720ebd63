//! Sorted lines `HEX_SHA1:COUNT`, searched by bisection without reading all of them.

use std::io::{self, Read, Seek, SeekFrom};

/// A SHA-1.
pub(super) type Hash = [u8; 20];

/// More than the length of a line with its end: a hash has 40 digits, and a count at most 20.
const LINE_LIMIT_BYTES: usize = 64;
/// Number of places at which the order is checked. Each is a read from the disk.
const CHECKED_PLACES: u64 = 256;

/// Why lines cannot be searched. Contents are not quoted: they could be passwords.
#[derive(Debug, thiserror::Error)]
pub(super) enum HashLinesError {
    /// An error of the operating system.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// There are no lines.
    #[error("is empty; use the download of Pwned Passwords with SHA-1 hashes")]
    Empty,
    /// A line has another format.
    #[error(
        "has another format at byte {0}; each line must be HEX_SHA1:COUNT, as in the download of Pwned Passwords with SHA-1 hashes"
    )]
    Format(u64),
    /// A line has a lower hash than one before it, or the same.
    #[error(
        "is not sorted by hash at byte {0}; use the download that is ordered by hash, or sort it with: LC_ALL=C sort"
    )]
    Order(u64),
}

/// Lines that end with LF or CRLF. The last one needs no end.
#[derive(Debug)]
pub(super) struct HashLines<R> {
    reader: R,
    len: u64,
}

/// A line.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    /// Position of its first byte.
    start: u64,
    /// Position after its end.
    end: u64,
    hash: Hash,
}

impl<R: Read + Seek> HashLines<R> {
    /// Uses all bytes of a reader.
    ///
    /// # Errors
    /// If its length is unknown.
    pub(super) fn new(mut reader: R) -> io::Result<Self> {
        let len = reader.seek(SeekFrom::End(0))?;
        Ok(Self { reader, len })
    }

    /// Checks the format and the order of some lines.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn check(&mut self) -> Result<(), HashLinesError> {
        let mut previous: Option<Line> = None;
        for place in 0..CHECKED_PLACES {
            let position = self.len.saturating_mul(place) / CHECKED_PLACES;
            let Some(line) = self.line_from(position)? else { break };
            if let Some(previous) = previous
                && line.start > previous.start
                && line.hash <= previous.hash
            {
                return Err(HashLinesError::Order(line.start));
            }
            previous = Some(line);
        }
        // An incomplete download rarely ends with a line.
        let mut line = previous.ok_or(HashLinesError::Empty)?;
        let last = u64::try_from(LINE_LIMIT_BYTES).unwrap_or_default();
        let mut position = line.end.max(self.len.saturating_sub(last));
        while let Some(next) = self.line_from(position)? {
            if next.hash <= line.hash {
                return Err(HashLinesError::Order(next.start));
            }
            position = next.end;
            line = next;
        }
        Ok(())
    }

    /// Returns whether a line has this hash.
    ///
    /// # Errors
    /// If a line cannot be read.
    pub(super) fn contains(&mut self, wanted: &Hash) -> Result<bool, HashLinesError> {
        // A line with the hash starts at low or later, and before high.
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low.midpoint(high);
            match self.line_from(middle)?.filter(|line| line.start < high) {
                Some(line) if line.hash == *wanted => return Ok(true),
                Some(line) if line.hash < *wanted => low = line.end,
                Some(_) | None => high = middle,
            }
        }
        Ok(false)
    }

    /// Returns the first line that starts at a position or later.
    fn line_from(&mut self, position: u64) -> Result<Option<Line>, HashLinesError> {
        // From the byte before: if it ends a line, another line starts at the position.
        let from = position.saturating_sub(1);
        self.reader.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::with_capacity(2 * LINE_LIMIT_BYTES);
        let most = u64::try_from(2 * LINE_LIMIT_BYTES).unwrap_or_default();
        (&mut self.reader).take(most).read_to_end(&mut bytes)?;
        let (skipped, rest) = match bytes.iter().position(|byte| *byte == b'\n') {
            _ if position == 0 => (0, bytes.as_slice()),
            Some(end) if end < LINE_LIMIT_BYTES => {
                (end + 1, bytes.get(end + 1..).unwrap_or_default())
            }
            None if bytes.len() < LINE_LIMIT_BYTES => return Ok(None),
            Some(_) | None => return Err(HashLinesError::Format(position)),
        };
        let start = from + u64::try_from(skipped).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let line = rest.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let end = start + u64::try_from(line.len()).unwrap_or_default();
        let hash = parse(line).ok_or(HashLinesError::Format(start))?;
        Ok(Some(Line { start, end, hash }))
    }
}

/// Returns the hash of a line with its end. `None` if it has another format.
fn parse(line: &[u8]) -> Option<Hash> {
    let line = str::from_utf8(line).ok().filter(|line| line.len() < LINE_LIMIT_BYTES)?;
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let (digits, count) = line.split_once(':')?;
    let is_count = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let mut hash = Hash::default();
    hex::decode_to_slice(digits, &mut hash).ok()?;
    is_count.then_some(hash)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn lines(text: &str) -> HashLines<Cursor<Vec<u8>>> {
        HashLines::new(Cursor::new(text.as_bytes().to_vec())).unwrap()
    }

    fn check(text: &str) -> Result<(), String> {
        lines(text).check().map_err(|error| error.to_string())
    }

    /// Lines of these hashes in this order.
    fn text(hashes: impl IntoIterator<Item = Hash>) -> String {
        hashes.into_iter().fold(String::new(), |text, hash| text + &hex::encode(hash) + ":1\n")
    }

    #[test]
    fn the_format_is_that_of_pwned_passwords() {
        let hash = "0000000A0E3B9F25FF41DE4B5AC238C2D545C7A8";
        for good in [format!("{hash}:15"), format!("{}:15\r\n", hash.to_lowercase())] {
            assert_eq!(check(&good), Ok(()), "{good}");
        }
        assert!(check("").unwrap_err().starts_with("is empty"));
        let in_another_format = [
            hash.to_owned(),
            format!("{hash}:"),
            format!("{hash}:x"),
            format!("{hash}0:1"),
            format!("{hash}:1\n\n"),
            format!("{hash}:1\n{}", hash.trim_end_matches("45C7A8")),
            format!("{hash}:{}", "1".repeat(200)),
            "32ED87BDB5FDC5E9CBA88547376818D4:24230577".to_owned(),
            "correct horse battery\npassword1234\n".to_owned(),
            "\0".repeat(1000),
        ];
        for text in in_another_format {
            let message = check(&text).unwrap_err();
            assert!(message.starts_with("has another format at byte "), "{text}: {message}");
        }
        let error = check("correct horse battery").unwrap_err();
        assert!(!error.contains("horse"), "{error}");
    }

    #[test]
    fn lines_in_another_order_are_rejected() {
        let hash = |n: u32| {
            let mut hash = Hash::default();
            hash[..4].copy_from_slice(&n.to_be_bytes());
            hash
        };
        assert_eq!(check(&text((0..5000).map(hash))), Ok(()));
        let unsorted = [
            text((0..5000).rev().map(hash)),
            // Ordered by how often a password has leaked.
            text((0..5000_u32).map(|n| hash(n.wrapping_mul(2_654_435_761)))),
            text([1, 1].map(hash)),
            text([0, 2, 1].map(hash)),
            text((0..5000).chain([0]).map(hash)),
        ];
        for text in unsorted {
            let message = check(&text).unwrap_err();
            assert!(message.starts_with("is not sorted by hash at byte "), "{message}");
        }
    }

    proptest! {
        #[test]
        fn bisection_finds_what_a_linear_search_finds(
            // Few different first bytes, so that hashes are often in the file.
            counts in proptest::collection::btree_map(any::<[u8; 2]>(), 1_u64.., 1..40),
            wanted in proptest::collection::vec(any::<[u8; 2]>(), 0..20),
            crlf: bool,
            final_end: bool,
            upper_case: bool,
        ) {
            let hash = |start: [u8; 2]| {
                let mut hash = [0x5a; 20];
                hash[..2].copy_from_slice(&start);
                hash
            };
            let counts: BTreeMap<Hash, u64> =
                counts.into_iter().map(|(start, count)| (hash(start), count)).collect();
            let end = if crlf { "\r\n" } else { "\n" };
            let mut file = String::new();
            for (hash, count) in &counts {
                let digits = if upper_case { hex::encode_upper(hash) } else { hex::encode(hash) };
                write!(file, "{digits}:{count}{end}").unwrap();
            }
            if !final_end {
                file.truncate(file.len() - end.len());
            }
            let mut lines = lines(&file);
            prop_assert!(lines.check().is_ok());
            for known in counts.keys() {
                prop_assert!(lines.contains(known).unwrap());
            }
            for wanted in wanted.into_iter().map(hash).chain([[0; 20], [0xff; 20]]) {
                let linear = file.lines().any(|line| {
                    line.to_lowercase().starts_with(&hex::encode(wanted))
                });
                prop_assert_eq!(lines.contains(&wanted).unwrap(), linear);
            }
        }

        #[test]
        fn any_bytes_can_be_checked_and_searched(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            wanted: Hash,
        ) {
            let mut lines = HashLines::new(Cursor::new(bytes)).unwrap();
            let _any_result = lines.check();
            let _any_result = lines.contains(&wanted);
        }
    }
}
