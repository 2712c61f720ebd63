-- Sample access requests: events with values that a user entered, sent one after the other.
--
-- The request_id is in the events, which are stored with the trigger Manual like all samples.
create table sample_requests (
    id           uuid        primary key,
    request_id   text        not null unique,
    -- The only webhook that the events go to; null for all that match.
    webhook_id   uuid        references webhooks (id) on delete cascade,
    requested_at timestamptz not null,
    who          text        not null
);

-- The events. event_id is null until the event is sent; it is set in the transaction that sends it, or after it.
create table sample_steps (
    sample_id uuid        not null references sample_requests (id) on delete cascade,
    step      integer     not null,
    trigger   text        not null,
    due_at    timestamptz not null,
    payload   text        not null,
    event_id  uuid,
    primary key (sample_id, step)
);

create index sample_steps_due on sample_steps (due_at) where event_id is null;
