-- The page of an event shows the other events of its access request, and every delivery of the event.
--
-- Intake writes this index for every event, so it is the only one besides the primary key.
create index events_request on events (request_id, id);
-- The automatic deliveries of an event have ids that were created together with its own. Manual ones may be created at
-- any time. They are few, so an index on their event is cheap. An older instance leaves it null: such a delivery is
-- missing on the page of its event, but not elsewhere.
alter table manual_deliveries add column event_id uuid;
update manual_deliveries m set event_id = d.event_id from deliveries d where d.id = m.delivery_id;
create index manual_deliveries_event on manual_deliveries (event_id);
