-- Keys of senders that sign their events, besides an API token or instead of it.

create table sender_keys (
    token_id       uuid    primary key references tokens (id) on delete cascade,
    scheme         text    not null check (scheme in ('standard-webhooks', 'hmac-sha256')),
    -- Whether the signature alone is enough. The text of the token is then shown to no one.
    replaces_token boolean not null,
    -- The key, encrypted with the master key.
    sealed         bytea   not null
);
