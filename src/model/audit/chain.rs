//! The chain of hashes. The function `audit_append` in the database computes the same.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::RecordedEntry;
use crate::model::Timestamp;

/// Both ends of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditChain {
    /// The number of the last entry that retention has deleted. 0 if there is none.
    pub anchor_seq: i64,
    /// Its hash.
    pub anchor_hash: Vec<u8>,
    /// When retention has deleted entries for the last time.
    pub pruned_at: Option<Timestamp>,
    /// The number of the newest entry. 0 if there is none.
    pub head_seq: i64,
    /// Its hash.
    pub head_hash: Vec<u8>,
}

/// The first broken entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Entries were deleted.
    #[error("entry {expected} is missing; the next entry is {found}")]
    Gap {
        /// The number of the first missing entry.
        expected: i64,
        /// The number of the next entry.
        found: i64,
    },
    /// The newest entries were deleted.
    #[error("entry {0} is missing, and so are all after it")]
    Truncated(i64),
    /// An entry that retention has deleted, or that never existed.
    #[error("entry {0} was inserted before the oldest entry")]
    Inserted(i64),
    /// The content of an entry does not match its hash.
    #[error("entry {0} was changed")]
    Edited(i64),
    /// An entry does not continue the one before.
    #[error("entry {0} does not follow the entry before it; one of them was replaced or moved")]
    Reordered(i64),
}

/// Verifies a chain, entry by entry.
#[derive(Debug)]
pub struct ChainVerifier {
    chain: AuditChain,
    seq: i64,
    hash: Vec<u8>,
}

impl ChainVerifier {
    /// Starts at the beginning of a chain.
    pub fn new(chain: AuditChain) -> Self {
        Self { seq: chain.anchor_seq, hash: chain.anchor_hash.clone(), chain }
    }

    /// Verifies the next entry.
    ///
    /// # Errors
    /// How it is broken.
    pub fn verify(&mut self, entry: &RecordedEntry) -> Result<(), ChainError> {
        let expected = self.seq + 1;
        if entry.seq > expected {
            return Err(ChainError::Gap { expected, found: entry.seq });
        } else if entry.seq < expected {
            return Err(ChainError::Inserted(entry.seq));
        }
        if entry.hash != hash(entry) {
            return Err(ChainError::Edited(entry.seq));
        }
        if entry.previous_hash != self.hash {
            return Err(ChainError::Reordered(entry.seq));
        }
        self.seq = entry.seq;
        self.hash.clone_from(&entry.hash);
        Ok(())
    }

    /// Verifies that no entries are missing at the end. Returns the number of entries.
    ///
    /// # Errors
    /// If entries are missing, or the last one is not the one that was recorded last.
    pub fn finish(self) -> Result<i64, ChainError> {
        if self.seq < self.chain.head_seq {
            Err(ChainError::Truncated(self.seq + 1))
        } else if self.seq > self.chain.head_seq || self.hash != self.chain.head_hash {
            Err(ChainError::Reordered(self.seq))
        } else {
            Ok(self.seq - self.chain.anchor_seq)
        }
    }
}

/// Returns the SHA-256 of all columns but the hash, each written as a netstring.
fn hash(entry: &RecordedEntry) -> Vec<u8> {
    let (seq, micros) = (entry.seq.to_string(), entry.at.timestamp_micros().to_string());
    let previous = hex::encode(&entry.previous_hash);
    let mut canonical = String::new();
    for field in [
        &seq,
        &micros,
        &entry.actor_kind,
        &entry.actor_name,
        &entry.address,
        &entry.request_id,
        &entry.action,
        &entry.object.kind,
        &entry.object.id,
        &entry.object.name,
        &entry.detail,
        &previous,
    ] {
        let _infallible = write!(canonical, "{}:{field},", field.len());
    }
    Sha256::digest(canonical.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(count: i64) -> Vec<RecordedEntry> {
        let mut entries: Vec<RecordedEntry> = Vec::new();
        for seq in 1..=count {
            let mut entry = RecordedEntry {
                seq,
                at: Timestamp::UNIX_EPOCH,
                actor_kind: "person".to_owned(),
                actor_name: format!("user{seq}@example.com"),
                address: String::new(),
                request_id: String::new(),
                action: "webhook.added".to_owned(),
                object: super::super::AuditObject::default(),
                detail: "{}".to_owned(),
                previous_hash: entries.last().map_or_else(|| vec![0; 32], |last| last.hash.clone()),
                hash: Vec::new(),
            };
            entry.hash = hash(&entry);
            entries.push(entry);
        }
        entries
    }

    fn verify(of: &[RecordedEntry], entries: &[RecordedEntry]) -> Result<i64, ChainError> {
        let last = of.last().unwrap();
        let (head_seq, head_hash) = (last.seq, last.hash.clone());
        let anchor_hash = vec![0; 32];
        let chain = AuditChain { anchor_seq: 0, anchor_hash, pruned_at: None, head_seq, head_hash };
        let mut verifier = ChainVerifier::new(chain);
        for entry in entries {
            verifier.verify(entry)?;
        }
        verifier.finish()
    }

    proptest! {
        #[test]
        fn any_change_breaks_the_chain(count in 2_i64..8, at in 0_usize..8, kind in 0..5) {
            let original = entries(count);
            prop_assert_eq!(verify(&original, &original), Ok(count));
            let at = at % original.len();
            let mut changed = original.clone();
            match kind {
                0 => { changed.remove(at); }
                1 => changed[at].detail = "{ }".to_owned(),
                2 => {
                    // An editor who computes the hash of the entry again, but not of those after it.
                    changed[at].actor_name = "other@example.com".to_owned();
                    changed[at].hash = hash(&changed[at]);
                }
                3 => {
                    let other = (at + 1) % changed.len();
                    changed.swap(at, other);
                }
                _ => changed.truncate(at),
            }
            prop_assert!(verify(&original, &changed).is_err());
        }

        #[test]
        fn text_cannot_move_between_fields(a in "[0-9:,]{0,6}", b in "[0-9:,]{0,6}") {
            let mut one = entries(1).remove(0);
            (one.actor_name, one.address) = (format!("{a}{b}"), String::new());
            let mut other = one.clone();
            (other.actor_name, other.address) = (a.clone(), b.clone());
            prop_assert_eq!(hash(&one) == hash(&other), b.is_empty());
        }
    }
}
