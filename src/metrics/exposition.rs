//! Prometheus' text format, for values that are read when the metrics are scraped.

use std::fmt::Write as _;

use super::names::Definition;

/// Metrics in the text format.
#[derive(Debug, Default)]
pub struct Exposition(String);

impl Exposition {
    /// Adds a metric with one value per set of label values, which are in the order of the definition's labels.
    pub fn add<'a, const LABELS: usize>(
        &mut self,
        metric: &Definition,
        samples: impl IntoIterator<Item = ([&'a str; LABELS], f64)>,
    ) {
        let Definition { name, kind, labels, help } = metric;
        debug_assert_eq!(labels.len(), LABELS, "{name}");
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {}", kind.as_str()));
        for (values, value) in samples {
            let pairs = labels.iter().zip(values);
            let pairs: Vec<String> =
                pairs.map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
            if pairs.is_empty() {
                self.line(format_args!("{name} {value}"));
            } else {
                self.line(format_args!("{name}{{{}}} {value}", pairs.join(",")));
            }
        }
    }

    /// Adds a metric without labels.
    pub fn add_value(&mut self, metric: &Definition, value: f64) {
        self.add(metric, [([], value)]);
    }

    /// Returns the text.
    pub fn into_text(self) -> String {
        self.0
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        if writeln!(self.0, "{line}").is_err() {
            tracing::error!("could not format a metric");
        }
    }
}

/// Escapes a label value.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::names;
    use super::*;

    /// Reads a label value back, by the rules of the format.
    fn unescape(text: &str) -> Option<(String, &str)> {
        let mut value = String::new();
        let mut chars = text.chars();
        loop {
            match chars.next()? {
                '"' => return Some((value, chars.as_str())),
                '\n' => return None,
                '\\' => value.push(match chars.next()? {
                    'n' => '\n',
                    c @ ('"' | '\\') => c,
                    _ => return None,
                }),
                c => value.push(c),
            }
        }
    }

    #[test]
    fn writes_help_type_and_samples() {
        let mut text = Exposition::default();
        text.add_value(&names::DATABASE_UP, 1.0);
        text.add(&names::QUEUE_DELIVERIES, [(["due"], 2.0), (["held"], 0.0)]);
        let expected = "# HELP gatepost_database_up Whether the database responded to the last scrape.\n\
            # TYPE gatepost_database_up gauge\n\
            gatepost_database_up 1\n\
            # HELP gatepost_queue_deliveries Unfinished deliveries of all instances, up to 500,000.\n\
            # TYPE gatepost_queue_deliveries gauge\n\
            gatepost_queue_deliveries{state=\"due\"} 2\n\
            gatepost_queue_deliveries{state=\"held\"} 0\n";
        assert_eq!(text.into_text(), expected);
    }

    proptest! {
        #[test]
        fn label_values_are_escaped(name in any::<String>()) {
            let mut text = Exposition::default();
            text.add(&names::WEBHOOK_INFO, [(["id", name.as_str()], 1.0)]);
            let text = text.into_text();
            let (_, line) = text.split_once("gatepost_webhook_info{webhook=\"id\",name=\"").unwrap();
            prop_assert_eq!(unescape(line), Some((name, "} 1\n")));
        }
    }
}
