-- Stored events of a range of time that a user sends to one webhook.
--
-- An instance reads the events in the order of their ids and queues a delivery for each that matches. last_event is the last
-- one that was read; it is updated in the transaction that queues the deliveries, so that a replay continues after a restart.
create table replays (
    id              uuid        primary key,
    webhook_id      uuid        not null references webhooks (id) on delete cascade,
    received_from   timestamptz not null,
    received_until  timestamptz not null,
    -- Whether events that do not match the triggers and filters of the webhook are sent too.
    ignores_filters boolean     not null,
    -- Whether events that the webhook has received before are sent again.
    repeats         boolean     not null,
    -- Number of events in the range when it was requested, of those read, and of those queued.
    total           bigint      not null,
    read            bigint      not null default 0,
    queued          bigint      not null default 0,
    last_event      uuid        not null,
    requested_at    timestamptz not null,
    who             text        not null,
    -- When the last event was read, or a user stopped the replay.
    finished_at     timestamptz,
    is_stopped      boolean     not null default false
);

create index replays_open on replays (id) where finished_at is null;
create index replays_webhook on replays (webhook_id, id);

-- The deliveries of a replay are manual ones.
alter table manual_deliveries add column replay_id uuid;
create index manual_deliveries_replay on manual_deliveries (replay_id) where replay_id is not null;
