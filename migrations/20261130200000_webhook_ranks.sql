-- The list of webhooks in the order of their last delivery or their success rate read the roll-ups of all webhooks at each
-- view. The positions are now refreshed in the background. Keys are texts, like those of the other orders; a later delivery
-- has a lower `last_key`, and a webhook without attempts the lowest `rate_key`.
create table webhook_ranks (
    webhook_id uuid primary key references webhooks (id) on delete cascade,
    last_key text not null default '9999999999999',
    rate_key text not null default '00000'
);
create index webhook_ranks_by_last on webhook_ranks (last_key, webhook_id);
create index webhook_ranks_by_rate on webhook_ranks (rate_key, webhook_id);

-- Older instances insert webhooks, too.
create function add_webhook_rank() returns trigger language plpgsql as $$
begin
    insert into webhook_ranks (webhook_id) values (new.id);
    return null;
end $$;
create trigger webhooks_add_rank after insert on webhooks for each row execute function add_webhook_rank();

insert into webhook_ranks (webhook_id, last_key)
select w.id, lpad((9999999999999 - coalesce(extract(epoch from h.last) * 1000, 0))::bigint::text, 13, '0')
from webhooks w left join (
    select webhook_id, max(last_delivered_at) as last from webhook_hours group by webhook_id
) h on h.webhook_id = w.id;

-- For the numbers above the list, without reading the webhooks themselves.
create index webhooks_by_activity on webhooks (active) where deleted_at is null;
create index webhooks_unpaused on webhooks (id) where deleted_at is null and paused_because is null;
