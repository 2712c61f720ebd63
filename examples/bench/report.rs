//! The report, as a table and as JSON.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Value, json};

/// A figure and its goal.
#[derive(Debug)]
struct Line {
    case: &'static str,
    what: Cow<'static, str>,
    value: f64,
    unit: &'static str,
    /// The goal: at least (positive) or at most (negative) this value.
    goal: Option<Goal>,
}

/// The goal of a figure.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// The figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Line>);

impl Report {
    pub(crate) fn add(
        &mut self,
        case: &'static str,
        what: impl Into<Cow<'static, str>>,
        value: f64,
        unit: &'static str,
        goal: Option<Goal>,
    ) {
        let what = what.into();
        println!("  {case}: {what} {}", figure(value, unit));
        self.0.push(Line { case, what, value, unit, goal });
    }

    pub(crate) fn print(&self) {
        println!("\n| case | figure | value | goal | |\n| --- | --- | --- | --- | --- |");
        for line in &self.0 {
            let (goal, met) = match line.goal {
                None => (String::new(), ""),
                Some(Goal::AtLeast(least)) => {
                    (format!("≥ {}", figure(least, line.unit)), verdict(line.value >= least))
                }
                Some(Goal::AtMost(most)) => {
                    (format!("≤ {}", figure(most, line.unit)), verdict(line.value <= most))
                }
            };
            let value = figure(line.value, line.unit);
            println!("| {} | {} | {value} | {goal} | {met} |", line.case, line.what);
        }
        let all: Vec<Value> = self
            .0
            .iter()
            .map(|line| json!({"case": line.case, "figure": line.what, "value": line.value, "unit": line.unit}))
            .collect();
        println!("\n{}", Value::from(all));
    }
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

fn figure(value: f64, unit: &str) -> String {
    let digits = if value >= 100.0 || value.fract() == 0.0 { 0 } else { 2 };
    format!("{value:.digits$} {unit}").trim_end().to_owned()
}

pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}
