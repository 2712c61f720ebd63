//! All metrics: their names, types, labels and help texts. docs/monitoring/README.md lists them, and a test compares both.

/// Type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that only grows while the process runs.
    Counter,
    /// A number that can grow and shrink.
    Gauge,
    /// Numbers of observations up to certain bounds.
    Histogram,
}

impl Kind {
    /// Returns the type as it is written for Prometheus.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// The name. A counter's ends with `_total`, and a unit precedes that.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// The names of the labels.
    pub labels: &'static [&'static str],
    /// The help text.
    pub help: &'static str,
}

macro_rules! definitions {
    ($($id:ident: $kind:ident, $name:literal, [$($label:literal),*], $help:literal;)+) => {
        $(
            #[doc = $help]
            pub const $id: Definition = Definition {
                name: $name,
                kind: Kind::$kind,
                labels: &[$($label),*],
                help: $help,
            };
        )+

        /// All metrics.
        pub const ALL: &[Definition] = &[$($id),+];
    };
}

definitions! {
    EVENTS_ACCEPTED: Counter, "gatepost_events_accepted_total", [], "Events that were stored.";
    EVENTS_DUPLICATE: Counter, "gatepost_events_duplicate_total", [],
        "Events that had been received before and were not stored again.";
    EVENT_REQUESTS_REJECTED: Counter, "gatepost_event_requests_rejected_total", ["reason"],
        "Requests with events that were rejected. None of their events were stored.";
    DELIVERIES: Counter, "gatepost_deliveries_total", ["webhook", "result"],
        "Deliveries that ended: delivered, or failed after the last attempt.";
    RETRIES: Counter, "gatepost_retries_total", ["webhook"],
        "Failed attempts that are followed by another attempt.";
    ATTEMPTS: Counter, "gatepost_attempts_total", ["outcome"],
        "Attempts of deliveries and redeliveries: success, or the cause of the failure.";
    RESPONSES: Counter, "gatepost_responses_total", ["class"],
        "Responses of targets, by the first digit of their status.";
    REDELIVERIES: Counter, "gatepost_redeliveries_total", ["result"],
        "Redeliveries that were sent. They are not counted as deliveries.";
    DELIVERY_LATENCY: Histogram, "gatepost_delivery_latency_seconds", [],
        "Time from receiving an event to its delivery.";
    ATTEMPT_DURATION: Histogram, "gatepost_attempt_duration_seconds", [],
        "Duration of the HTTP exchange of an attempt.";
    CONNECTIONS_OPENED: Counter, "gatepost_connections_opened_total", [],
        "Connections to targets that were opened.";
    CONNECTIONS_REUSED: Counter, "gatepost_connections_reused_total", [],
        "Requests to targets that were sent over an open connection.";
    QUEUE_DELIVERIES: Gauge, "gatepost_queue_deliveries", ["state"],
        "Unfinished deliveries of all instances, up to 500,000.";
    QUEUE_OLDEST_DUE_AGE: Gauge, "gatepost_queue_oldest_due_age_seconds", [],
        "How long the delivery that became due first has waited to be sent. 0 if none is due.";
    LEASES_TAKEN_OVER: Counter, "gatepost_leases_taken_over_total", [],
        "Deliveries taken over from an instance that did not renew its leases.";
    CLOCK_SET_BACK: Counter, "gatepost_clock_set_back_total", [],
        "How often the clock was set back by more than 5 seconds.";
    CIRCUIT_BREAKER_OPEN: Gauge, "gatepost_circuit_breaker_open", ["webhook"],
        "Whether the circuit breaker of the webhook is open. For other: the number of open circuit breakers.";
    WEBHOOKS: Gauge, "gatepost_webhooks", ["state"], "Webhooks.";
    WEBHOOK_INFO: Gauge, "gatepost_webhook_info", ["webhook", "name"],
        "The name of each webhook that has its own label value. Always 1.";
    DISPATCHER_IN_FLIGHT: Gauge, "gatepost_dispatcher_in_flight", [], "Attempts in flight.";
    DISPATCHER_MAX_IN_FLIGHT: Gauge, "gatepost_dispatcher_max_in_flight", [],
        "Number of attempts in flight from which on each webhook may have only one.";
    DISPATCHER_DELIVERIES: Gauge, "gatepost_dispatcher_deliveries", [],
        "Deliveries that this instance holds in memory.";
    DISPATCHER_EVENTS: Gauge, "gatepost_dispatcher_events", [],
        "Events that this instance holds in memory.";
    DISPATCHER_MAX_EVENTS: Gauge, "gatepost_dispatcher_max_events", [],
        "Number of events in memory from which on deliveries wait in the database.";
    DATABASE_UP: Gauge, "gatepost_database_up", [], "Whether the database responded to the last scrape.";
    DATABASE_SIZE: Gauge, "gatepost_database_size_bytes", [], "Size of the database on disk.";
    DATABASE_STATEMENT_DURATION: Histogram, "gatepost_database_statement_duration_seconds", ["group"],
        "Duration of a group of statements of the dispatcher, with the wait for a connection.";
    DATABASE_POOL_CONNECTIONS: Gauge, "gatepost_database_pool_connections", ["pool", "state"],
        "Open connections of each pool.";
    DATABASE_POOL_MAX_CONNECTIONS: Gauge, "gatepost_database_pool_max_connections", ["pool"],
        "Maximum number of connections of each pool.";
    PARTITIONS: Gauge, "gatepost_partitions", ["table"], "Daily partitions of each table.";
    PARTITIONS_AHEAD: Gauge, "gatepost_partitions_ahead", ["table"],
        "Daily partitions of each table for the days after today.";
    MEMORY_RESIDENT: Gauge, "gatepost_memory_resident_bytes", [], "Memory of the process, without PostgreSQL.";
    START_TIME: Gauge, "gatepost_start_time_seconds", [], "When the server started, since 1970.";
    BUILD_INFO: Gauge, "gatepost_build_info", ["version"], "The version of the server. Always 1.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// <https://prometheus.io/docs/practices/naming/>
    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        for Definition { name, kind, labels, help } in ALL {
            assert!(name.starts_with("gatepost_"), "{name}");
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert!(*kind != Kind::Histogram || name.ends_with("_seconds"), "{name}");
            for unit in
                ["_ms", "_milliseconds", "_minutes", "_kilobytes", "_bucket", "_count", "_sum"]
            {
                assert!(!name.ends_with(unit), "{name}");
            }
            for label in *labels {
                assert!(
                    label.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
                    "{name}: {label}"
                );
            }
            assert!(help.ends_with('.') && !help.contains(['\n', '\\']), "{name}: {help}");
        }
        let names: BTreeSet<&str> = ALL.iter().map(|one| one.name).collect();
        assert_eq!(names.len(), ALL.len(), "each name is used once");
    }
}
