-- Batches that retry or cancel deliveries, beside those that send finished deliveries again.
--
-- The deliveries of the new actions are pending: an older instance, which looks for queued ones, does not send them.
alter table redelivery_batches add column action text not null default 'redeliver'
    constraint redelivery_batches_action check (action in ('redeliver', 'retry', 'cancel'));

alter table redeliveries drop constraint redeliveries_state;
alter table redeliveries add constraint redeliveries_state
    check (state in ('queued', 'leased', 'pending', 'succeeded', 'failed', 'stopped'));
create index redeliveries_pending on redeliveries (id) where state = 'pending';
