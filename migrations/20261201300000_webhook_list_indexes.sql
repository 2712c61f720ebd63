-- The list of webhooks with a trigger reads this index.
create index webhooks_triggers on webhooks using gin (triggers) where deleted_at is null;

-- A search for text read every webhook with its definition. The search in the order of names now reads only this index. The
-- entries of an index are limited to 2,704 bytes, so that only the beginning of a URL, which contains the host and the path, can be
-- found.
alter table webhooks
    drop column search,
    add column search_text text generated always as (lower(name || E'\n' || left(url, 300))) stored;
create index webhooks_by_name_with_text on webhooks (lower(name), id)
    include (name, search_text, active, triggers) where deleted_at is null;
drop index webhooks_by_name;
