-- How many exchanges a minute a webhook may have counts for all instances together: they take their turns here.

create table webhook_rates (
    webhook_id uuid        primary key references webhooks (id) on delete cascade,
    -- When the next exchange may begin.
    next_at    timestamptz not null
) with (fillfactor = 50);
