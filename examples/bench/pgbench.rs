//! The maximum rate of single commits of this machine's disk and PostgreSQL.

use std::process::Command;

use crate::server::Server;

/// Runs PostgreSQL's own benchmark for three seconds: 32 clients, one inserted row per transaction.
pub(crate) fn rate(server: &Server) -> f64 {
    let socket = server.data_dir.join("postgres/socket");
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(["-h", socket.to_str().unwrap(), "-U", "gatepost"])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    run("psql", &["-q", "-d", "gatepost", "-c", "create table if not exists pgbench_one (v int)"]);
    let script = server.data_dir.join("one.sql");
    std::fs::write(&script, "insert into pgbench_one values (1);\n").unwrap();
    let file = script.to_str().unwrap();
    let output = run("pgbench", &["-n", "-c", "32", "-j", "2", "-T", "3", "-f", file, "gatepost"]);
    let line = output.lines().find(|line| line.starts_with("tps")).expect("pgbench's rate");
    line.split_whitespace().nth(2).unwrap().parse().unwrap()
}
