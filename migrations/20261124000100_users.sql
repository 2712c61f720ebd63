-- Access to Gatepost: users with a password and sessions, programs with a token.

create table users (
    id            uuid        primary key,
    email         text        not null,
    password_hash text        not null,
    role          text        not null,
    created_at    timestamptz not null,
    last_seen_at  timestamptz,
    constraint users_role check (role in ('admin', 'editor', 'viewer'))
);

create unique index users_email_key on users (lower(email));

-- The value of the cookie is stored as its SHA-256, so reading this table is not enough to use a session.
create table sessions (
    id         bytea       primary key,
    user_id    uuid        references users (id) on delete cascade,
    data       text        not null,
    expires_at timestamptz not null
);

create index sessions_expires_at on sessions (expires_at);
create index sessions_user_id on sessions (user_id);

create table tokens (
    id           uuid        primary key,
    name         text        not null,
    scope        text        not null,
    hash         bytea       not null,
    created_at   timestamptz not null,
    last_used_at timestamptz,
    constraint tokens_hash_key unique (hash),
    constraint tokens_scope check (scope in ('events', 'manage', 'read'))
);

create unique index tokens_name_key on tokens (lower(name));
