//! Charts of deliveries and latencies over time, drawn on the server, with the same numbers as text and as a table.

mod plot;
mod series;
mod view;

use strum::{EnumString, IntoStaticStr};

pub(in crate::web) use view::{ChartsView, success_rate};

/// The time that a chart shows, up to the end of the current hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString, IntoStaticStr)]
pub(in crate::web) enum Period {
    /// 24 hours.
    #[default]
    #[strum(serialize = "24h")]
    Day,
    /// 7 days.
    #[strum(serialize = "7d")]
    Week,
    /// 30 days.
    #[strum(serialize = "30d")]
    Month,
}

impl Period {
    const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// Reads the value of the parameter `period`; the default for an unknown one.
    pub(in crate::web) fn from_query(value: &str) -> Self {
        value.parse().unwrap_or_default()
    }

    fn label(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Week => "7 days",
            Self::Month => "30 days",
        }
    }

    /// Number of hours in a bar of the chart.
    fn hours_per_bar(self) -> usize {
        match self {
            Self::Day => 1,
            Self::Week => 6,
            Self::Month => 24,
        }
    }

    /// Number of bars.
    fn bars(self) -> usize {
        match self {
            Self::Day => 24,
            Self::Week => 28,
            Self::Month => 30,
        }
    }

    /// Number of bars between two labels of the time axis.
    fn bars_per_label(self) -> usize {
        match self {
            Self::Day => 6,
            Self::Week => 4,
            Self::Month => 5,
        }
    }
}
