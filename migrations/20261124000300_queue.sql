-- Events, their deliveries and the exchanges of these: the queue and its history.
--
-- The three big tables are partitioned by day, by range of their UUIDv7, whose first 48 bits are the
-- milliseconds since 1970. So an id alone finds its partition, stays unique without a second key
-- column, and a day is dropped as a table.

-- An event as received: payload is the JSON text, to the letter.
create table events (
    id           uuid        not null,
    received_at  timestamptz not null,
    trigger      text        not null,
    event_type   text        not null,
    request_id   text        not null,
    request      text        not null,
    requester    text        not null,
    integrations text        not null,
    payload      text        not null,
    primary key (id)
) partition by range (id);

-- Which events were seen within a week. A unique index on events would have to hold the partition
-- key; this plain table need not, and is pruned.
create table event_keys (
    key      bytea       primary key,
    event_id uuid        not null,
    seen_at  timestamptz not null
);

create index event_keys_seen_at on event_keys (seen_at);

create table deliveries (
    id           uuid        not null,
    event_id     uuid        not null,
    webhook_id   uuid        not null,
    state        text        not null,
    attempts     integer     not null default 0,
    due_at       timestamptz not null,
    lease        uuid,
    leased_until timestamptz,
    created_at   timestamptz not null,
    finished_at  timestamptz,
    last_status  integer,
    last_error   text,
    primary key (id),
    constraint deliveries_state
        check (state in ('due', 'leased', 'held', 'delivered', 'failed', 'cancelled')),
    constraint deliveries_lease_iff_leased
        check ((state = 'leased') = (lease is not null and leased_until is not null)),
    constraint deliveries_finished
        check ((state in ('delivered', 'failed', 'cancelled')) = (finished_at is not null))
) partition by range (id);

create index deliveries_due on deliveries (due_at, id) where state = 'due';
create index deliveries_leases on deliveries (leased_until) where state = 'leased';
create index deliveries_webhook on deliveries (webhook_id, id);
create index deliveries_event on deliveries (event_id);

-- record: the whole exchange as JSON, secrets taken out. Text, for an answer may hold a NUL, which
-- jsonb refuses.
create table invocations (
    id          uuid    not null,
    delivery_id uuid,
    webhook_id  uuid,
    record      text    not null,
    primary key (id)
) partition by range (id);

create index invocations_delivery on invocations (delivery_id, id) where delivery_id is not null;

-- The smallest UUIDv7 of a day (UTC).
create function partition_bound(day date) returns uuid
    language sql immutable strict parallel safe
    return rpad(lpad(to_hex((extract(epoch from day::timestamp) * 1000)::bigint), 12, '0'), 32, '0')::uuid;

-- Makes the partitions of some days, where they are missing. Several instances may call it at once.
create function ensure_partitions(first date, last date) returns void
    language plpgsql set client_min_messages = warning as $$
declare
    parent text;
    day    date;
begin
    perform pg_advisory_xact_lock(hashtext('gatepost.partitions'));
    foreach parent in array array['events', 'deliveries', 'invocations'] loop
        for day in select generate_series(first, last, interval '1 day')::date loop
            execute format(
                'create table if not exists %I partition of %I for values from (%L) to (%L)',
                parent || to_char(day, '_YYYYMMDD'), parent,
                partition_bound(day), partition_bound(day + 1));
        end loop;
    end loop;
end $$;

-- A clock that is wrong must not lose an event: what fits no day goes here.
create table events_other partition of events default;
create table deliveries_other partition of deliveries default;
create table invocations_other partition of invocations default;

select ensure_partitions((now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + 7);
