//! The `gatepost` program.

use std::process::ExitCode;

/// Returns memory to the system soon after a load, and costs less CPU than the system's allocator (docs/benchmarks.md).
/// Its settings are in `.cargo/config.toml`.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match gatepost::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the error message of a command")]
            {
                eprintln!("gatepost: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
