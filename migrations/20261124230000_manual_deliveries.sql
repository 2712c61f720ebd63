-- Deliveries that were sent manually, and by whom. Their invocations have the trigger Manual, and pages name the sender.
--
-- They are few, so they are not columns of the queue and its history, which are written for every delivery. A row is
-- deleted with the partition of its delivery.
create table manual_deliveries (
    delivery_id uuid primary key,
    who         text not null
);
