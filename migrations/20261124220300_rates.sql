-- The limit on requests per minute of a webhook applies to all instances together: they take their permits here.

create table webhook_rates (
    webhook_id uuid        primary key references webhooks (id) on delete cascade,
    -- When the next request may start.
    next_at    timestamptz not null
) with (fillfactor = 50);
