//! Pages of the list of webhooks.

use super::{Error, PgConnection, PgPool};
use crate::model::WebhookId;

/// A webhook with the fields shown in the list.
#[derive(Debug, Clone)]
pub struct ListedWebhook {
    /// The webhook's id.
    pub id: WebhookId,
    /// The name.
    pub name: String,
    /// Whether events are sent.
    pub active: bool,
    /// The HTTP method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The names of the triggers.
    pub triggers: Vec<String>,
    /// Whether the server's certificate is not verified.
    pub unverified: bool,
    /// The position in the list, for the next page.
    pub key: String,
}

/// Filters and order of the list.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebhookQuery<'a> {
    /// A text in the name or in the first 300 characters of the URL, ignoring case.
    pub text: &'a str,
    /// `active`, `inactive`, `failing`, `paused`, or empty for all.
    pub status: &'a str,
    /// A trigger, or empty for all.
    pub trigger: &'a str,
    /// `name`, `status`, `url`, `last` or `rate`.
    pub sort: &'a str,
    /// Whether the order is reversed.
    pub is_reversed: bool,
    /// The key and id of the last webhook of the previous page.
    pub after: Option<(&'a str, WebhookId)>,
    /// Maximum number of webhooks.
    pub limit: i64,
}

/// Returns a page of webhooks. The orders `last` and `rate` are those of the last refresh of [`super::webhook_ranks`].
pub async fn list(
    db: &mut PgConnection,
    query: &WebhookQuery<'_>,
) -> Result<Vec<ListedWebhook>, Error> {
    let (after_key, after_id) = query.after.unzip();
    let rows = sqlx::query!(
        r#"with keyed as (
               select w.id,
                      case $4
                          when 'status' then case when w.active then '0' else '1' end || lower(w.name)
                          when 'url' then left(lower(w.url), 500)
                          when 'last' then r.last_key
                          when 'rate' then r.rate_key
                          else lower(w.name)
                      end as key
               from webhooks w left join webhook_ranks r on r.webhook_id = w.id and $4 in ('last', 'rate')
               where w.deleted_at is null
                 -- Each webhook has a rank, but only for an inner join is the index by rank read.
                 and ($4 not in ('last', 'rate') or r.webhook_id is not null)
                 and ($1 = '' or strpos(w.search_text, lower($1)) > 0)
                 and ($3 = '' or w.triggers @> array[$3])
                 and case $2
                         when 'active' then w.active
                         when 'inactive' then not w.active
                         when 'paused' then w.paused_because is not null
                         when 'failing' then w.paused_because is null
                              and exists (select from webhook_breakers b where b.webhook_id = w.id)
                         else true
                     end
           ),
           -- Only the rows of the page are read completely.
           picked as (
               select id, key from keyed
               where $6::text is null
                  or case when $5 then (key, id) < ($6, $7) else (key, id) > ($6, $7) end
               order by case when not $5 then key end, case when not $5 then id end,
                        case when $5 then key end desc, case when $5 then id end desc
               limit $8
           )
           select w.id, w.name, w.active, w.method, w.url, w.triggers, w.unverified, p.key as "key!"
           from picked p join webhooks w on w.id = p.id
           order by case when not $5 then p.key end, case when not $5 then p.id end,
                    case when $5 then p.key end desc, case when $5 then p.id end desc"#,
        query.text,
        query.status,
        query.trigger,
        query.sort,
        query.is_reversed,
        after_key,
        after_id.map(WebhookId::uuid),
        query.limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ListedWebhook {
            id: row.id.into(),
            name: row.name,
            active: row.active,
            method: row.method,
            url: row.url,
            triggers: row.triggers,
            unverified: row.unverified,
            key: row.key,
        })
        .collect())
}

/// Returns a webhook as the list shows it.
pub async fn find(db: &PgPool, id: WebhookId) -> Result<Option<ListedWebhook>, Error> {
    let row = sqlx::query!(
        "select name, active, method, url, triggers, unverified from webhooks
         where id = $1 and deleted_at is null",
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| ListedWebhook {
        id,
        name: row.name,
        active: row.active,
        method: row.method,
        url: row.url,
        triggers: row.triggers,
        unverified: row.unverified,
        key: String::new(),
    }))
}

/// Numbers of webhooks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WebhookCounts {
    /// All webhooks.
    pub all: i64,
    /// Those that are active.
    pub active: i64,
    /// Those whose newest attempt failed, unless they are paused.
    pub failing: i64,
}

/// Counts the webhooks.
pub async fn count(db: &PgPool) -> Result<WebhookCounts, Error> {
    let row = sqlx::query!(
        r#"select count(*) as "all!", count(*) filter (where active) as "active!",
                  (select count(*) from webhook_breakers b join webhooks f on f.id = b.webhook_id
                   where f.deleted_at is null and f.paused_because is null) as "failing!"
           from webhooks where deleted_at is null"#
    )
    .fetch_one(db)
    .await?;
    Ok(WebhookCounts { all: row.all, active: row.active, failing: row.failing })
}
