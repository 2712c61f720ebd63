-- If two instances accepted events of one access request at the same time, both found its lane empty, and both
-- deliveries were sent at once. A unique index now guarantees that a lane has one head.

-- In lanes with several heads, the delivery in flight stays the head, or else the first one.
update delivery_queue q set state = 'waiting', lease = null, leased_until = null
from (
    select id, row_number() over (partition by lane order by state = 'leased' desc, id) as place
    from delivery_queue where lane is not null and state <> 'waiting'
) heads
where q.id = heads.id and heads.place > 1;

create unique index delivery_queue_head on delivery_queue (lane) where lane is not null and state <> 'waiting';

-- delivery_queue_head and delivery_queue_waiting together cover the lane.
drop index delivery_queue_lane;
