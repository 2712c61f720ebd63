-- Where and how to send.

-- definition: the webhook in the file's form, its secrets masked: what is shown and exported.
-- sealed: the same with its secrets, encrypted: what is sent. Emptied when the webhook is deleted.
create table webhooks (
    id         uuid        primary key,
    name       text        not null,
    active     boolean     not null,
    definition text        not null,
    sealed     bytea       not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz,
    -- Why Gatepost itself switched it off; null where a person did, or nobody.
    paused_because text
);

create unique index webhooks_name_key on webhooks (lower(name)) where deleted_at is null;

-- A webhook that fails, from its first failure in a row until the next success. While failures are many, one
-- delivery at a time is sent as a probe, at probe_at; the rest waits.
create table webhook_breakers (
    webhook_id    uuid        primary key references webhooks (id) on delete cascade,
    failures      integer     not null,
    failing_since timestamptz not null,
    last_error    text        not null,
    probes        integer     not null default 0,
    probe_at      timestamptz
);
