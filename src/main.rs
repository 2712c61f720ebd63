//! The `gatepost` program.

use std::process::ExitCode;

/// Gives memory back soon after a load, and costs less than the system's: docs/benchmarks.md. Its settings are in
/// `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match gatepost::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the last word of a command")]
            {
                eprintln!("gatepost: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
