//! Traces: the context that an attempt is sent with, and the export of spans by OTLP.
//!
//! Spans are made with `tracing` throughout the program, at the level debug. None are created unless they are exported or
//! logged.

mod exporter;
mod span_filter;

use opentelemetry::trace::TraceContextExt as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

pub use exporter::Exporter;
pub use span_filter::SpanFilter;

/// The identity of a span across programs (W3C Trace Context).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
}

impl TraceContext {
    /// Returns the context of the current span. `None` if spans are not exported.
    pub fn current() -> Option<Self> {
        let span = tracing::Span::current();
        if span.is_none() {
            return None;
        }
        let context = span.context();
        let context = context.span().span_context().clone();
        context.is_valid().then(|| Self {
            trace_id: context.trace_id().to_bytes(),
            span_id: context.span_id().to_bytes(),
        })
    }

    /// Creates a context of random ids. Zeros are not valid ids, so they are replaced.
    pub fn new(trace_id: [u8; 16], span_id: [u8; 8]) -> Self {
        let trace_id = if trace_id == [0; 16] { [1; 16] } else { trace_id };
        let span_id = if span_id == [0; 8] { [1; 8] } else { span_id };
        Self { trace_id, span_id }
    }

    /// Returns the trace id in hexadecimal.
    pub fn trace_id(&self) -> String {
        hex::encode(self.trace_id)
    }

    /// Returns the value of the header `traceparent` (W3C Trace Context, section 3.2). The flag `sampled` is set, because
    /// the attempt is recorded.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-01", hex::encode(self.trace_id), hex::encode(self.span_id))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_a_span_there_is_no_context() {
        assert_eq!(TraceContext::current(), None);
    }

    proptest! {
        #[test]
        fn a_traceparent_has_the_form_of_the_specification(trace_id: [u8; 16], span_id: [u8; 8]) {
            for context in [TraceContext::new(trace_id, span_id), TraceContext::new([0; 16], [0; 8])] {
                let header = context.traceparent();
                let parts: Vec<&str> = header.split('-').collect();
                let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
                prop_assert_eq!(lengths, [2, 32, 16, 2]);
                prop_assert_eq!((parts[0], parts[3]), ("00", "01"));
                prop_assert_eq!(parts[1], context.trace_id());
                for part in parts {
                    prop_assert!(part.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')));
                }
                prop_assert!(parts_are_valid(&header));
            }
        }
    }

    /// Zeros are not valid.
    fn parts_are_valid(header: &str) -> bool {
        header.split('-').skip(1).all(|part| part.chars().any(|c| c != '0'))
    }
}
