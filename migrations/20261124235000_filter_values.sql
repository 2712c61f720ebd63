-- Values of filters that occurred in events, which the form offers. Searching the events themselves would find only the
-- values of the newest events.
create table filter_values (
    field   text        not null,
    value   text        not null,
    -- Accurate to a day, so that a frequent value is not written with every event.
    seen_at timestamptz not null,
    primary key (field, value)
);

create index filter_values_newest on filter_values (field, seen_at desc, value);
