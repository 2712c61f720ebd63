-- The hash of the codes of authenticator apps. Strict mode sets up new apps with SHA-256, and existing secrets stay as they are.
alter table second_factors
    add column hash text not null default 'SHA1',
    add constraint second_factors_hash check (hash in ('SHA1', 'SHA256'));

-- Strict mode requires a second factor of every user with a password, whatever the role.
create or replace view second_factor_states as
select users.id as user_id,
       second_factors.user_id is not null as is_on,
       second_factor_roles.role is not null and users.password_hash <> '' as is_required,
       users.password_hash <> '' as has_password
from users
    left join second_factors on second_factors.user_id = users.id
    left join second_factor_roles on second_factor_roles.role = users.role;
