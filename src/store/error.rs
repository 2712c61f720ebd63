//! What can go wrong with the database.

/// A statement did not do its work. A row that is not there is no error but `None`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is away, or too busy to give a connection in time.
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// A unique index said no; the constraint's name tells which.
    #[error("conflict with {constraint}")]
    Conflict {
        /// Its name, which is part of the schema's contract.
        constraint: String,
    },
    /// A row cannot be read as what it should be.
    #[error("a row of {table} is not readable: {detail}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// Why.
        detail: String,
    },
    /// Anything else.
    #[error("the database refused a statement")]
    Query(#[source] sqlx::Error),
    /// The migrations do not fit.
    #[error("{0}")]
    Migration(String),
}

impl Error {
    /// The error and its causes in one line, for the log.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }

    /// Whether waiting may help.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether the same statement may go through next time: the database is away, or PostgreSQL chose
    /// this one to break a deadlock.
    pub fn may_pass(&self) -> bool {
        let Self::Query(sqlx::Error::Database(error)) = self else {
            return self.is_unavailable();
        };
        // PostgreSQL's appendix A: serialization_failure, deadlock_detected.
        matches!(error.code().as_deref(), Some("40001" | "40P01"))
    }

    /// Whether this unique index said no.
    pub fn is_conflict(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if let Some(database) = error.as_database_error() {
            let constraint = database.constraint().unwrap_or_default().to_owned();
            // PostgreSQL's appendix A: class 53 insufficient resources (disk full), 57P operator
            // intervention (shut down, crash), 08 connection exceptions, 25006 read only.
            let code = database.code().unwrap_or_default();
            return match code.as_ref() {
                "23505" => Self::Conflict { constraint },
                code if code.starts_with("53")
                    || code.starts_with("57P")
                    || code.starts_with("08")
                    || code == "25006" =>
                {
                    Self::Unavailable(error)
                }
                _ => Self::Query(error),
            };
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => Self::Unavailable(error),
            _ => Self::Query(error),
        }
    }
}
