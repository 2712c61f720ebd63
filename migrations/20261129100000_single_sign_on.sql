-- Single sign-on: which user an account of an identity provider belongs to, and which sessions were started with it.

create table user_identities (
    issuer          text        not null,
    subject         text        not null,
    user_id         uuid        not null references users (id) on delete cascade,
    created_at      timestamptz not null,
    last_sign_in_at timestamptz not null,
    primary key (issuer, subject)
);

-- A user has one account of each provider, so that a second one with the same email address is not linked.
create unique index user_identities_user_key on user_identities (user_id, issuer);

-- The encrypted ID token of a session that was started with single sign-on: the provider asks for it at the sign-out.
alter table sessions add column id_token bytea;
