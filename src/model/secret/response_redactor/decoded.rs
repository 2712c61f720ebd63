//! A decoded text, and the parts of its source.

use std::ops::Range;

/// A part that was decoded as a whole, such as an escape.
#[derive(Debug)]
struct Unit {
    decoded: Range<usize>,
    source: Range<usize>,
}

/// A decoded text. What is not part of a unit was copied.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    units: Vec<Unit>,
    /// The end of what was read of the source.
    read: usize,
}

impl Decoded {
    /// Copies the source up to a position.
    pub(super) fn copy_to(&mut self, source: &[u8], end: usize) {
        self.bytes.extend_from_slice(source.get(self.read..end).unwrap_or_default());
        self.read = end;
    }

    /// Adds bytes that a part of the source stands for.
    pub(super) fn push(&mut self, bytes: &[u8], source: Range<usize>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.read = source.end;
        self.units.push(Unit { decoded: start..self.bytes.len(), source });
    }

    /// Whether anything was decoded.
    pub(super) fn is_changed(&self) -> bool {
        !self.units.is_empty()
    }

    /// Returns the part of the source that a part of the text was decoded from, with all of each unit.
    pub(super) fn source(&self, range: &Range<usize>) -> Range<usize> {
        self.start(range.start)..self.end(range.end)
    }

    fn start(&self, at: usize) -> usize {
        match self.last_unit(|unit| unit.decoded.start <= at) {
            Some(unit) if at < unit.decoded.end => unit.source.start,
            Some(unit) => unit.source.end + at - unit.decoded.end,
            None => at,
        }
    }

    fn end(&self, at: usize) -> usize {
        match self.last_unit(|unit| unit.decoded.start < at) {
            Some(unit) if at <= unit.decoded.end => unit.source.end,
            Some(unit) => unit.source.end + at - unit.decoded.end,
            None => at,
        }
    }

    fn last_unit(&self, is_before: impl Fn(&Unit) -> bool) -> Option<&Unit> {
        self.units.partition_point(is_before).checked_sub(1).and_then(|index| self.units.get(index))
    }

    /// Extends a range of the source so that it contains no part of a unit.
    pub(super) fn whole_units(&self, range: Range<usize>) -> Range<usize> {
        let index = self.units.partition_point(|unit| unit.source.end <= range.start);
        let first = self.units.get(index).map_or(range.start, |unit| unit.source.start);
        let index = self.units.partition_point(|unit| unit.source.start < range.end);
        let last = index.checked_sub(1).and_then(|index| self.units.get(index));
        let end = last.map_or(range.end, |unit| unit.source.end);
        range.start.min(first)..range.end.max(end)
    }
}
