//! `gatepost secrets`, without the rotation of the master key.

use super::{assert_says, beside, beside_with_input};
use crate::support::database::TestDatabase;
use crate::support::process::{Server, gatepost, with_admin, with_database};
use crate::support::user::TestUser;

const VALUE: &str = "v4lue-that-is-never-printed";

async fn set(database: &TestDatabase, args: &[&str], value: &str) -> String {
    let args = [&["secrets", "set"], args].concat();
    beside_with_input(database, &args, value).await.printed()
}

/// Returns name, hosts, scopes, hosts of tokens and description of all secrets.
async fn stored(
    database: &TestDatabase,
) -> Vec<(String, Vec<String>, Option<String>, Vec<String>, String)> {
    let sql =
        "select name, hosts, token_scopes, token_hosts, description from secrets order by name";
    sqlx::query_as(sql).fetch_all(database.pool()).await.unwrap()
}

async fn sealed(database: &TestDatabase) -> Vec<u8> {
    sqlx::query_scalar("select sealed from secrets").fetch_one(database.pool()).await.unwrap()
}

#[tokio::test]
async fn a_secret_is_set_listed_replaced_and_deleted() {
    let database = TestDatabase::create().await;
    let first = set(&database, &["logpoint_key"], VALUE).await;
    assert_says(&first, &["Created the secret logpoint_key.", "no allowed hosts", "--host"]);

    let args = ["logpoint_key", "--host", "10.0.0.5", "--host", "https://*.example.com:8443"];
    let args = [&args[..], &["--description", "Issued by Logpoint"]].concat();
    let second = set(&database, &args, &format!("{VALUE}\n")).await;
    assert_eq!(second, "Replaced the value of the secret logpoint_key.\n");
    let hosts = vec!["https://10.0.0.5".to_owned(), "https://*.example.com:8443".to_owned()];
    let text = "Issued by Logpoint".to_owned();
    let expected = ("logpoint_key".to_owned(), hosts, None, Vec::new(), text);
    assert_eq!(stored(&database).await, std::slice::from_ref(&expected));

    // Without arguments, only the value changes.
    let before = sealed(&database).await;
    set(&database, &["logpoint_key"], "another\n").await;
    assert_eq!(stored(&database).await, [expected]);
    assert_ne!(sealed(&database).await, before);

    let args = ["client", "--host", "login.example.com", "--scope", "read", "--scope", "write"];
    let args = [&args[..], &["--token-host", "https://api.example.com"]].concat();
    set(&database, &args, "two\nlines\n").await;
    let client = stored(&database).await.remove(0);
    assert_eq!(client.2.as_deref(), Some("read write"));
    assert_eq!(client.3, ["https://api.example.com"]);

    let list = beside(&database, &["secrets", "list"]).await.printed();
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 3, "{list}");
    assert_says(lines[0], &["NAME", "WEBHOOKS", "HOSTS", "USES", "UPDATED"]);
    assert_says(lines[1], &["client", "shared", "https://login.example.com"]);
    assert_says(lines[2], &["logpoint_key", "https://10.0.0.5, https://*.example.com:8443"]);
    assert_says(lines[2], &["UTC by the command line"]);
    let at = |line: &str, word: &str| line.find(word).unwrap();
    assert_eq!(at(lines[0], "WEBHOOKS"), at(lines[1], "shared"));
    assert_eq!(at(lines[0], "HOSTS"), at(lines[2], "https://"));

    let deleted = beside(&database, &["secrets", "delete", "client"]).await.printed();
    assert_eq!(deleted, "Deleted the secret client.\n");
    assert_eq!(stored(&database).await.len(), 1);
    let again = beside(&database, &["secrets", "delete", "client"]).await.failure();
    assert_says(&again, &["no shared secret \"client\"", "secrets list"]);
    database.drop().await;
}

#[tokio::test]
async fn rejects_invalid_secrets_without_printing_the_value() {
    let database = TestDatabase::create().await;
    let long = "x".repeat(65_537);
    for (args, value, words) in [
        (&["Key"][..], VALUE, &["\"Key\" is not a name"][..]),
        (&["key"], "", &["Enter the value"]),
        (&["key"], "\n", &["Enter the value"]),
        (&["key"], "v4lue-that-is-never-printed\0", &["NUL"]),
        (&["key"], &long, &["65537 bytes", "64 KiB"]),
        (&["key", "--host", "http://10.0.0.5"], VALUE, &["not encrypted", "GATEPOST_ALLOW_HTTP"]),
        (&["key", "--host", "https://a/b"], VALUE, &["more than a host"]),
        (&["key", "--scope", "read"], VALUE, &["access tokens"]),
    ] {
        let args = [&["secrets", "set"], args].concat();
        let message = beside_with_input(&database, &args, value).await.failure();
        assert_says(&message, &["the secret was not saved"]);
        assert_says(&message, words);
        assert!(!message.contains(VALUE) && !message.contains(&long), "{message}");
    }
    assert!(stored(&database).await.is_empty());
    database.drop().await;
}

#[tokio::test]
async fn a_secret_in_use_is_not_deleted_and_a_private_one_is_listed() {
    let database = TestDatabase::create().await;
    let yaml = "webhooks: [{name: Reopen, type: {http_request: {url: 'https://127.0.0.1:9/x'}}, triggers: [Granted]}]";
    beside_with_input(&database, &["webhooks", "import", "-"], yaml).await.printed();
    set(&database, &["logpoint_key", "--host", "10.0.0.5"], VALUE).await;
    for sql in [
        "update webhooks set secret_names = array['logpoint_key']",
        "insert into secrets select gen_random_uuid(), w.id, 'own_key', s.sealed, '{}', null, '{}', '', now(), now(), \
         'person', 'ann@example.com' from secrets s, webhooks w",
    ] {
        sqlx::query(sql).execute(database.pool()).await.unwrap();
    }
    let refused = beside(&database, &["secrets", "delete", "logpoint_key"]).await.failure();
    assert_says(&refused, &["logpoint_key was not deleted", "webhook \"Reopen\"", "remove it"]);
    // Only shared secrets are deleted by their name.
    let private = beside(&database, &["secrets", "delete", "own_key"]).await.failure();
    assert_says(&private, &["no shared secret \"own_key\""]);
    let list = beside(&database, &["secrets", "list"]).await.printed();
    assert_says(&list, &["private to Reopen", "by ann@example.com"]);
    database.drop().await;
}

#[tokio::test]
async fn a_running_server_uses_the_change_when_the_command_ends() {
    let database = TestDatabase::create().await;
    let server = Server::start(with_admin(with_database(gatepost(), database.url()))).await;
    let printed = set(&database, &["logpoint_key", "--host", "10.0.0.5"], VALUE).await;
    assert_eq!(printed, "Created the secret logpoint_key.\n");
    let mut ann = TestUser::new(server.base.clone());
    ann.sign_in(crate::support::app::EMAIL, crate::support::app::PASSWORD).await;
    assert_eq!(ann.get("/secrets").await.text("td.name"), "logpoint_key");
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}
