//! Limits of templates. They keep one webhook from delaying the others or exhausting the memory.

use std::time::Duration;

/// Longest source, in bytes.
pub const MAX_SOURCE_BYTES: usize = 64 * 1024;
/// Maximum nesting of blocks, and of parentheses within a placeholder.
pub const MAX_NESTING: usize = 32;
/// Maximum number of JSON strings around a placeholder. Each level doubles the backslashes.
pub const MAX_JSON_DEPTH: usize = 6;
/// Longest output, in bytes.
pub const MAX_OUTPUT_BYTES: usize = 1024 * 1024;
/// Longest time for rendering all templates of a request.
pub const MAX_RENDER_TIME: Duration = Duration::from_millis(50);
/// Number of steps before the time is checked, so that small templates never fail because the machine is
/// busy.
pub(super) const STEPS_BEFORE_CLOCK: usize = 2_000;
