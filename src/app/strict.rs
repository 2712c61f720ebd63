//! What strict mode requires of the settings.

use anyhow::bail;

use super::database;
use crate::config::Config;

/// Checks that the settings meet strict mode, if it is on.
///
/// # Errors
/// All settings that do not, each with how to change it.
pub fn check_strict(config: &Config) -> anyhow::Result<()> {
    let problems = problems(config);
    if problems.is_empty() {
        return Ok(());
    }
    bail!(
        "strict mode (GATEPOST_STRICT) does not permit these settings:\n- {}",
        problems.join("\n- ")
    );
}

/// Returns the settings that strict mode does not permit, each with how to change it, without a final period.
pub(super) fn problems(config: &Config) -> Vec<String> {
    config.strict_problems().into_iter().chain(database::strict_problem(config)).collect()
}
