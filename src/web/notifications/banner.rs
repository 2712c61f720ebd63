//! The banner on every page that tells which webhooks have a problem.

use crate::store::notifications::{MAX_PROBLEMS, Problems};

/// A banner, ready to print.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::web) struct ProblemBanner {
    /// Empty if there is no problem.
    pub(in crate::web) text: String,
    pub(in crate::web) link: &'static str,
    pub(in crate::web) href: String,
}

impl ProblemBanner {
    pub(in crate::web) fn new(problems: &Problems) -> Self {
        let Problems { paused, failing, only } = problems;
        if let Some((id, name)) = only {
            let text = if *paused > 0 {
                format!("“{name}” is paused, and nothing is sent until it is resumed.")
            } else {
                format!("“{name}” is failing. Its deliveries wait until an attempt succeeds.")
            };
            return Self { text, link: "See why", href: format!("/webhooks/{id}") };
        }
        let paused = (*paused > 0).then(|| format!("{} paused", count(*paused)));
        let failing = (*failing > 0).then(|| format!("{} failing", count(*failing)));
        let status = if failing.is_some() { "failing" } else { "paused" };
        let parts: Vec<String> = paused.into_iter().chain(failing).collect();
        if parts.is_empty() {
            return Self::default();
        }
        let text = format!("{}. Their deliveries wait.", parts.join(", "));
        Self { text, link: "Show them", href: format!("/webhooks?status={status}") }
    }
}

fn count(number: i64) -> String {
    match number {
        1 => "1 webhook is".to_owned(),
        MAX_PROBLEMS.. => format!("{MAX_PROBLEMS} webhooks or more are"),
        _ => format!("{number} webhooks are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner(paused: i64, failing: i64) -> String {
        ProblemBanner::new(&Problems { paused, failing, only: None }).text
    }

    #[test]
    fn problems_are_counted() {
        assert_eq!(banner(0, 0), "");
        assert_eq!(banner(2, 0), "2 webhooks are paused. Their deliveries wait.");
        assert_eq!(
            banner(1, 100),
            "1 webhook is paused, 100 webhooks or more are failing. Their deliveries wait."
        );
    }

    #[test]
    fn a_single_webhook_is_named() {
        let id = uuid::Uuid::nil().into();
        let only = Some((id, "Logpoint".to_owned()));
        let banner = ProblemBanner::new(&Problems { paused: 0, failing: 1, only });
        assert_eq!(
            banner.text,
            "“Logpoint” is failing. Its deliveries wait until an attempt succeeds."
        );
        assert_eq!(banner.href, format!("/webhooks/{id}"));
    }
}
