-- Names were compared by the database's rules for case, which know only ASCII in some locales, and by other rules in files.
-- The program computes folded_name by Unicode's rules, also for existing rows. An older instance leaves it null.
alter table webhooks add column folded_name text;

create unique index webhooks_folded_name_key on webhooks (folded_name) where deleted_at is null;
