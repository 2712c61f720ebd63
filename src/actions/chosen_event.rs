//! The event that a person tries something out with.

use crate::actions::Actions;
use crate::model::event::{Event, EventChoice};
use crate::store::{self, events};

impl Actions {
    /// The event; none where retention has removed it meanwhile.
    ///
    /// # Errors
    /// Where the database failed.
    pub async fn chosen_event(&self, choice: EventChoice) -> Result<Option<Event>, store::Error> {
        let broken = |_faults| store::Error::Corrupt {
            table: "events",
            detail: format!("{} is no event", choice.value()),
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
