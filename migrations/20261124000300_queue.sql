-- Events, their deliveries and invocations: the queue and its history.
--
-- The three tables that grow are partitioned by day, by ranges of their UUIDv7, whose first 48 bits are the
-- milliseconds since 1970. An id alone therefore determines its partition and is unique without a second key
-- column, and a day is dropped as a table.

-- Events as received: payload is the unchanged JSON text.
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

-- The deduplication keys of the last week. A unique index on events would have to contain the partition key; this table
-- does not, and is pruned.
create table event_keys (
    key      bytea       primary key,
    event_id uuid        not null,
    seen_at  timestamptz not null
);

-- Used only to prune. Rows are inserted in the order of their time, so a BRIN index is enough.
create index event_keys_seen_at on event_keys using brin (seen_at);

-- Unfinished deliveries. The table is small and not partitioned, so a query costs the same however long the history is.
-- Rows are inserted and deleted often, so it is vacuumed by the number of dead rows and not by their share.
--
-- lane: the ordering lane, a hash of access request and webhook, or null if order does not matter. Only the head of a
-- lane is due, leased or held; later deliveries are waiting.
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

-- Finished deliveries. Rows are inserted and never updated.
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

-- Both tables, for pages.
create view deliveries as
    select id, event_id, webhook_id, state, attempts, due_at, created_at, null::timestamptz as finished_at,
           last_status, last_error
    from delivery_queue
    union all
    select id, event_id, webhook_id, state, attempts, finished_at, created_at, finished_at, last_status, last_error
    from delivery_history;

-- record: the invocation as JSON with redacted secrets. It is text because a response can contain a NUL, which jsonb
-- rejects.
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

-- Creates the missing partitions of a range of days. Several instances may call it at the same time.
create function ensure_partitions(first date, last date) returns void
    language plpgsql set client_min_messages = warning as $$
declare
    parent text;
    day    date;
begin
    perform pg_advisory_xact_lock(hashtext('gatepost.partitions'));
    foreach parent in array array['events', 'delivery_history', 'invocations'] loop
        for day in select generate_series(first, last, interval '1 day')::date loop
            -- A typical event or invocation has about 2 KB, where PostgreSQL starts to compress. Compression would cost
            -- more than all other work on the row.
            execute format(
                'create table if not exists %I partition of %I for values from (%L) to (%L)
                     with (toast_tuple_target = 8160)',
                parent || to_char(day, '_YYYYMMDD'), parent,
                partition_bound(day), partition_bound(day + 1));
        end loop;
    end loop;
end $$;

-- Drops the oldest partition before a day, and returns its name, or null if there is none. A day of events with
-- unfinished deliveries is kept. The lock has a short timeout, so that inserts do not wait behind it; if it fails, the
-- caller tries again.
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

-- Default partitions, so that no event is lost while a clock is wrong: they take the rows outside all other partitions.
create table events_other partition of events default;
create table delivery_history_other partition of delivery_history default;
create table invocations_other partition of invocations default;

select ensure_partitions((now() at time zone 'utc')::date - 1, (now() at time zone 'utc')::date + 7);
