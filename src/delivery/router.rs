//! Decides which webhooks receive an event. All webhooks are held in memory, compiled.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::model::WebhookId;
use crate::model::event::{Event, Projection};
use crate::model::webhook::{ResolvedWebhook, Rules, Webhook, check_masks};
use crate::store::webhooks::{self, StoredWebhook};
use crate::store::{Error, PgPool, SLOW_TIMEOUT, secrets, within};
use crate::vault::Vault;

/// Maximum number of applied changes to remember. Their notifications arrive within moments.
const MAX_APPLIED_CHANGES: usize = 64;

/// A compiled webhook.
#[derive(Debug)]
pub struct Route {
    /// The webhook's id.
    pub id: WebhookId,
    /// The webhook, with the values of its secrets.
    pub resolved: ResolvedWebhook,
    /// The fields that filters and templates of all webhooks read. An event is parsed once for all of them.
    pub projection: Arc<Projection>,
    /// Whether Gatepost paused the webhook. Its events are kept until it is activated again.
    pub is_paused: bool,
}

impl Route {
    /// The webhook.
    pub fn webhook(&self) -> &Webhook {
        self.resolved.webhook()
    }
}

/// All webhooks as of the last reload.
#[derive(Debug, Default)]
pub struct Router {
    routes: ArcSwap<Routes>,
    /// Changes that were applied once, by the action that made them or by their notification. Locked while reloading,
    /// so that an older state never replaces a newer one.
    applied: Mutex<VecDeque<Uuid>>,
}

#[derive(Debug, Default)]
struct Routes {
    all: HashMap<WebhookId, Arc<Route>>,
    /// Webhooks that receive events, grouped by triggers and filters: those of a group are matched once.
    groups: Vec<Vec<Arc<Route>>>,
}

impl Routes {
    fn new(all: HashMap<WebhookId, Arc<Route>>) -> Self {
        let mut groups: HashMap<_, Vec<Arc<Route>>> = HashMap::new();
        for route in all.values().filter(|route| route.webhook().is_active() || route.is_paused) {
            let draft = route.webhook().draft();
            let condition = (draft.triggers.clone(), draft.filters.clone());
            groups.entry(condition).or_default().push(Arc::clone(route));
        }
        Self { all, groups: groups.into_values().collect() }
    }
}

impl Router {
    /// Reads all webhooks.
    ///
    /// # Errors
    /// If they cannot be read or decrypted.
    pub async fn reload(&self, db: &PgPool, vault: &Vault) -> Result<(), Error> {
        let _applied = self.applied.lock().await;
        self.load(db, vault).await
    }

    /// Reads all webhooks after a committed change, unless the same change was applied before: an instance applies its
    /// own change at once and then receives the notification of it. Returns whether webhooks were read.
    ///
    /// # Errors
    /// If they cannot be read or decrypted.
    pub async fn apply_change(
        &self,
        db: &PgPool,
        vault: &Vault,
        change: Uuid,
    ) -> Result<bool, Error> {
        let mut applied = self.applied.lock().await;
        if let Some(at) = applied.iter().position(|known| *known == change) {
            applied.remove(at);
            return Ok(false);
        }
        self.load(db, vault).await?;
        if applied.len() >= MAX_APPLIED_CHANGES {
            applied.pop_front();
        }
        applied.push_back(change);
        Ok(true)
    }

    async fn load(&self, db: &PgPool, vault: &Vault) -> Result<(), Error> {
        // The rules are checked by each attempt. A webhook that was saved while http:// was allowed, for example, still
        // receives its deliveries, which are shown as failed.
        let rules = Rules::STORED;
        let mut usable = Vec::new();
        let mut projection = Projection::default();
        let reading = async {
            // One snapshot, so that no webhook is combined with secrets of another time.
            let mut tx = webhooks::begin_snapshot(db).await?;
            Ok::<_, Error>((
                webhooks::list_all(&mut tx).await?,
                secrets::resolve_all(&mut tx, vault).await?,
            ))
        };
        let (stored, secrets) = within(db, SLOW_TIMEOUT, reading).await?;
        for StoredWebhook { id, draft, is_paused } in stored {
            // A mask is left only if the secrets of a webhook of an earlier version could not be moved.
            let masks = check_masks(&draft);
            let valid = if masks.is_empty() { Webhook::new(draft, &rules) } else { Err(masks) };
            match valid {
                Ok(webhook) => {
                    webhook.extend_projection(&mut projection);
                    let own = secrets.of_webhook(id, &webhook.secret_names());
                    usable.push((id, ResolvedWebhook::new(webhook, &own), is_paused));
                }
                Err(errors) => {
                    tracing::error!(webhook.id = %id, %errors, "could not load a stored webhook; edit it");
                }
            }
        }
        let projection = Arc::new(projection);
        let route = |(id, resolved, is_paused)| {
            let projection = Arc::clone(&projection);
            (id, Arc::new(Route { id, resolved, projection, is_paused }))
        };
        self.routes.store(Arc::new(Routes::new(usable.into_iter().map(route).collect())));
        Ok(())
    }

    /// Returns the route of a webhook.
    pub fn find(&self, id: WebhookId) -> Option<Arc<Route>> {
        self.routes.load().all.get(&id).cloned()
    }

    /// Returns the active and paused webhooks that match an event.
    pub fn matching(&self, event: &Event) -> Vec<Arc<Route>> {
        let routes = self.routes.load();
        let matches = |group: &&Vec<Arc<Route>>| {
            let first = group.first();
            first.is_some_and(|route| route.webhook().matches(event, &route.projection))
        };
        routes.groups.iter().filter(matches).flatten().map(Arc::clone).collect()
    }

    /// Returns the routes of all webhooks.
    pub fn all(&self) -> Vec<Arc<Route>> {
        self.routes.load().all.values().map(Arc::clone).collect()
    }

    /// Returns the ids of all webhooks.
    pub fn ids(&self) -> Vec<WebhookId> {
        self.routes.load().all.keys().copied().collect()
    }
}
