//! `GET /metrics`, and the documentation, dashboard and alerts in docs/monitoring.

#![expect(clippy::float_cmp, reason = "counts are whole numbers")]
#![expect(clippy::panic, reason = "a test that cannot go on has failed")]

mod access;
mod cardinality;
mod documentation;
mod format;
mod values;

use std::collections::BTreeMap;

use crate::support::{TestApp, http};
use format::Series;

/// The series of a scrape with their values.
struct Scrape(BTreeMap<Series, f64>);

impl Scrape {
    /// Scrapes an app with this token, and checks the format.
    async fn of(app: &TestApp, token: &str) -> Self {
        let response = http().get(app.url("/metrics")).bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
        let text = response.text().await.unwrap();
        Self(format::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}")))
    }

    /// Returns the value of a series.
    fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let series = Series::new(name, labels);
        let found = self.0.get(&series);
        assert!(found.is_some(), "no {series:?} in {:#?}", self.0);
        *found.unwrap()
    }

    /// Returns the sum of all series of a metric.
    fn sum(&self, name: &str) -> f64 {
        self.0.iter().filter(|(series, _)| series.name == name).map(|(_, value)| value).sum()
    }

    /// Returns the values that a label has in the series of a metric.
    fn values_of(&self, name: &str, label: &str) -> Vec<String> {
        let series = self.0.keys().filter(|series| series.name == name);
        series.filter_map(|series| series.labels.get(label).cloned()).collect()
    }
}
