//! Errors of the database.

/// A statement failed. A missing row is not an error but `None`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is down, or no connection was available in time.
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// A unique index rejected a row.
    #[error("conflict with {constraint}")]
    Conflict {
        /// The name of the index.
        constraint: String,
    },
    /// A text has a character that PostgreSQL cannot store: NUL.
    #[error("a text contains the character NUL, which cannot be stored")]
    UnstorableText(#[source] sqlx::Error),
    /// A row cannot be parsed.
    #[error("a row of {table} cannot be read: {detail}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The reason.
        detail: String,
    },
    /// Any other error.
    #[error("the database rejected a statement")]
    Query(#[source] sqlx::Error),
    /// A migration could not be applied.
    #[error("{0}")]
    Migration(String),
}

impl Error {
    /// Returns the error and its causes in one line, for the log.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }

    /// Returns whether the database is down or overloaded, so that a later attempt may succeed.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Returns whether the same statement may succeed if retried: the database is down, or PostgreSQL aborted the
    /// statement to resolve a deadlock.
    pub fn is_transient(&self) -> bool {
        let Self::Query(sqlx::Error::Database(error)) = self else {
            return self.is_unavailable();
        };
        // PostgreSQL, appendix A: serialization_failure, deadlock_detected.
        matches!(error.code().as_deref(), Some("40001" | "40P01"))
    }

    /// Returns whether this unique index rejected the row.
    pub fn is_conflict(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if let Some(database) = error.as_database_error() {
            let constraint = database.constraint().unwrap_or_default().to_owned();
            // PostgreSQL, appendix A: class 53 insufficient resources (disk full), 57P operator
            // intervention (shut down, crash), 08 connection exceptions, 28 invalid authorization (the password of the
            // role was changed, and Gatepost does not know the new one yet), 25006 read only.
            let code = database.code().unwrap_or_default();
            return match code.as_ref() {
                "23505" => Self::Conflict { constraint },
                // character_not_in_repertoire, untranslatable_character
                "22021" | "22P05" => Self::UnstorableText(error),
                code if code.starts_with("53")
                    || code.starts_with("57P")
                    || code.starts_with("08")
                    || code.starts_with("28")
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
