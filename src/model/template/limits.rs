//! Bounds of templates. They keep one webhook from holding up or filling the memory of the others.

use std::time::Duration;

/// Longest template, in bytes.
pub const MAX_SOURCE_BYTES: usize = 64 * 1024;
/// How deep blocks, and parentheses within one placeholder, may be nested.
pub const MAX_NESTING: usize = 32;
/// How many JSON strings deep a placeholder may stand. Each level doubles the backslashes.
pub const MAX_JSON_DEPTH: usize = 6;
/// Longest result, in bytes.
pub const MAX_OUTPUT_BYTES: usize = 1024 * 1024;
/// Longest time for one rendering.
pub const MAX_RENDER_TIME: Duration = Duration::from_millis(50);
/// The time is looked at only after this many steps, so that a small template never fails
/// because the machine was busy elsewhere.
pub(super) const STEPS_BEFORE_CLOCK: usize = 2_000;
