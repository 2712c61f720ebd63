//! The event chosen for a test, a preview or a manual send.

use crate::actions::Actions;
use crate::model::event::{Event, EventChoice};
use crate::store::{self, events};

impl Actions {
    /// Returns the chosen event. `None` if retention has removed it.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn chosen_event(&self, choice: EventChoice) -> Result<Option<Event>, store::Error> {
        let broken = |_faults| store::Error::Corrupt {
            table: "events",
            detail: format!("{choice:?} is not a valid event"),
        };
        match choice {
            EventChoice::Sample(trigger) => Event::sample(trigger).map(Some).map_err(broken),
            EventChoice::Stored(id) => match events::find(&self.parts.db, id).await? {
                Some((_, payload)) => Event::parse(&payload).map(Some).map_err(broken),
                None => Ok(None),
            },
        }
    }
}
