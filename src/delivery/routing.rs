//! The webhooks, compiled, in memory: who gets an event is decided here.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Deps;
use crate::model::WebhookId;
use crate::model::event::Event;
use crate::model::secret::{Redactor, secrets_of};
use crate::model::webhook::{Rules, Webhook};
use crate::store::Error;
use crate::store::webhooks::{self, Sealed};

/// A webhook, ready to match, render and send.
#[derive(Debug)]
pub struct Route {
    /// Its id.
    pub id: WebhookId,
    /// The webhook.
    pub webhook: Webhook,
    /// Takes its secrets out of what is recorded.
    pub redactor: Redactor,
    /// Whether Gatepost itself has switched it off: nobody wanted its events to be lost, so they wait.
    pub is_paused: bool,
}

/// All webhooks as of the last reload.
#[derive(Debug, Default)]
pub struct Routing(ArcSwap<HashMap<WebhookId, Arc<Route>>>);

impl Routing {
    /// Reads all webhooks.
    ///
    /// # Errors
    /// Where they cannot be read or opened.
    pub async fn reload(&self, deps: &Deps) -> Result<(), Error> {
        // Whether http:// may be used is asked when sending: a webhook that was saved while it was
        // allowed must still get its deliveries, and show them as failed.
        let rules = Rules { allow_http: true };
        let mut routes = HashMap::new();
        for Sealed { id, draft, is_paused } in webhooks::all_sealed(&deps.db, &deps.vault).await? {
            let redactor = Redactor::new(&secrets_of(&draft));
            match Webhook::new(draft, &rules) {
                Ok(webhook) => {
                    routes.insert(id, Arc::new(Route { id, webhook, redactor, is_paused }));
                }
                Err(errors) => {
                    tracing::error!(webhook.id = %id, %errors, "a stored webhook is not usable; edit it");
                }
            }
        }
        self.0.store(Arc::new(routes));
        Ok(())
    }

    /// The webhook of that id.
    pub fn find(&self, id: WebhookId) -> Option<Arc<Route>> {
        self.0.load().get(&id).cloned()
    }

    /// The webhooks that want this event: the active ones, and those for which it waits.
    pub fn matching(&self, event: &Event) -> Vec<Arc<Route>> {
        let routes = self.0.load();
        routes
            .values()
            .filter(|route| route.webhook.is_active() || route.is_paused)
            .filter(|route| route.webhook.wants(event.trigger, &event.payload))
            .map(Arc::clone)
            .collect()
    }

    /// The webhooks that may have something to send.
    pub fn ids(&self) -> Vec<WebhookId> {
        self.0.load().keys().copied().collect()
    }
}
