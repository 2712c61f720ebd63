//! The `gatepost` program.

use std::process::ExitCode;

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
