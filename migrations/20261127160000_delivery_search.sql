-- The list of deliveries finds failed and cancelled ones without reading a long history.
--
-- Delivered deliveries, which are nearly all, are not in these indexes and cost nothing.
create index delivery_history_unsuccessful on delivery_history (id) where state <> 'delivered';
create index delivery_history_webhook_unsuccessful on delivery_history (webhook_id, id) where state <> 'delivered';
