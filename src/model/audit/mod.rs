//! The audit log: what is recorded, how entries are chained, and how they are exported.

mod action;
mod chain;
mod entry;
mod event;
mod export;
mod webhook;

pub use action::AuditAction;
pub use chain::{AuditChain, ChainError, ChainVerifier};
pub use entry::{AuditEntry, AuditFilter, AuditObject, RecordedEntry};
pub use export::ExportFormat;
pub use webhook::webhook_changed;
