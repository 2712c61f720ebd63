//! The search in a text and in everything that can be decoded from it.

use std::borrow::Cow;
use std::collections::HashSet;
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
    automaton: AhoCorasick,
}

impl Search {
    /// Returns `None` if there are no forms.
    pub(super) fn new(forms: Vec<Form>) -> Option<Self> {
        if forms.is_empty() {
            return None;
        }
        // Fails only for more forms than memory can hold.
        let automaton = AhoCorasick::new(forms.iter().map(|form| &form.bytes)).ok()?;
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
        for found in self.automaton.find_overlapping_iter(folded(bytes).as_ref()) {
            if let Some(form) = self.forms.get(found.pattern().as_usize()) {
                add(found.range(), form.secret);
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

/// The length of the longest end of a text that is the beginning of a form, but not all of it (Knuth, Morris, Pratt).
fn common_length(text: &[u8], form: &[u8]) -> usize {
    let mut borders = vec![0; form.len()];
    let mut length = 0;
    for index in 1..form.len() {
        length = extended(length, form, &borders, form.get(index));
        if let Some(border) = borders.get_mut(index) {
            *border = length;
        }
    }
    let start = text.len().saturating_sub(form.len().saturating_sub(1));
    let end = text.get(start..).unwrap_or_default();
    end.iter().fold(0, |length, byte| extended(length, form, &borders, Some(byte)))
}

/// The length of the matched beginning of a form after one more byte.
fn extended(length: usize, form: &[u8], borders: &[usize], byte: Option<&u8>) -> usize {
    let mut length = length;
    while length > 0 && form.get(length) != byte {
        length = borders.get(length - 1).copied().unwrap_or_default();
    }
    length + usize::from(form.get(length) == byte)
}
