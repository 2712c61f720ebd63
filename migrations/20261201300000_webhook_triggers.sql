-- The list of webhooks with a trigger reads this index.
create index webhooks_triggers on webhooks using gin (triggers) where deleted_at is null;
