-- A clock that was far ahead left rows in the default partitions. The partition of their day could then not be created,
-- and no instance could start on that day. Such rows now move into the partition of their day. If a partition cannot be
-- created at the moment, for example because a dump reads the tables, this is reported as a warning and tried again later.

create or replace function ensure_partitions(first date, last date) returns void
    language plpgsql set client_min_messages = warning set lock_timeout = '200ms' as $$
declare
    parent text;
    other  text;
    part   text;
    day    date;
    lower  uuid;
    upper  uuid;
begin
    perform pg_advisory_xact_lock(hashtext('gatepost.partitions'));
    foreach parent in array array['events', 'delivery_history', 'invocations'] loop
        other := parent || '_other';
        for day in select generate_series(first, last, interval '1 day')::date loop
            part := parent || to_char(day, '_YYYYMMDD');
            continue when to_regclass(part) is not null;
            lower := partition_bound(day);
            upper := partition_bound(day + 1);
            begin
                -- A typical event or invocation has about 2 KB, where PostgreSQL starts to compress. Compression
                -- would cost more than all other work on the row.
                execute format(
                    'create table %I (like %I including all) with (toast_tuple_target = 8160)', part, parent);
                -- Inserts wait only for as long as this transaction holds the locks.
                execute format('lock table only %I in share row exclusive mode', parent);
                execute format('lock table only %I in access exclusive mode', other);
                execute format(
                    'with moved as (delete from %I where id >= %L and id < %L returning *)
                     insert into %I select * from moved',
                    other, lower, upper, part);
                execute format(
                    'alter table %I attach partition %I for values from (%L) to (%L)', parent, part, lower, upper);
            exception when others then
                -- Rows go into the default partition, and the next call tries again.
                raise warning 'the partition % could not be made: %', part, sqlerrm;
            end;
        end loop;
    end loop;
end $$;
