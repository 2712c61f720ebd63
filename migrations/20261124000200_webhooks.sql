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
    deleted_at timestamptz
);

create unique index webhooks_name_key on webhooks (lower(name)) where deleted_at is null;
