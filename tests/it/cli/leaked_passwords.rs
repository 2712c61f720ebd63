//! Leaked passwords, in the embedded list and in the operator's file.

use std::path::Path;

use super::assert_says;
use crate::support::database::TestDatabase;
use crate::support::process::{directory, gatepost, run, with_args, with_data_dir, with_database};

const FILE: &str = "GATEPOST_LEAKED_PASSWORDS_FILE";
/// The hash of [`LEAKED_IN_FILE`].
const LINE: &str = "5D1FC2EED053266AED294D10739DCFF6367B27C9:3\r\n";
const LEAKED_IN_FILE: &str = "purple kayak on a quiet lake";
const MESSAGE: &str = "This password is in lists of leaked passwords. Choose another one.";

#[tokio::test]
async fn a_file_that_cannot_be_searched_is_reported_at_the_start() {
    let directory = directory();
    let path = |name: &str| directory.path().join(name);
    let hashes = |numbers: [u32; 3]| numbers.map(|number| format!("{number:040X}:1\n")).concat();
    std::fs::write(path("unsorted"), hashes([1, 3, 2])).unwrap();
    std::fs::write(path("empty"), "").unwrap();
    std::fs::write(path("passwords"), "correct horse battery\n").unwrap();
    for (name, words) in [
        ("missing", "cannot be read"),
        ("", "cannot be read"),
        ("unsorted", "is not sorted by hash at byte 86; use the download that is ordered by hash"),
        ("empty", "is empty"),
        ("passwords", "has another format at byte 0; each line must be HEX_SHA1:COUNT"),
    ] {
        let (file, data) = (path(name), path("data"));
        let mut command = with_data_dir(gatepost(), &data);
        command.env(FILE, &file);
        let message = run(command, "").await.failure();
        assert_says(&message, &[FILE, &file.display().to_string(), words]);
        assert!(!message.contains("horse"), "{message}");
        assert!(!data.exists(), "{name} was refused too late: {message}");
    }
}

#[tokio::test]
async fn commands_reject_leaked_passwords() {
    let database = TestDatabase::create().await;
    let directory = directory();
    let file = directory.path().join("pwned.txt");
    std::fs::write(&file, LINE).unwrap();
    let create = async |file: &Path, password: &str| {
        let args = ["user", "create", "ben@example.com", "--role", "viewer", "--password-stdin"];
        let mut command = with_args(with_database(gatepost(), database.url()), &args);
        command.env(FILE, file);
        run(command, password).await
    };
    assert_says(&create(&file, LEAKED_IN_FILE).await.failure(), &[MESSAGE]);
    let missing = create(&directory.path().join("missing"), "another long password here").await;
    assert_says(&missing.failure(), &[FILE, "missing cannot be read"]);
    create(&file, "another long password here").await.printed();

    let args = ["doctor"];
    let mut command = with_args(with_database(gatepost(), database.url()), &args);
    command.env(FILE, directory.path());
    let report = run(command, "").await;
    assert_says(&report.stdout, &["A setting cannot be used", FILE, "it is not a file"]);
    database.drop().await;
}

#[tokio::test]
async fn the_first_administrator_needs_a_password_that_has_not_leaked() {
    let database = TestDatabase::create().await;
    let mut command = with_database(gatepost(), database.url());
    command.env("GATEPOST_ADMIN_EMAIL", "ann@example.com");
    command.env("GATEPOST_ADMIN_PASSWORD", "0a3y4g9j8s3l0j0jh93k");
    let message = run(command, "").await.failure();
    assert_says(&message, &["GATEPOST_ADMIN_PASSWORD", MESSAGE]);
    database.drop().await;
}
