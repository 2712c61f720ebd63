-- The values that a filter can have, as seen in events: what its dropdown offers. Looking for them in the events
-- themselves would find only those of the newest few.
create table filter_values (
    field   text        not null,
    value   text        not null,
    -- To within a day: a value that comes with every event is not written with every event.
    seen_at timestamptz not null,
    primary key (field, value)
);

create index filter_values_newest on filter_values (field, seen_at desc, value);
