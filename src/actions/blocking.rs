//! Runs work that can use much CPU time, such as rendering templates, outside the threads of the server.

use std::future;
use std::sync::Arc;

use super::Actions;

/// Maximum number of such works at a time. The rest wait, which leaves CPU time for deliveries and other pages.
pub(super) const MAX_BLOCKING: usize = 2;

impl Actions {
    /// Runs work on a separate thread. It is completed even if the caller drops the future, and counts until then.
    pub async fn run_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.blocking).acquire_owned().await;
        let running = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        match running.await {
            Ok(done) => done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is stopping, and drops this future too.
                Err(_cancelled) => future::pending().await,
            },
        }
    }
}
