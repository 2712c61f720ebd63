-- The check of the master key reads what is encrypted outside of secrets, of which there is little.

create index webhooks_sealed on webhooks (id) where sealed <> '';
create index webhook_revisions_sealed on webhook_revisions (webhook_id, number) where sealed <> '';
