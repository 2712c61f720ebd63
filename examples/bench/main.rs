//! The benchmarks of docs/benchmarks.md. `script/bench` builds and runs them: all, or those whose name holds
//! a word that is given.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a tool that measures and prints; where it cannot go on it stops"
)]

mod bad;
mod cases;
mod cpu;
mod floor;
mod load;
mod pgbench;
mod report;
mod rows;
mod server;
mod target;

use std::path::PathBuf;
use std::sync::Arc;

use cases::Bench;
use target::Arrivals;

fn main() {
    // The generator and the target share two threads, as a client and a SIEM would share the rest of
    // the machine.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().expect("the path of gatepost");
    if program == "--floor" {
        return floor::run(arguments).await;
    }
    let words: Vec<String> = arguments.collect();
    let arrivals = Arc::new(Arrivals::default());
    let target = target::start(Arc::clone(&arrivals)).await;
    let mut bench = Bench::new(PathBuf::from(program), target, arrivals);
    bench.run(|name| words.is_empty() || words.iter().any(|word| name.contains(word))).await;
    bench.report.print();
}
