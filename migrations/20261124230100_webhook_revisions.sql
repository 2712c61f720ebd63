-- What each save made of a webhook, when, and who did it: to compare, and to go back to.
--
-- definition and sealed are as in webhooks. The sealed ones are emptied when the webhook is deleted.
-- made_at is the webhook's updated_at: where the two differ, a version without this table has saved the
-- webhook, and the next save adds what it found.
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
