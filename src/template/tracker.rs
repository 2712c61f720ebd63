//! What a format needs in order to escape values: its state machine over the literal text.

use super::error::TemplateErrorKind as Kind;
use super::escape::Encoding;
use super::look_ahead::LookAhead;

/// A position in the literal text.
pub(super) trait Tracker: Clone + PartialEq {
    /// Reads the next character. `next` is the index of the one after it.
    fn feed(&mut self, c: char, next: usize, ahead: &LookAhead);

    /// Reads a value. Returns how it is escaped here.
    fn value(&mut self) -> Result<Encoding, Kind>;

    /// The error for a block whose branches end at different positions.
    fn branches_differ(block: &str) -> Kind;

    /// The error for a block that ends at another position than it starts.
    fn is_not_even(block: &str) -> Kind;
}
