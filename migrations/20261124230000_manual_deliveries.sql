-- Which deliveries a person has sent by hand, and who: their exchanges say Manual, and pages name the person.
--
-- Apart from the queue and its history, which are written for every delivery: these are few. A row is
-- forgotten with its delivery's day.
create table manual_deliveries (
    delivery_id uuid primary key,
    who         text not null
);
