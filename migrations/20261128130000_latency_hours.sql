-- Charts of the last 30 days are read from roll-ups by hour (UTC), for each webhook and for all of them.

-- How long attempts that delivered took: how often each bucket of model::latency occurred. Dispatchers add what they have
-- counted in memory every few seconds.
create table latency_hours (
    webhook_id uuid        not null references webhooks (id) on delete cascade,
    hour       timestamptz not null,
    counts     integer[]   not null,
    primary key (webhook_id, hour)
) with (fillfactor = 50);

create index latency_hours_by_hour on latency_hours (hour);

-- The sums over all webhooks, also those deleted since.
create table all_hours (
    hour      timestamptz primary key,
    delivered bigint      not null default 0,
    failed    bigint      not null default 0,
    retried   bigint      not null default 0,
    latencies integer[]   not null default '{}'
);

-- Deliveries that do not wait for time, but for their webhook or their predecessor. Most deliveries never do.
create index delivery_queue_blocked on delivery_queue (webhook_id) where state in ('held', 'waiting');
