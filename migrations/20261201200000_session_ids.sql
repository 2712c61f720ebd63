-- Confirming the password gives a session a new token, and so a new id. The tokens of forms that are open in other tabs need
-- an id that stays. The replaced id tells a request that was on its way at that moment from one of a session that has ended.
alter table sessions
    add column stable_id uuid not null default gen_random_uuid(),
    add column replaced_id bytea,
    add column replaced_at timestamptz;

create unique index sessions_stable_id on sessions (stable_id);
create index sessions_replaced_id on sessions (replaced_id) where replaced_id is not null;
