-- The list of webhooks is read page by page, and its rates are read from roll-ups instead of the history.

-- What the list shows and filters of the definition.
alter table webhooks
    add method     text    not null default '',
    add url        text    not null default '',
    add triggers   text[]  not null default '{}',
    add unverified boolean not null default false;

update webhooks
set method = coalesce(definition::jsonb #>> '{type,http_request,method}', ''),
    url = coalesce(definition::jsonb #>> '{type,http_request,url}', ''),
    triggers = array(select jsonb_array_elements_text(coalesce(definition::jsonb -> 'triggers', '[]'))),
    unverified = coalesce(definition::jsonb #>> '{tls,verify}' = 'none', false);

create index webhooks_by_name on webhooks (lower(name), id) where deleted_at is null;

-- Attempts of each webhook by hour (UTC), counted in the statement that records them. Rows are updated often, so that space
-- is left for the new versions.
--
-- delivered, failed: deliveries that ended. retried: attempts that failed and are retried.
create table webhook_hours (
    webhook_id        uuid        not null references webhooks (id) on delete cascade,
    hour              timestamptz not null,
    delivered         bigint      not null,
    failed            bigint      not null,
    retried           bigint      not null,
    last_delivered_at timestamptz,
    primary key (webhook_id, hour)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

insert into webhook_hours (webhook_id, hour, delivered, failed, retried, last_delivered_at)
select h.webhook_id, date_trunc('hour', h.finished_at, 'UTC'),
       count(*) filter (where h.state = 'delivered'), count(*) filter (where h.state = 'failed'), 0,
       max(h.finished_at) filter (where h.state = 'delivered')
from delivery_history h join webhooks w on w.id = h.webhook_id
where h.id >= partition_bound((now() at time zone 'utc')::date - 1)
group by 1, 2;
