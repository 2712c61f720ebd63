//! Rows of many webhooks, events and deliveries.

use crate::server::Server;

const WEBHOOKS: i64 = 10_000;
const EVENTS: i64 = 2_000_000;
const DELIVERIES: i64 = 5_000_000;
/// Number of days over which events and deliveries are spread.
const DAYS: i64 = 7;

/// Copies the webhook and the newest event, and adds deliveries with every result and attempts of every hour.
pub(super) async fn fill(server: &Server) {
    let statements = [
        format!("select ensure_partitions((now() - interval '{DAYS} days')::date, now()::date)"),
        format!(
            "insert into webhooks (id, name, active, definition, method, url, triggers, unverified, created_at, updated_at)
             select gen_random_uuid(), 'Webhook ' || n, n % 10 <> 0,
                    jsonb_set(definition::jsonb, '{{name}}', to_jsonb('Webhook ' || n))::text, method,
                    'https://logpoint.example.com/region ' || n, array['Created', 'Granted'], false,
                    now() - interval '30 days', now() - interval '30 days'
             from webhooks, generate_series(1, {WEBHOOKS} - 1) n"
        ),
        "create table numbered as select id, row_number() over (order by name) - 1 as n from webhooks;
         alter table numbered add primary key (n);
         insert into webhook_breakers (webhook_id, failures, failing_since, last_error)
         select id, 3, now() - interval '1 hour', 'HTTP 503' from numbered where n % 50 = 0;
         insert into webhook_hours (webhook_id, hour, delivered, failed, retried, last_delivered_at)
         select id, h, 1 + n % 7, n % 3, 0, h
         from numbered,
              generate_series(date_trunc('hour', now()) - interval '23 hours', now(), interval '1 hour') h
         on conflict do nothing"
            .to_owned(),
        // Ids are UUIDv7: the time in milliseconds, and a number that makes them unique.
        format!(
            "create function at(n bigint, count bigint) returns text language sql immutable as $$
                 select lpad(to_hex((extract(epoch from date_trunc('minute', now())) * 1000)::bigint
                        - {DAYS}::bigint * 86400000 + n * ({DAYS}::bigint * 86400000 / count)), 12, '0') $$;
             create function numbered_id(n bigint, count bigint) returns uuid language sql immutable as $$
                 select rpad(at(n, count) || '7' || lpad(to_hex(n), 12, '0'), 32, '8')::uuid $$"
        ),
        format!(
            "create temporary table model as select * from events order by id desc limit 1;
             insert into events (id, received_at, trigger, event_type, request_id, request, requester, integrations, payload)
             select numbered_id(n, {EVENTS}), now() - interval '{DAYS} days' + n * (interval '{DAYS} days' / {EVENTS}),
                    t.name, 'AccessRequest' || t.name, 'request-' || n / 4, 'AR-' || n / 4,
                    'user-' || n % 5000 || '@example.com', 'prod db ' || n % 40, payload
             from model, generate_series(1, {EVENTS}) n
             cross join lateral (
                 select case when n % 1000 = 0 then 'Failed'
                             else (array['Created', 'Approved', 'Granted', 'Expired'])[n % 4 + 1] end as name
             ) t"
        ),
        format!(
            "insert into delivery_history
                 (id, event_id, webhook_id, state, attempts, created_at, finished_at, last_status, last_error)
             select numbered_id(number, {DELIVERIES}), numbered_id(number * {EVENTS} / {DELIVERIES}, {EVENTS}), w.id, s.name, 1,
                    t.time, t.time, case s.name when 'delivered' then 200 when 'failed' then 503 end,
                    case s.name when 'failed' then 'HTTP 503' end
             from generate_series(1::bigint, {DELIVERIES}) as numbers (number)
             join numbered w on w.n = (number * number) % {WEBHOOKS}
             cross join lateral (
                 select case when number % 500 = 0 then 'failed' when number % 20011 = 0 then 'cancelled' else 'delivered' end as name
             ) s
             cross join lateral (select now() - interval '{DAYS} days' + number * (interval '{DAYS} days' / {DELIVERIES}) as time) t"
        ),
        format!(
            "insert into invocations (id, delivery_id, webhook_id, record)
             select h.id, h.id, h.webhook_id, i.record
             from delivery_history h,
                  (select record from invocations where length(record) > 200 order by id desc limit 1) i
             where h.id > numbered_id({DELIVERIES} * {} / {DAYS}, {DELIVERIES})",
            DAYS - 1
        ),
        "insert into delivery_queue (id, event_id, webhook_id, state, attempts, due_at, created_at, last_status, last_error)
         select gen_random_uuid(), h.event_id, h.webhook_id, 'due', 1, now() + interval '1 hour', now(), 500, 'HTTP 500'
         from (select * from delivery_history order by id desc limit 1000) h"
            .to_owned(),
    ];
    // PostgreSQL counts the rows at once. Otherwise it would count them after the vacuum, and vacuum again while pages are measured.
    let count = "select pg_stat_force_next_flush()";
    for statement in statements {
        server.execute(&format!("{statement}; {count}")).await;
    }
    server.execute("vacuum analyze").await;
    // Otherwise the server would write all of this to the disk while pages are measured.
    server.execute("checkpoint").await;
}
