-- The running instances, for the page Status and `gatepost doctor`: mixed versions, and whether a server runs at all.
--
-- Each instance refreshes its own row, and deletes it at a stop. Times are those of the database's clock, so that they can
-- be compared whatever the clocks of the instances are.
create table instances (
    id         uuid        primary key,
    host_name  text        not null,
    version    text        not null,
    address    text        not null,
    started_at timestamptz not null,
    seen_at    timestamptz not null
);
