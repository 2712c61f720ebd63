-- Secrets are objects that webhooks refer to, bound to the hosts that they may be sent to.

-- webhook_id: the webhook that alone may use the secret; null if all webhooks may.
-- sealed: the value, encrypted.
-- hosts: where the value may be sent, such as https://10.0.0.5 or https://*.example.com:8443.
-- token_scopes, token_hosts: of an OAuth client secret, the scopes that it may request and the hosts that its access
-- tokens may be sent to. token_scopes is null for other secrets.
create table secrets (
    id           uuid        primary key,
    webhook_id   uuid        references webhooks (id) on delete cascade,
    name         text        not null,
    sealed       bytea       not null,
    hosts        text[]      not null,
    token_scopes text,
    token_hosts  text[]      not null,
    description  text        not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    who_kind     text        not null,
    who_name     text        not null
);

create unique index secrets_shared_name_key on secrets (name) where webhook_id is null;
create unique index secrets_private_name_key on secrets (webhook_id, name) where webhook_id is not null;

-- The names of the secrets that the current definition refers to.
alter table webhooks add secret_names text[] not null default '{}';
create index webhooks_secret_names on webhooks using gin (secret_names) where deleted_at is null;

-- Definitions contain references to secrets and no secrets. The encrypted copy is emptied once its secrets have been
-- moved, and is not written any more.
alter table webhooks alter sealed set default '';
alter table webhook_revisions alter sealed set default '';
