-- A clock that was far ahead left rows in the default partitions, and a day whose rows are there could not be made any
-- more. Nor could an instance start on that day. Such rows are now moved into their day; and a day that cannot be made
-- at this moment, because a dump reads the tables perhaps, is told in a warning and left for the next time.

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
                -- A usual event and a usual exchange have some 2 KB, just where PostgreSQL begins to compress:
                -- that would cost more than all else that is done to the row.
                execute format(
                    'create table %I (like %I including all) with (toast_tuple_target = 8160)', part, parent);
                -- Whoever inserts waits for no longer than this takes.
                execute format('lock table only %I in share row exclusive mode', parent);
                execute format('lock table only %I in access exclusive mode', other);
                execute format(
                    'with moved as (delete from %I where id >= %L and id < %L returning *)
                     insert into %I select * from moved',
                    other, lower, upper, part);
                execute format(
                    'alter table %I attach partition %I for values from (%L) to (%L)', parent, part, lower, upper);
            exception when others then
                -- The default partition takes what comes, and the next one who calls tries again.
                raise warning 'the partition % could not be made: %', part, sqlerrm;
            end;
        end loop;
    end loop;
end $$;
