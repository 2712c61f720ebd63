-- Events, their deliveries and the exchanges of these: the queue and its history.
--
-- The three tables that grow are partitioned by day, by range of their UUIDv7, whose first 48 bits are the
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

-- Looked at only to prune; rows come in the order of their time, so that a range index will do.
create index event_keys_seen_at on event_keys using brin (seen_at);

-- What is not finished. Small, and not partitioned: every look at it is one look, however long history is.
-- Its rows come and go, so it is vacuumed by the number of dead rows and not by their share.
--
-- lane: events of one access request reach one webhook in order. It is a hash of both, or null where order
-- does not matter. Only the head of a lane is due, leased or held; what comes behind it is waiting.
create table delivery_queue (
    id           uuid        primary key,
    event_id     uuid        not null,
    webhook_id   uuid        not null,
    lane         bigint,
    state        text        not null,
    attempts     integer     not null default 0,
    due_at       timestamptz not null,
    lease        uuid,
    leased_until timestamptz,
    created_at   timestamptz not null,
    last_status  integer,
    last_error   text,
    constraint delivery_queue_state check (state in ('due', 'leased', 'held', 'waiting')),
    constraint delivery_queue_lease_iff_leased
        check ((state = 'leased') = (lease is not null and leased_until is not null))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 100000);

create index delivery_queue_due on delivery_queue (webhook_id, due_at, id) where state = 'due';
create index delivery_queue_leases on delivery_queue (leased_until) where state = 'leased';
create index delivery_queue_lane on delivery_queue (lane) where lane is not null;
create index delivery_queue_waiting on delivery_queue (lane, id) where state = 'waiting';

-- What is finished. Rows come and do not change.
create table delivery_history (
    id          uuid        not null,
    event_id    uuid        not null,
    webhook_id  uuid        not null,
    state       text        not null,
    attempts    integer     not null,
    created_at  timestamptz not null,
    finished_at timestamptz not null,
    last_status integer,
    last_error  text,
    primary key (id),
    constraint delivery_history_state check (state in ('delivered', 'failed', 'cancelled'))
) partition by range (id);

create index delivery_history_webhook on delivery_history (webhook_id, id);

-- Both, for those who only look.
create view deliveries as
    select id, event_id, webhook_id, state, attempts, due_at, created_at, null::timestamptz as finished_at,
           last_status, last_error
    from delivery_queue
    union all
    select id, event_id, webhook_id, state, attempts, finished_at, created_at, finished_at, last_status, last_error
    from delivery_history;

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
    foreach parent in array array['events', 'delivery_history', 'invocations'] loop
        for day in select generate_series(first, last, interval '1 day')::date loop
            -- A usual event and a usual exchange have some 2 KB, just where PostgreSQL begins to compress:
            -- that would cost more than all else that is done to the row.
            execute format(
                'create table if not exists %I partition of %I for values from (%L) to (%L)
                     with (toast_tuple_target = 8160)',
                parent || to_char(day, '_YYYYMMDD'), parent,
                partition_bound(day), partition_bound(day + 1));
        end loop;
    end loop;
end $$;

-- Drops the oldest partition that is older than a day, and gives its name; null where there is none. Events
-- that are not delivered yet keep their day. Whoever inserts waits for no longer than the lock takes, and the
-- lock is not waited for: it fails, and is tried again.
create function drop_oldest_partition(before date) returns text
    language plpgsql set lock_timeout = '50ms' as $$
declare
    parent text;
    part   text;
    day    date;
begin
    foreach parent in array array['events', 'delivery_history', 'invocations'] loop
        for part in
            select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = parent::regclass and c.relname ~ ('^' || parent || '_[0-9]{8}$')
            order by c.relname
        loop
            day := to_date(right(part, 8), 'YYYYMMDD');
            exit when day >= before;
            if parent <> 'events' or not exists (
                select from delivery_queue
                where event_id >= partition_bound(day) and event_id < partition_bound(day + 1)
            ) then
                execute format('drop table %I', part);
                return part;
            end if;
        end loop;
    end loop;
    return null;
end $$;

-- A clock that is wrong must not lose an event: what fits no day goes here.
create table events_other partition of events default;
create table delivery_history_other partition of delivery_history default;
create table invocations_other partition of invocations default;

select ensure_partitions((now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + 7);
