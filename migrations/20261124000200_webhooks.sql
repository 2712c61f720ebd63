-- Webhooks define where and how events are sent.

-- definition: the webhook in the file format with masked secrets, for pages and exports.
-- sealed: the same with its secrets, encrypted, for sending. Empty once the webhook is deleted.
create table webhooks (
    id         uuid        primary key,
    name       text        not null,
    active     boolean     not null,
    definition text        not null,
    sealed     bytea       not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    -- Why Gatepost itself paused the webhook; otherwise null.
    paused_because text
);

create unique index webhooks_name_key on webhooks (lower(name)) where deleted_at is null;

-- The circuit breaker of a failing webhook, from its first consecutive failure until the next success. While the
-- breaker is open, one delivery at a time is sent as a probe, at probe_at, and the others wait.
create table webhook_breakers (
    webhook_id    uuid        primary key references webhooks (id) on delete cascade,
    failures      integer     not null,
    failing_since timestamptz not null,
    last_error    text        not null,
    probes        integer     not null default 0,
    probe_at      timestamptz
);
