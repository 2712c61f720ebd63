//! The webhooks, compiled, in memory: who gets an event is decided here.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Deps;
use crate::model::WebhookId;
use crate::model::event::{Event, Projection};
use crate::model::secret::{Redactor, secrets_of};
use crate::model::webhook::{Rules, Webhook};
use crate::store::webhooks::{self, WebhookWithSecrets};
use crate::store::{self, Error, SLOW_TIMEOUT};

/// A webhook, ready to match, render and send.
#[derive(Debug)]
pub struct Route {
    /// Its id.
    pub id: WebhookId,
    /// The webhook.
    pub webhook: Webhook,
    /// Takes its secrets out of what is recorded.
    pub redactor: Redactor,
    /// What the filters and templates of all webhooks look at: an event is parsed once for all of them.
    pub projection: Arc<Projection>,
    /// Whether Gatepost itself has switched it off: nobody projection its events to be lost, so they wait.
    pub is_paused: bool,
}

/// All webhooks as of the last reload.
#[derive(Debug, Default)]
pub struct Routing(ArcSwap<Routes>);

#[derive(Debug, Default)]
struct Routes {
    all: HashMap<WebhookId, Arc<Route>>,
    /// Those that take events, by what they want: webhooks that want the same are asked once.
    alike: Vec<Vec<Arc<Route>>>,
}

impl Routes {
    fn new(all: HashMap<WebhookId, Arc<Route>>) -> Self {
        let mut alike: HashMap<_, Vec<Arc<Route>>> = HashMap::new();
        for route in all.values().filter(|route| route.webhook.is_active() || route.is_paused) {
            let draft = route.webhook.draft();
            let projection = (draft.triggers.clone(), draft.filters.clone());
            alike.entry(projection).or_default().push(Arc::clone(route));
        }
        Self { all, alike: alike.into_values().collect() }
    }
}

impl Routing {
    /// Reads all webhooks.
    ///
    /// # Errors
    /// Where they cannot be read or opened.
    pub async fn reload(&self, deps: &Deps) -> Result<(), Error> {
        // Whether http:// may be used is asked when sending: a webhook that was saved while it was
        // allowed must still get its deliveries, and show them as failed.
        let rules = Rules { allow_http: true };
        let mut usable = Vec::new();
        let mut projection = Projection::default();
        let reading = webhooks::list_with_secrets(&deps.db, &deps.vault);
        for WebhookWithSecrets { id, draft, is_paused } in
            store::within(&deps.db, SLOW_TIMEOUT, reading).await?
        {
            let redactor = Redactor::new(&secrets_of(&draft));
            match Webhook::new(draft, &rules) {
                Ok(webhook) => {
                    webhook.extend_projection(&mut projection);
                    usable.push((id, webhook, redactor, is_paused));
                }
                Err(errors) => {
                    tracing::error!(webhook.id = %id, %errors, "a stored webhook is not usable; edit it");
                }
            }
        }
        let projection = Arc::new(projection);
        let route = |(id, webhook, redactor, is_paused)| {
            let projection = Arc::clone(&projection);
            (id, Arc::new(Route { id, webhook, redactor, projection, is_paused }))
        };
        self.0.store(Arc::new(Routes::new(usable.into_iter().map(route).collect())));
        Ok(())
    }

    /// The webhook of that id.
    pub fn find(&self, id: WebhookId) -> Option<Arc<Route>> {
        self.0.load().all.get(&id).cloned()
    }

    /// The webhooks that want this event: the active ones, and those for which it waits.
    pub fn matching(&self, event: &Event) -> Vec<Arc<Route>> {
        let routes = self.0.load();
        let wants = |alike: &&Vec<Arc<Route>>| {
            let first = alike.first();
            first.is_some_and(|route| route.webhook.matches(event, &route.projection))
        };
        routes.alike.iter().filter(wants).flatten().map(Arc::clone).collect()
    }

    /// The webhooks that may have something to send.
    pub fn ids(&self) -> Vec<WebhookId> {
        self.0.load().all.keys().copied().collect()
    }
}
