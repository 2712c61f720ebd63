-- Two instances that take in events of one access request at the same moment both found its lane empty, and both
-- deliveries went out at once. That a lane has one head is from now on held by a unique index.

-- Where it happened already, what is in flight stays the head, else the first.
update delivery_queue q set state = 'waiting', lease = null, leased_until = null
from (
    select id, row_number() over (partition by lane order by state = 'leased' desc, id) as place
    from delivery_queue where lane is not null and state <> 'waiting'
) heads
where q.id = heads.id and heads.place > 1;

create unique index delivery_queue_head on delivery_queue (lane) where lane is not null and state <> 'waiting';

-- With the index of what waits it covers the lane.
drop index delivery_queue_lane;
