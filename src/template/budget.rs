//! The work that rendering may do.

use std::cell::Cell;
use std::fmt::{self, Write};
use std::time::Instant;

use super::error::TemplateErrorKind as Kind;
use super::limits::{MAX_OUTPUT_BYTES, MAX_RENDER_TIME, STEPS_BEFORE_CLOCK};

/// Number of bytes read, compared or copied that count as one step.
const BYTES_PER_STEP: usize = 64;
/// Number of steps between two looks at the clock, which cost about as much as a step.
const STEPS_PER_CLOCK: usize = 64;
/// Number of bytes that a [`BoundedText`] writes before it counts them.
const UNCOUNTED_BYTES: usize = 16 * BYTES_PER_STEP;

/// The work that is left. All templates of a request share one budget, so that many small ones are bounded
/// like a large one.
#[derive(Debug)]
pub struct Budget {
    started: Instant,
    steps: Cell<usize>,
}

impl Budget {
    /// Starts the clock.
    pub fn start() -> Self {
        Self { started: Instant::now(), steps: Cell::new(0) }
    }

    /// Counts steps, and checks the time once there have been many.
    #[inline]
    pub(super) fn spend(&self, steps: usize) -> Result<(), Kind> {
        let before = self.steps.get();
        let after = before.saturating_add(steps);
        self.steps.set(after);
        let is_due =
            after > STEPS_BEFORE_CLOCK && before / STEPS_PER_CLOCK != after / STEPS_PER_CLOCK;
        if is_due && self.started.elapsed() > MAX_RENDER_TIME {
            return Err(Kind::TooSlow);
        }
        Ok(())
    }

    /// Counts the steps of reading, comparing or copying bytes.
    pub(super) fn spend_bytes(&self, bytes: usize) -> Result<(), Kind> {
        self.spend(bytes / BYTES_PER_STEP)
    }
}

/// A text that grows within a budget, up to a length.
#[derive(Debug)]
pub(super) struct BoundedText<'b> {
    text: String,
    budget: &'b Budget,
    /// Maximum length, in bytes.
    limit: usize,
    uncounted: usize,
    failure: Option<Kind>,
}

impl<'b> BoundedText<'b> {
    /// A text as long as the output may be. A longer one is an error.
    pub(super) fn new(budget: &'b Budget) -> Self {
        Self { text: String::new(), budget, limit: MAX_OUTPUT_BYTES, uncounted: 0, failure: None }
    }

    /// The start of a value's text: at least `bytes` bytes if there are that many.
    pub(super) fn start_of(
        value: &impl fmt::Display,
        bytes: usize,
        budget: &'b Budget,
    ) -> Result<String, Kind> {
        let mut start = Self { limit: bytes.min(MAX_OUTPUT_BYTES), ..Self::new(budget) };
        match write!(start, "{value}") {
            Err(fmt::Error) if start.failure == Some(Kind::OutputTooLong) => Ok(start.text),
            _ => start.finish(),
        }
    }

    /// The complete text of a value.
    pub(super) fn of(value: &impl fmt::Display, budget: &'b Budget) -> Result<String, Kind> {
        let mut whole = Self::new(budget);
        match write!(whole, "{value}") {
            Ok(()) | Err(fmt::Error) => whole.finish(),
        }
    }

    /// Appends a text.
    pub(super) fn push(&mut self, text: &str) -> Result<(), Kind> {
        let rest = self.limit - self.text.len();
        if text.len() > rest {
            self.text.push_str(text.get(..text.ceil_char_boundary(rest)).unwrap_or_default());
            return Err(Kind::OutputTooLong);
        }
        self.text.push_str(text);
        self.uncounted += text.len();
        if self.uncounted >= UNCOUNTED_BYTES {
            self.budget.spend_bytes(std::mem::take(&mut self.uncounted))?;
        }
        Ok(())
    }

    /// Returns the text.
    ///
    /// # Errors
    /// The reason for which writing failed.
    pub(super) fn finish(self) -> Result<String, Kind> {
        self.budget.spend_bytes(self.uncounted)?;
        self.failure.map_or(Ok(self.text), Err)
    }
}

impl Write for BoundedText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text).map_err(|kind| {
            self.failure = Some(kind);
            fmt::Error
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A budget whose time does not run out.
    fn endless() -> Budget {
        let started = Instant::now() + std::time::Duration::from_hours(1);
        Budget { started, ..Budget::start() }
    }

    #[test]
    fn the_start_of_a_text_has_the_requested_length() {
        let value = json!({ "a": "é".repeat(1_000), "b": [1, 2] });
        let budget = endless();
        for bytes in 0..200 {
            let start = BoundedText::start_of(&value, bytes, &budget).unwrap();
            assert!(start.len() == bytes || start.len() == bytes + 1, "{bytes}: {start}");
            assert!(value.to_string().starts_with(&start));
        }
        assert_eq!(BoundedText::start_of(&value, 5_000, &budget).unwrap(), value.to_string());
        assert_eq!(BoundedText::of(&value, &budget).unwrap(), value.to_string());
    }

    #[test]
    fn a_text_is_never_longer_than_the_output() {
        let value = json!(["x".repeat(600_000), "x".repeat(600_000)]);
        let budget = endless();
        assert_eq!(BoundedText::of(&value, &budget), Err(Kind::OutputTooLong));
        let budget = endless();
        let mut text = BoundedText::new(&budget);
        text.push(&"x".repeat(MAX_OUTPUT_BYTES)).unwrap();
        assert_eq!(text.push("x"), Err(Kind::OutputTooLong));
    }

    #[test]
    fn written_bytes_count_as_steps() {
        let budget = endless();
        BoundedText::of(&json!("x".repeat(64_000)), &budget).unwrap();
        assert!(budget.steps.get() >= 1_000, "{}", budget.steps.get());
    }
}
