//! Collects the values that filters can have from the events that come in. Not where they come in, which
//! has no time for it: a look now and then at those that are new.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{Deps, Shared};
use crate::model::EventId;
use crate::model::filter::{Field, Filters};
use crate::store::{Error, SLOW_TIMEOUT, filter_values, within};

const EVERY: Duration = Duration::from_secs(2);
/// Of a flood of events so many are looked at, the newest: what they have in common is among them.
const AT_MOST: i64 = 300;
/// Known values are not written again and again; so many are remembered.
const REMEMBERED: usize = 20_000;

/// Looks at new events until stopped; at first at the newest that are there.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(EVERY);
    let mut last = EventId::from(Uuid::nil());
    let mut known = HashSet::new();
    let mut day = shared.deps.sources.now().date_naive();
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _instant = tick.tick() => {}
        }
        let today = shared.deps.sources.now().date_naive();
        if known.len() > REMEMBERED || today != day {
            known.clear();
            day = today;
        }
        match look(&shared.deps, last, &mut known).await {
            Ok(newest) => last = newest,
            Err(error) => tracing::debug!(error = error.chain(), "filters' values were not noted"),
        }
    }
}

async fn look(
    deps: &Deps,
    last: EventId,
    known: &mut HashSet<(Field, String)>,
) -> Result<EventId, Error> {
    let events =
        within(&deps.db, SLOW_TIMEOUT, filter_values::events_after(&deps.db, last, AT_MOST))
            .await?;
    let newest = events.first().map_or(last, |(id, _)| *id);
    let mut new = HashSet::new();
    for (_, payload) in &events {
        let Ok(payload) = serde_json::from_str(payload) else { continue };
        for field in Field::ALL {
            let values = field.values(&payload).into_iter().filter(|value| is_usable(value));
            new.extend(values.map(|value| (field, value)).filter(|one| !known.contains(one)));
        }
    }
    if !new.is_empty() {
        let seen: Vec<(Field, String)> = new.iter().cloned().collect();
        let now = deps.sources.now();
        within(&deps.db, SLOW_TIMEOUT, filter_values::note(&deps.db, &seen, now)).await?;
        known.extend(new);
    }
    Ok(newest)
}

/// Whether a filter can hold it. A database's text holds no NUL.
fn is_usable(value: &str) -> bool {
    !value.trim().is_empty()
        && value.chars().count() <= Filters::MAX_LENGTH
        && !value.contains(['\0', '\n', '\r'])
}
