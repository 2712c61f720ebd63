//! Inserts rows in bulk, as if they had been received one by one.

use crate::server::Server;

/// Inserts copies of the newest event, with held deliveries.
pub(crate) async fn waiting_deliveries(server: &Server, count: i64) {
    let id = numbered_id(&now(server).await);
    copy_events(server, &id, count).await;
    server
        .execute(&format!(
            "insert into delivery_queue (id, event_id, webhook_id, state, due_at, created_at)
             select {id}, {id}, (select id from webhooks order by name limit 1), 'held', now(), now()
             from generate_series(1, {count}) n;
             analyze delivery_queue"
        ))
        .await;
}

/// Inserts copies of the newest event, its delivery and its invocation, spread over the last three weeks.
pub(crate) async fn old_deliveries(server: &Server, count: i64) {
    server
        .execute("select ensure_partitions((now() - interval '22 days')::date, now()::date)")
        .await;
    let now = now(server).await;
    let id = numbered_id(&format!("({now} - (n % 21 + 1) * interval '1 day')"));
    copy_events(server, &id, count).await;
    server
        .execute(&format!(
            "insert into delivery_history
                 (id, event_id, webhook_id, state, attempts, created_at, finished_at, last_status)
             select {id}, {id}, (select id from webhooks limit 1), 'delivered', 1, now(), now(), 200
             from generate_series(1, {count}) n;
             insert into invocations (id, delivery_id, webhook_id, record)
             select {id}, {id}, (select id from webhooks limit 1), '{{}}' from generate_series(1, {count}) n;
             analyze delivery_history; analyze invocations"
        ))
        .await;
}

async fn copy_events(server: &Server, id: &str, count: i64) {
    server
        .execute(&format!(
            "create temporary table model as select * from events order by id desc limit 1;
             insert into events select {id}, received_at, trigger, event_type, request_id, request, requester,
                 integrations, regexp_replace(payload, '\"ticket\": \"[0-9]*', '\"ticket\": \"' || n || '0000000000')
             from model, generate_series(1, {count}) n;
             drop table model; analyze events"
        ))
        .await;
}

/// Returns the current time, to use it in several statements.
async fn now(server: &Server) -> String {
    let millis = server.number("select (extract(epoch from now()) * 1000)::bigint").await;
    format!("to_timestamp({millis} / 1000.0)")
}

/// Returns SQL for an id of a time and the number n.
fn numbered_id(at: &str) -> String {
    format!(
        "rpad(lpad(to_hex((extract(epoch from {at}) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n), 12, '0'), 32, '8')::uuid"
    )
}
