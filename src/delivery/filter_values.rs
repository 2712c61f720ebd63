//! Collects values for filters from received events. It reads stored events periodically, so that intake does not spend
//! time on it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::shared::{Deps, Shared};
use crate::model::filter::{Field, Filters};
use crate::model::{EventId, json};
use crate::store::{Error, SLOW_TIMEOUT, filter_values, within};

/// Time between two reads of new events.
const READ_INTERVAL: Duration = Duration::from_secs(2);
/// Maximum number of events per read. If there are more, only the newest are read: frequent values are among them.
const MAX_EVENTS: i64 = 300;
/// Maximum number of values remembered to avoid writing them again.
const MAX_KNOWN_VALUES: usize = 20_000;

/// Collects values from new events until stopped, beginning with the newest stored events.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut interval = tokio::time::interval(READ_INTERVAL);
    let mut last = EventId::from(Uuid::nil());
    let mut known = HashSet::new();
    let mut day = shared.deps.sources.now().date_naive();
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _instant = interval.tick() => {}
        }
        let today = shared.deps.sources.now().date_naive();
        if known.len() > MAX_KNOWN_VALUES || today != day {
            known.clear();
            day = today;
        }
        match collect(&shared.deps, last, &mut known).await {
            Ok(newest) => last = newest,
            Err(error) => tracing::debug!(error = error.chain(), "could not collect filter values"),
        }
    }
}

/// Collects values from events after `last`. Returns the newest event.
async fn collect(
    deps: &Deps,
    last: EventId,
    known: &mut HashSet<(Field, String)>,
) -> Result<EventId, Error> {
    let reading = filter_values::list_events_after(&deps.background, last, MAX_EVENTS);
    let events = within(&deps.background, SLOW_TIMEOUT, reading).await?;
    let newest = events.first().map_or(last, |(id, _)| *id);
    let mut new = HashSet::new();
    for (_, payload) in &events {
        let Ok(payload) = json::parse(payload) else { continue };
        for field in Field::ALL {
            let values = field.values(&payload).into_iter().filter(|value| is_usable(value));
            new.extend(values.map(|value| (field, value)).filter(|one| !known.contains(one)));
        }
    }
    if !new.is_empty() {
        let values: Vec<(Field, String)> = new.iter().cloned().collect();
        let now = deps.sources.now();
        let writing = filter_values::record(&deps.background, &values, now);
        within(&deps.background, SLOW_TIMEOUT, writing).await?;
        known.extend(new);
    }
    Ok(newest)
}

/// Returns whether a value can be used in a filter and stored. PostgreSQL's text type cannot hold NUL.
fn is_usable(value: &str) -> bool {
    !value.trim().is_empty()
        && value.chars().count() <= Filters::MAX_VALUE_CHARS
        && !value.contains(['\0', '\n', '\r'])
}
