//! `gatepost audit`.

use futures_util::future::join_all;
use sqlx::AssertSqlSafe;

use super::{assert_says, beside};
use crate::support::TestApp;
use crate::support::builders::WebhookBuilder;
use crate::support::database::TestDatabase;
use crate::support::process::{gatepost, run, with_args, with_database};

const VERIFY: [&str; 2] = ["audit", "verify"];
/// Removes the protection, as a superuser can.
const UNLOCK: &str =
    "alter table audit_log disable trigger all; alter table audit_chain disable trigger all";
/// The hash of an entry, in SQL. Documented in docs/operating.md.
const HASH: &str = "sha256(convert_to((
    select string_agg(octet_length(field) || ':' || field || ',', '' order by n)
    from unnest(array[seq::text, ((extract(epoch from at) * 1000000)::bigint)::text, actor_kind, actor_name, address,
        request_id, action, object_kind, object_id, object_name, detail, encode(previous_hash, 'hex')])
        with ordinality as fields (field, n)
), 'UTF8'))";

async fn execute(database: &TestDatabase, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(database.pool()).await.unwrap();
}

/// A database with this number of entries, some days old.
async fn with_entries(count: i64, age_days: i64) -> TestDatabase {
    let database = TestDatabase::create().await;
    append(&database, count, age_days).await;
    database
}

async fn append(database: &TestDatabase, count: i64, age_days: i64) {
    let append = format!(
        "select audit_append(now() - interval '{age_days} days', 'person', 'ann' || n || '@example.com', '10.0.0.7', '',
             'webhook.added', 'webhook', '', '=1+1 \"é\", ' || n, '{{\"a\":1}}')
         from generate_series(1, {count}) n"
    );
    execute(database, &append).await;
}

#[tokio::test]
async fn an_intact_log_is_verified_and_exported() {
    let database = with_entries(1200, 1).await;
    let verified = beside(&database, &VERIFY).await.printed();
    let (head, _): (i64, Vec<u8>) = sqlx::query_as("select head_seq, head_hash from audit_chain")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(head, 1200);
    assert_says(&verified, &["The audit log is intact: 1200 entries.", "Newest entry: 1200 "]);

    // The export is recorded before it starts, so it contains itself.
    let lines = beside(&database, &["audit", "export"]).await.printed();
    assert_eq!(lines.lines().count(), 1201);
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&first["seq"], &first["actor_name"]), (&1.into(), &"ann1@example.com".into()));
    assert_eq!(
        (&first["object_name"], &first["detail"]["a"]),
        (&"=1+1 \"é\", 1".into(), &1.into())
    );
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["action"], &last["actor_kind"]),
        (&"audit.exported".into(), &"command_line".into())
    );

    // Spreadsheets evaluate a cell that begins with an equals sign.
    let csv = beside(&database, &["audit", "export", "--format", "csv"]).await.printed();
    let mut rows = csv.split("\r\n");
    assert!(rows.next().unwrap().starts_with("seq,time,actor_kind,actor_name,"));
    assert!(rows.next().unwrap().contains(",\"'=1+1 \"\"é\"\", 1\",\"{\"\"a\"\":1}\","), "{csv}");

    let today = "select to_char((now() - interval '1 hour') at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
    let since: String = sqlx::query_scalar(today).fetch_one(database.pool()).await.unwrap();
    let recent = beside(&database, &["audit", "export", "--since", &since]).await.printed();
    assert_eq!(recent.lines().count(), 3);
    for (args, says) in [
        (["audit", "export", "--since", "yesterday"], "2026-11-27T09:30:00Z"),
        (["audit", "export", "--format", "xml"], "use csv or jsonl"),
    ] {
        assert_says(&beside(&database, &args).await.failure(), &[says]);
    }
    database.drop().await;
}

#[tokio::test]
async fn every_kind_of_manipulation_is_found() {
    let edit = |column: &str, seq: i64| {
        format!(
            "update audit_log set {column} = 'x' || {column} where seq = {seq}; update audit_log set hash = {HASH} where seq = {seq}"
        )
    };
    for (manipulation, says) in [
        ("update audit_log set actor_name = 'other@example.com' where seq = 3".to_owned(), "entry 3 was changed"),
        ("update audit_log set detail = '{\"a\": 1}' where seq = 5".to_owned(), "entry 5 was changed"),
        ("update audit_log set at = at + interval '1 microsecond' where seq = 1".to_owned(), "entry 1 was changed"),
        // With the hash of the entry computed again.
        (edit("actor_name", 3), "entry 4 does not follow the entry before it"),
        (edit("address", 5), "entry 5 does not follow the entry before it"),
        ("delete from audit_log where seq = 2".to_owned(), "entry 2 is missing; the next entry is 3"),
        ("delete from audit_log where seq = 1".to_owned(), "entry 1 is missing; the next entry is 2"),
        ("delete from audit_log where seq >= 4".to_owned(), "entry 4 is missing, and so are all after it"),
        ("truncate audit_log".to_owned(), "entry 1 is missing, and so are all after it"),
        (
            format!(
                "update audit_log set seq = 9 where seq = 2; update audit_log set seq = 2 where seq = 3;
                 update audit_log set seq = 3 where seq = 9; update audit_log set hash = {HASH}"
            ),
            "entry 2 does not follow the entry before it",
        ),
        (
            format!(
                "insert into audit_log select 6, at, actor_kind, actor_name, address, request_id, action, object_kind,
                     object_id, object_name, detail, hash, hash from audit_log where seq = 5;
                 update audit_log set hash = {HASH} where seq = 6"
            ),
            "entry 6 does not follow the entry before it",
        ),
    ] {
        let database = with_entries(5, 1).await;
        execute(&database, UNLOCK).await;
        execute(&database, &manipulation).await;
        let ended = beside(&database, &VERIFY).await;
        assert_eq!(ended.code, Some(1), "{manipulation}");
        assert_says(&ended.failure(), &["the audit log is broken", says]);
        database.drop().await;
    }
}

#[tokio::test]
async fn the_database_rejects_changes_of_entries() {
    let database = with_entries(3, 500).await;
    for sql in [
        "update audit_log set actor_name = 'other@example.com'",
        "delete from audit_log where seq = 3",
        "delete from audit_log",
        "truncate audit_log",
        "update audit_chain set head_seq = 2, head_hash = (select hash from audit_log where seq = 2)",
        "update audit_chain set anchor_seq = 3, anchor_hash = ''",
        "delete from audit_chain",
        "truncate audit_chain",
    ] {
        let error = sqlx::query(sql).execute(database.pool()).await.unwrap_err();
        assert!(error.to_string().contains("the audit log cannot be changed"), "{sql}: {error}");
    }
    beside(&database, &VERIFY).await.printed();
    database.drop().await;
}

#[tokio::test]
async fn a_pruned_log_is_intact() {
    let database = with_entries(3, 401).await;
    append(&database, 2, 399).await;
    let app = TestApp::start_on(&database, &crate::support::clock::MovedClock::default()).await;
    let oldest = async || -> i64 {
        let sql = "select min(seq) from audit_log";
        sqlx::query_scalar(sql).fetch_one(database.pool()).await.unwrap()
    };
    app.wait_until("pruning", async || oldest().await == 4).await;
    let verified = beside(&database, &VERIFY).await.printed();
    assert_says(&verified, &["Retention has deleted all entries up to 3, the last time at "]);

    // A clock that is wrong does not delete the newest entries.
    app.clock.advance(std::time::Duration::from_hours(24 * 3650));
    let app = app.restart().await;
    app.wait_until("pruning", async || oldest().await == 6).await;
    beside(&database, &VERIFY).await.printed();

    // Retention explains only what was deleted up to the anchor.
    execute(&database, UNLOCK).await;
    execute(&database, "delete from audit_log where seq = 6").await;
    assert_says(&beside(&database, &VERIFY).await.failure(), &["entry 6 is missing"]);
    app.finish().await;
}

#[tokio::test]
async fn concurrent_changes_leave_an_intact_chain() {
    let app = TestApp::start().await;
    let saves = (0..20).map(async |number: usize| {
        let name = format!("Webhook {number}");
        app.webhooks(&WebhookBuilder::new(&name, "https://10.0.0.5/x").file()).await
    });
    join_all(saves).await;
    let actions: Vec<(String, i64)> =
        sqlx::query_as("select action, count(*) from audit_log group by 1 order by 1")
            .fetch_all(app.database.pool())
            .await
            .unwrap();
    let expected = [("user.created", 1), ("webhook.added", 20)];
    assert_eq!(actions, expected.map(|(action, count)| (action.to_owned(), count)));
    beside(&app.database, &VERIFY).await.printed();
    app.finish().await;
}

/// The documented separation of roles.
#[tokio::test]
async fn a_server_with_its_own_role_appends_entries_and_cannot_change_them() {
    let docs = std::fs::read_to_string("docs/security.md").unwrap();
    let (_, sql) = docs.split_once("```sql\ncreate role gatepost_audit").unwrap();
    let sql = format!("create role gatepost_audit{}", sql.split("```").next().unwrap());
    let database = TestDatabase::create().await;
    // Roles belong to the whole cluster, so each run needs its own.
    let role = format!(
        "gatepost_{}",
        uuid::Builder::from_random_bytes(rand::random()).into_uuid().simple()
    );
    let (audit_role, separate) =
        (format!("{role}_audit"), sql.replace("to gatepost;", &format!("to {role};")));
    let separate = separate.replace("gatepost_audit", &audit_role);
    let own = format!(
        "create role {role} login;
         drop schema public cascade; create schema public; grant usage, create on schema public to {role};
         grant usage on schema public to public"
    );
    execute(&database, &own).await;
    let mut url = url::Url::parse(database.url()).unwrap();
    url.set_username(&role).unwrap();
    let command = |args: &[&str]| with_args(with_database(gatepost(), url.as_str()), args);
    run(command(&["migrate"]), "").await.printed();
    execute(&database, &separate).await;
    run(command(&["token", "create", "Apono"]), "").await.printed();
    run(command(&["audit", "export"]), "").await.printed();
    assert_says(&run(command(&VERIFY), "").await.printed(), &["2 entries"]);
    // The check of strict mode finds nothing to change.
    let mut doctor = command(&["doctor"]);
    doctor.env("GATEPOST_STRICT", "true");
    let words =
        [&format!("ok       Database role: The audit log does not belong to the role {role}")];
    assert_says(&run(doctor, "").await.stdout, &words.map(String::as_str));
    for sql in [
        "update audit_log set actor_name = 'other@example.com'",
        "insert into audit_log select * from audit_log",
        "delete from audit_log",
        "truncate audit_log",
        "update audit_chain set head_seq = 1",
        "alter table audit_log disable trigger all",
        "drop table audit_log",
        "create or replace function audit_reject() returns trigger language sql as ''",
    ] {
        let mut connection = database.pool().acquire().await.unwrap();
        sqlx::query(AssertSqlSafe(format!("set role {role}")))
            .execute(&mut *connection)
            .await
            .unwrap();
        let error = sqlx::query(sql).execute(&mut *connection).await.unwrap_err().to_string();
        assert!(error.contains("must be owner") || error.contains("denied"), "{sql}: {error}");
        connection.close().await.unwrap();
    }
    database.drop().await;
}
