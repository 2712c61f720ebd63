-- The state of a webhook after each save, with time and actor, to compare and restore.
--
-- definition and sealed are as in webhooks; sealed is emptied when the webhook is deleted. made_at equals the webhook's
-- updated_at. If the newest made_at differs from it, a version without this table has saved the webhook, and the next
-- save adds that state as a revision.
create table webhook_revisions (
    webhook_id uuid        not null references webhooks (id) on delete cascade,
    number     integer     not null,
    made_at    timestamptz not null,
    who_kind   text        not null,
    who_name   text        not null,
    act        text        not null,
    note       text        not null,
    changed    text        not null,
    definition text        not null,
    sealed     bytea       not null,
    primary key (webhook_id, number)
);
