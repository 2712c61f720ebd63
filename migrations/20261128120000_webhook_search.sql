-- The list of webhooks is searched and sorted without computing anything for every webhook.

alter table webhooks
    add search text generated always as (lower(name || E'\n' || url)) stored;

-- The start of a URL, because a row of an index cannot hold the longest ones.
create index webhooks_by_url on webhooks (left(lower(url), 500), id) where deleted_at is null;
create index webhooks_by_status on webhooks ((case when active then '0' else '1' end || lower(name)), id) where deleted_at is null;
create index webhook_hours_by_hour on webhook_hours (hour);
