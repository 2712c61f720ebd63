-- Deliveries that users send again, one by one or all that match a filter.

-- A batch of redeliveries. filters: the query string of the list of deliveries that it was made from.
create table redelivery_batches (
    id           uuid        primary key,
    filters      text        not null,
    total        bigint      not null,
    requested_at timestamptz not null,
    who          text        not null,
    stopped_at   timestamptz
);

-- One more attempt of a finished delivery. A leased one is being sent; if its instance ends, it is sent again once the
-- lease has expired.
create table redeliveries (
    id            bigint      generated always as identity primary key,
    delivery_id   uuid        not null,
    batch_id      uuid        references redelivery_batches (id) on delete cascade,
    state         text        not null,
    lease         uuid,
    leased_until  timestamptz,
    requested_at  timestamptz not null,
    who           text        not null,
    finished_at   timestamptz,
    error         text,
    constraint redeliveries_state check (state in ('queued', 'leased', 'succeeded', 'failed', 'stopped'))
);

-- A delivery is sent again only once at a time, also after a double click.
create unique index redeliveries_open on redeliveries (delivery_id) where state in ('queued', 'leased');
create index redeliveries_next on redeliveries (id) where state in ('queued', 'leased');
create index redeliveries_delivery on redeliveries (delivery_id, id);
create index redeliveries_batch on redeliveries (batch_id, state) where batch_id is not null;
create index redeliveries_requested on redeliveries using brin (requested_at);
