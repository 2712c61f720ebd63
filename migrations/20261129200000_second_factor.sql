-- The second factor of users: authenticator apps, recovery codes, and the roles that require one.

create table second_factors (
    user_id    uuid        primary key references users (id) on delete cascade,
    -- The secret of the authenticator app and the key of the recovery codes, encrypted.
    sealed     bytea       not null,
    -- The step of the last accepted code. Codes of this step and earlier ones are rejected.
    last_step  bigint      not null,
    created_at timestamptz not null
);

-- A code is deleted when it is used.
create table recovery_codes (
    user_id uuid  not null references second_factors (user_id) on delete cascade,
    hash    bytea not null,
    primary key (user_id, hash)
);

create table second_factor_roles (
    role text primary key,
    constraint second_factor_roles_role check (role in ('admin', 'editor', 'viewer'))
);

-- Whether users have a second factor, and need one. Users without a password sign in with a provider, which is responsible
-- for their second factor.
create view second_factor_states as
select users.id as user_id,
       second_factors.user_id is not null as is_on,
       second_factor_roles.role is not null and users.password_hash <> '' as is_required
from users
    left join second_factors on second_factors.user_id = users.id
    left join second_factor_roles on second_factor_roles.role = users.role;
