//! The benchmarks of docs/benchmarks.md. `script/bench` builds and runs all of them, or those whose name contains one of
//! the given words. `script/bench soak` runs only the soak test.
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
mod measure;
mod pages;
mod pgbench;
mod redeliver;
mod report;
mod rows;
mod server;
mod soak;
mod target;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cases::Bench;
use target::Arrivals;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().expect("the path of gatepost");
    if program == "--floor" {
        // The same number of threads as the server.
        let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(floor::run(arguments));
        return ExitCode::SUCCESS;
    }
    // Sender and target share one thread. Two would spend CPU time on waking each other.
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let words: Vec<String> = arguments.collect();
    if let Some((first, settings)) = words.split_first()
        && first == "soak"
    {
        return runtime.block_on(soak::run(Path::new(&program), settings));
    }
    runtime.block_on(run(program, words));
    ExitCode::SUCCESS
}

async fn run(program: String, words: Vec<String>) {
    let arrivals = Arc::new(Arrivals::default());
    let target = target::start(Arc::clone(&arrivals), Duration::ZERO).await;
    let mut bench = Bench::new(PathBuf::from(program), target, arrivals);
    bench.run(|name| words.is_empty() || words.iter().any(|word| name.contains(word))).await;
    bench.report.print();
}
