//! The search in a text and in everything that can be decoded from it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::ResponseRedactor;
use super::decoded::Decoded;
use super::forms::{Form, fold};
use super::{escapes, runs};

/// Maximum number of decoding steps after each other.
const MAX_STEPS: usize = 5;
/// How much is decoded of a text, as a multiple of its length, so that the time is linear.
const MAX_DECODED_TIMES: usize = 14;
/// How much is decoded of a short text, in bytes.
const MIN_DECODED_BYTES: usize = 8 * 1024;

/// How much of the start of a form the automaton contains, in bytes. Its size grows with the length of its patterns: for a
/// private key of 32 KiB, it would need hundreds of megabytes.
const MAX_START_BYTES: usize = 64;

/// A decoding step. Returns `None` if it changes nothing.
type Step = fn(&[u8]) -> Option<Decoded>;

/// Steps that decode a text as a whole.
const ESCAPES: [Step; 3] = [escapes::json, escapes::percent, escapes::html];
/// Steps that decode parts of a text.
const RUNS: [Step; 2] = [runs::base64, runs::hex];

/// A secret in a text.
pub(super) type Found = (Range<usize>, usize);

/// Searches for the forms of secrets.
pub(super) struct Search {
    forms: Vec<Form>,
    /// Finds the starts of all forms.
    automaton: AhoCorasick,
}

impl Search {
    /// Returns `None` if there are no forms.
    pub(super) fn new(forms: Vec<Form>) -> Option<Self> {
        if forms.is_empty() {
            return None;
        }
        // Fails only for more forms than memory can hold.
        let automaton = AhoCorasick::new(forms.iter().map(|form| start_of(&form.bytes))).ok()?;
        Some(Self { forms, automaton })
    }

    /// Finds the secrets. The ranges are sorted, do not overlap, and contain whole escapes.
    pub(super) fn find(&self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        self.add_matches(text.as_bytes(), |range, secret| found.push((range, secret)));
        if has_encoded_parts(text.as_bytes()) {
            let tree = Tree::of(text.as_bytes(), &[ESCAPES.as_slice(), &RUNS].concat());
            for (index, node) in tree.nodes.iter().enumerate() {
                self.add_matches(&node.decoded.bytes, |range, secret| {
                    found.push((tree.source(index, range), secret));
                });
            }
        }
        if found.is_empty() { found } else { merged(text, found) }
    }

    /// Finds the beginning of a secret at the end of a text. Returns its position.
    pub(super) fn find_start_at_end(&self, text: &str) -> Option<(usize, usize)> {
        let tree = Tree::of(text.as_bytes(), &ESCAPES);
        let root = std::iter::once((None, text.as_bytes()));
        let nodes = tree.nodes.iter().enumerate();
        let nodes = nodes.map(|(index, node)| (Some(index), node.decoded.bytes.as_slice()));
        let mut starts = Vec::new();
        for (index, bytes) in root.chain(nodes) {
            let bytes = folded(bytes);
            let ends = [Some(bytes.len()), escapes::cut_escape(&bytes)];
            for end in ends.into_iter().flatten() {
                let bytes = bytes.get(..end).unwrap_or_default();
                for Form { bytes: form, secret } in &self.forms {
                    let length = common_length(bytes, form);
                    if length >= ResponseRedactor::MIN_BYTES {
                        let range = end - length..end;
                        let source = index.map_or(range.clone(), |index| tree.source(index, range));
                        starts.push((text.floor_char_boundary(source.start), *secret));
                    }
                }
            }
        }
        starts.into_iter().min()
    }

    fn add_matches(&self, bytes: &[u8], mut add: impl FnMut(Range<usize>, usize)) {
        let bytes = folded(bytes);
        // The long forms whose start was found, with the first position.
        let mut long: BTreeMap<usize, usize> = BTreeMap::new();
        for found in self.automaton.find_overlapping_iter(bytes.as_ref()) {
            let index = found.pattern().as_usize();
            match self.forms.get(index) {
                Some(form) if form.bytes.len() <= MAX_START_BYTES => {
                    add(found.range(), form.secret);
                }
                _ => {
                    long.entry(index).or_insert(found.start());
                }
            }
        }
        for (index, from) in long {
            let rest = bytes.get(from..).unwrap_or_default();
            if let Some(Form { bytes: form, secret }) = self.forms.get(index) {
                for start in positions(rest, form) {
                    add(from + start..from + start + form.len(), *secret);
                }
            }
        }
    }
}

/// A text that was decoded.
struct Node {
    decoded: Decoded,
    /// The text that it was decoded from. `None` for the original one.
    parent: Option<usize>,
    steps: usize,
}

/// All different texts that can be decoded from a text.
struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// Decodes a text, with fewer steps first.
    fn of(text: &[u8], steps: &[Step]) -> Self {
        let mut tree = Self { nodes: Vec::new() };
        let mut known = HashSet::from([hash(text)]);
        let mut budget = (text.len() * MAX_DECODED_TIMES).max(MIN_DECODED_BYTES);
        let mut parent = None;
        loop {
            let (source, done) = match parent.map(|index: usize| tree.nodes.get(index)) {
                None => (text, 0),
                Some(Some(node)) => (node.decoded.bytes.as_slice(), node.steps),
                Some(None) => return tree,
            };
            let mut new = Vec::new();
            for step in steps.iter().filter(|_| done < MAX_STEPS) {
                let Some(decoded) = step(source) else { continue };
                if !known.insert(hash(&decoded.bytes)) {
                    continue;
                }
                let Some(rest) = budget.checked_sub(decoded.bytes.len()) else { continue };
                budget = rest;
                new.push(Node { decoded, parent, steps: done + 1 });
            }
            tree.nodes.extend(new);
            parent = Some(parent.map_or(0, |index| index + 1));
        }
    }

    /// Returns the part of the original text that a part of a decoded one stands for.
    fn source(&self, index: usize, range: Range<usize>) -> Range<usize> {
        let mut range = range;
        let mut node = self.nodes.get(index);
        while let Some(Node { decoded, parent, .. }) = node {
            range = decoded.source(&range);
            node = parent.and_then(|parent| self.nodes.get(parent));
        }
        range
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn has_encoded_parts(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, b'\\' | b'%' | b'&')) || runs::has_runs(bytes)
}

fn folded(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.contains(&b'+') {
        return Cow::Borrowed(bytes);
    }
    let mut folded = bytes.to_vec();
    fold(&mut folded);
    Cow::Owned(folded)
}

/// Extends the ranges to whole characters and escapes, sorts them, and joins those that overlap. The longest of those
/// that start first determines the secret.
fn merged(text: &str, mut found: Vec<Found>) -> Vec<Found> {
    // Half an escape would make JSON invalid.
    let escapes = escapes::json(text.as_bytes()).unwrap_or_default();
    for (range, _) in &mut found {
        let whole = escapes.whole_units(range.clone());
        *range = text.floor_char_boundary(whole.start)..text.ceil_char_boundary(whole.end);
    }
    found.sort_by_key(|(range, secret)| (range.start, std::cmp::Reverse(range.end), *secret));
    let mut merged: Vec<Found> = Vec::new();
    for (range, secret) in found {
        match merged.last_mut() {
            Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push((range, secret)),
        }
    }
    merged
}

fn start_of(form: &[u8]) -> &[u8] {
    form.get(..MAX_START_BYTES).unwrap_or(form)
}

/// Returns the positions of a form in a text, which may overlap, in linear time (Knuth, Morris, Pratt).
fn positions(text: &[u8], form: &[u8]) -> Vec<usize> {
    if text.len() < form.len() {
        return Vec::new();
    }
    let borders = borders(form);
    let mut length = 0;
    let mut positions = Vec::new();
    for (index, byte) in text.iter().enumerate() {
        length = extended(length, form, &borders, Some(byte));
        if length == form.len() {
            positions.push(index + 1 - length);
        }
    }
    positions
}

/// The length of the longest end of a text that is the beginning of a form, but not all of it.
fn common_length(text: &[u8], form: &[u8]) -> usize {
    let borders = borders(form);
    let start = text.len().saturating_sub(form.len().saturating_sub(1));
    let end = text.get(start..).unwrap_or_default();
    end.iter().fold(0, |length, byte| extended(length, form, &borders, Some(byte)))
}

/// For each beginning of a form, the length of its longest end that is also its beginning.
fn borders(form: &[u8]) -> Vec<usize> {
    let mut borders = vec![0; form.len()];
    let mut length = 0;
    for index in 1..form.len() {
        length = extended(length, form, &borders, form.get(index));
        if let Some(border) = borders.get_mut(index) {
            *border = length;
        }
    }
    borders
}

/// The length of the matched beginning of a form after one more byte.
fn extended(length: usize, form: &[u8], borders: &[usize], byte: Option<&u8>) -> usize {
    let mut length = length;
    while length > 0 && form.get(length) != byte {
        length = borders.get(length - 1).copied().unwrap_or_default();
    }
    length + usize::from(form.get(length) == byte)
}

#[cfg(test)]
mod tests {
    use super::super::forms;
    use super::*;
    use proptest::prelude::*;

    fn search(secret: &str) -> Search {
        let mut all = Vec::new();
        forms::add(secret, 0, &mut all);
        Search::new(all).unwrap()
    }

    #[test]
    fn a_long_secret_needs_little_memory() {
        let secret = "-----BEGIN PRIVATE KEY-----".repeat(2_400);
        let search = search(&secret);
        let bytes = search.automaton.memory_usage();
        assert!(bytes < 1024 * 1024, "{bytes}");
        assert_eq!(search.find(&format!("a {secret} b")), [(2..2 + secret.len(), 0)]);
        assert_eq!(search.find(secret.get(1..).unwrap()), []);
    }

    proptest! {
        #[test]
        fn long_secrets_are_found_wherever_they_are(
            unit in "[ab]{1,4}",
            length in 60_usize..80,
            parts in prop::collection::vec(("[abc]{0,4}", 0_usize..60), 0..6),
        ) {
            let secret: String = unit.chars().cycle().take(length).collect();
            let text: String = parts
                .iter()
                .flat_map(|(between, count)| [between.clone(), unit.repeat(*count)])
                .collect();
            let mut found = Vec::new();
            search(&secret).add_matches(text.as_bytes(), |range, _| found.push(range));
            let expected: Vec<Range<usize>> = (0..text.len())
                .filter(|start| text.get(*start..).unwrap().starts_with(&secret))
                .map(|start| start..start + length)
                .collect();
            prop_assert_eq!(found, expected);
        }
    }
}
