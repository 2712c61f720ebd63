-- A page of the list of webhooks read 24 rows of webhook_hours for each webhook, each of them in another place of the table. The
-- hours that have ended are now stored in one row for each webhook when its position is refreshed.
--
-- hours_until: from this hour on, webhook_hours is read. Null before the first refresh: all hours are read.
-- hours, delivered, failed: the attempts of the last 24 hours before that, without hours that have none.
-- last_delivered_at: the newest successful delivery, like last_key.
alter table webhook_ranks
    add column hours_until timestamptz,
    add column hours timestamptz[] not null default '{}',
    add column delivered bigint[] not null default '{}',
    add column failed bigint[] not null default '{}',
    add column last_delivered_at timestamptz;

-- The first refresh reads no more than the others.
update webhook_ranks r
set hours_until = date_trunc('hour', now(), 'UTC') - interval '24 hours',
    last_delivered_at = (select max(h.last_delivered_at) from webhook_hours h where h.webhook_id = r.webhook_id);
