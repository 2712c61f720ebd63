-- Several users with roles: invitations, status and preferences of users, and what a session needs to be recognized.

-- Until now every user could do everything.
update users set role = 'admin';

alter table users
    add column status                text not null default 'active',
    add column last_sign_in_at       timestamptz,
    add column theme                 text not null default 'system',
    add column time_zone             text not null default 'UTC',
    -- SHA-256 of the one-time link. It is kept after its use, to recognize a second one.
    add column invitation_hash       bytea,
    add column invitation_expires_at timestamptz,
    add constraint users_status check (status in ('active', 'invited', 'disabled')),
    add constraint users_theme check (theme in ('system', 'light', 'dark'));

create unique index users_invitation_key on users (invitation_hash);

alter table sessions
    add column created_at          timestamptz not null default now(),
    add column last_used_at        timestamptz not null default now(),
    add column password_entered_at timestamptz not null default now(),
    add column device              text not null default '',
    add column address             text not null default '';
