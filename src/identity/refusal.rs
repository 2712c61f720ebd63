//! Requests that are refused because of who has sent them.

/// Why a request was refused. A response carries it to the log.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The user, if one is signed in.
    pub user: String,
    /// The reason.
    pub reason: String,
}

/// Marks a response that refuses a request, and that the log does not record because it contains it already.
#[derive(Debug, Clone, Copy)]
pub struct LoggedRefusal;
