//! Limits on connections: their number, from the number of file descriptors, and timeouts.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Number of file descriptors to request, if the system allows it.
const WANTED_DESCRIPTORS: u64 = 16_384;
/// Maximum number of connections, whatever the number of descriptors. Each can take some 100 KiB.
const MAX_CONNECTIONS: u64 = 2048;
/// Minimum number of connections.
const MIN_CONNECTIONS: u64 = 16;

/// Timeouts of connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    /// From the first byte of a request, or the start of the connection, to the end of the request's head.
    pub(super) head: Duration,
    /// From a response to the next request. Longer than the 60 seconds for which nginx keeps connections, because a proxy
    /// should be the one that closes them.
    pub(super) idle: Duration,
    /// While a client does not read its response.
    pub(super) write: Duration,
    /// Between two parts of a request's body.
    pub(super) body_stall: Duration,
    /// For a whole body, in addition to the time for its bytes at [`MIN_BODY_RATE`].
    pub(super) body: Duration,
}

impl Timeouts {
    pub(super) const DEFAULT: Self = Self {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        write: Duration::from_secs(30),
        body_stall: Duration::from_secs(10),
        body: Duration::from_secs(20),
    };
}

/// Minimum rate of a request's body, in bytes per second.
pub(super) const MIN_BODY_RATE: u64 = 16 * 1024;

/// Limits of a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Maximum number of connections.
    pub(super) connections: usize,
    /// How many of them are kept for health checks and events.
    pub(super) reserved: usize,
    pub(super) timeouts: Timeouts,
}

impl Limits {
    /// Raises the process's limit of file descriptors, and leaves half of them to deliveries and the database.
    pub(super) fn of_this_process() -> Self {
        let descriptors = raise_descriptor_limit().unwrap_or_else(|error| {
            tracing::warn!(%error, "could not read or raise the limit of file descriptors");
            2 * MIN_CONNECTIONS
        });
        Self::for_descriptors(descriptors)
    }

    fn for_descriptors(descriptors: u64) -> Self {
        let connections = (descriptors / 2).clamp(MIN_CONNECTIONS, MAX_CONNECTIONS);
        let connections = usize::try_from(connections).unwrap_or(usize::MAX);
        Self { connections, reserved: connections / 8, timeouts: Timeouts::DEFAULT }
    }

    /// Maximum number of streams, each of which uses a connection for as long as its page is open.
    pub(super) fn streams(&self) -> usize {
        self.connections / 4
    }
}

/// Returns the number of file descriptors that this process may use.
fn raise_descriptor_limit() -> nix::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = WANTED_DESCRIPTORS.min(hard);
    if soft >= wanted {
        return Ok(soft);
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_descriptors_are_for_connections() {
        for (descriptors, connections) in
            [(256, 128), (1024, 512), (16_384, 2048), (u64::MAX, 2048), (10, 16)]
        {
            let limits = Limits::for_descriptors(descriptors);
            assert_eq!(limits.connections, connections);
            assert!(limits.reserved >= 2 && limits.reserved < connections / 2);
        }
    }

    #[test]
    fn the_limit_of_descriptors_is_never_lowered() {
        let before = getrlimit(Resource::RLIMIT_NOFILE).unwrap().0;
        assert!(raise_descriptor_limit().unwrap() >= before);
    }
}
