//! The schema of the data in templates. The payload schema panel, sample events and lint warnings derive
//! from it.

use std::sync::LazyLock;

use crate::template::{FieldKind, SchemaField};

/// A documented field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Path from the root, with `[]` after each list.
    pub path: &'static str,
    /// The JSON type.
    pub kind: &'static str,
    /// The meaning.
    pub description: &'static str,
    /// An example value.
    pub example: &'static str,
}

impl Field {
    /// The placeholder for the field in a template. For lists, it takes the first entry.
    pub fn placeholder(&self) -> String {
        format!("{{{{{}}}}}", self.path.replace("[]", ".[0]"))
    }
}

const fn field(
    path: &'static str,
    kind: &'static str,
    description: &'static str,
    example: &'static str,
) -> Field {
    Field { path, kind, description, example }
}

/// All documented fields in the order of the payload, then the fields that Gatepost adds.
pub const FIELDS: &[Field] = &[
    field(
        "event_type",
        "string",
        "The trigger: what happened to the access request",
        "AccessRequestCreated",
    ),
    field(
        "event_time",
        "number",
        "When it happened, in epoch seconds with a fraction",
        "1696263265.851898000",
    ),
    field("data.id", "string", "The access request's id", "123"),
    field("data.friendly_id", "string", "The id shown in Apono", "AR-123"),
    field("data.requester.id", "string", "Requester: id", "user-1"),
    field("data.requester.name", "string", "Requester: name", "User"),
    field("data.requester.email", "string", "Requester: email address", "user@example.com"),
    field("data.grantee.id", "string", "Grantee: id", "user-1"),
    field("data.grantee.source_id", "string", "Grantee: id in the identity provider", "okta-1"),
    field("data.grantee.name", "string", "Grantee: name", "User"),
    field("data.grantee.type", "string", "Grantee: type of identity", "user"),
    field(
        "data.justification",
        "string",
        "The reason given for the request",
        "I need access to this",
    ),
    field(
        "data.creation_date",
        "number or null",
        "When the request was created, in epoch seconds",
        "1696263265.852378000",
    ),
    field(
        "data.revocation_date",
        "number or null",
        "When the access ends, in epoch seconds",
        "1696266865.852380000",
    ),
    field("data.access_flow.id", "string, may be absent", "Access flow: id", "flow-1"),
    field("data.access_flow.name", "string, may be absent", "Access flow: name", "Flow 1"),
    field("data.access_bundle.id", "string, may be absent", "Requested bundle: id", "bundle-1"),
    field("data.access_bundle.name", "string, may be absent", "Requested bundle: name", "Bundle 1"),
    field(
        "data.access_duration_in_seconds",
        "number",
        "How long the access lasts, in seconds",
        "3600",
    ),
    field("data.access_groups", "array", "One entry for each integration", "[…]"),
    field("data.access_groups[].integration.id", "string", "Integration: id", "integration-1"),
    field("data.access_groups[].integration.type", "string", "Integration: type", "Postgresql"),
    field("data.access_groups[].integration.name", "string", "Integration: name", "prod db"),
    field(
        "data.access_groups[].resource_types",
        "array",
        "The types of the requested resources",
        "[…]",
    ),
    field(
        "data.access_groups[].resource_types[].id",
        "string",
        "Resource type: id",
        "postgresql-database",
    ),
    field(
        "data.access_groups[].resource_types[].name",
        "string",
        "Resource type: name",
        "Database",
    ),
    field(
        "data.access_groups[].resource_types[].display_path",
        "string",
        "Resource type: path as shown",
        "Postgresql/Database",
    ),
    field("data.access_groups[].access_units", "array", "Each resource with its permission", "[…]"),
    field("data.access_groups[].access_units[].resource.id", "string", "Resource: id", "res-1"),
    field("data.access_groups[].access_units[].resource.name", "string", "Resource: name", "DB 1"),
    field(
        "data.access_groups[].access_units[].resource.path",
        "string",
        "Resource: path",
        "prod db/res-1",
    ),
    field(
        "data.access_groups[].access_units[].resource.type.id",
        "string",
        "Resource: id of its type",
        "postgresql-database",
    ),
    field(
        "data.access_groups[].access_units[].resource.type.name",
        "string",
        "Resource: name of its type",
        "Database",
    ),
    field(
        "data.access_groups[].access_units[].resource.type.display_path",
        "string",
        "Resource: path of its type as shown",
        "Postgresql/Database",
    ),
    field(
        "data.access_groups[].access_units[].permission.id",
        "string",
        "Permission: id",
        "ReadOnly",
    ),
    field(
        "data.access_groups[].access_units[].permission.name",
        "string",
        "Permission: name",
        "ReadOnly",
    ),
    field(
        "data.approvals_logical_relation",
        "string",
        "Whether one approver is enough (AnyOf) or all are needed (AllOf)",
        "AllOf",
    ),
    field(
        "data.approvals",
        "array",
        "Approvals and rejections; empty if the request was approved automatically",
        "[…]",
    ),
    field(
        "data.approvals[].name",
        "string",
        "Approval: name of the approver or approver group",
        "Approver group",
    ),
    field("data.approvals[].type", "string", "Approval: type of approver", "user"),
    field(
        "data.approvals[].status",
        "string",
        "Approval: Approved, Rejected or Pending",
        "Approved",
    ),
    field(
        "data.approvals[].approver.id",
        "string",
        "Approval: id of the user who decided",
        "user-2",
    ),
    field(
        "data.approvals[].approver.name",
        "string",
        "Approval: name of the user who decided",
        "Approver",
    ),
    field(
        "data.approvals[].approver.email",
        "string",
        "Approval: email address of the user who decided",
        "approver@example.com",
    ),
    field(
        "data.custom_fields",
        "object, may be absent",
        "Your custom fields, names to texts",
        "{…}",
    ),
    field(
        "data.custom_fields.ticket",
        "string, may be absent",
        "A custom field, in this example ticket",
        "SEC-42",
    ),
    field("data.audit.seq", "number, only of Audit", "Audit log: number of the entry", "42"),
    field("data.audit.action", "string, only of Audit", "Audit log: action", "webhook.changed"),
    field(
        "data.audit.actor",
        "string, only of Audit",
        "Audit log: who did it",
        "ann.ngo@example.com",
    ),
    field("data.audit.actor_kind", "string, only of Audit", "Audit log: kind of actor", "user"),
    field(
        "data.audit.address",
        "string, only of Audit",
        "Audit log: address of the client",
        "10.0.0.7",
    ),
    field(
        "data.audit.request_id",
        "string, only of Audit",
        "Audit log: id of the request",
        "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e12",
    ),
    field(
        "data.audit.object_kind",
        "string, only of Audit",
        "Audit log: kind of object",
        "webhook",
    ),
    field(
        "data.audit.object_id",
        "string, only of Audit",
        "Audit log: id of the object",
        "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e13",
    ),
    field(
        "data.audit.object_name",
        "string, only of Audit",
        "Audit log: name of the object",
        "Logpoint comment",
    ),
    field(
        "data.audit.detail",
        "object, only of Audit",
        "Audit log: further facts, which depend on the action",
        "{…}",
    ),
    field(
        "delivery.id",
        "string",
        "The delivery's id, the same in every retry and in the header webhook-id",
        "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11",
    ),
    field("delivery.attempt", "number", "Which attempt this is, from 1", "1"),
    field("webhook.name", "string", "This webhook's name", "Logpoint comment"),
];

/// The schema for lint warnings.
pub static SCHEMA: LazyLock<Vec<SchemaField<'static>>> = LazyLock::new(|| {
    let kind = |field: &Field| match field.kind {
        kind if kind.starts_with("array") => FieldKind::List,
        kind if kind.starts_with("object") => FieldKind::Map,
        _ => FieldKind::Scalar,
    };
    FIELDS.iter().map(|field| SchemaField { path: field.path, kind: kind(field) }).collect()
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Trigger;
    use crate::model::event::sample;
    use crate::template::{OutputContext, Template, lint};

    #[test]
    fn the_sample_event_has_every_documented_field() {
        let (request, audit) = (sample(Trigger::Granted), sample(Trigger::Audit));
        for field in FIELDS.iter().filter(|f| f.path.starts_with("data.")) {
            let is_audit = field.kind.ends_with("only of Audit");
            let sample = if is_audit { &audit } else { &request };
            let pointer = format!("/{}", field.path.replace("[]", ".0").replace('.', "/"));
            assert!(sample.pointer(&pointer).is_some(), "{} is not in the sample", field.path);
        }
    }

    #[test]
    fn the_placeholder_of_every_field_compiles_without_warnings() {
        for field in FIELDS {
            let context = OutputContext::TextBody;
            let template = Template::compile(&field.placeholder(), context).unwrap();
            assert_eq!(lint(&template, &SCHEMA), [], "{}", field.path);
        }
    }

    #[test]
    fn a_placeholder_takes_the_first_entry_of_an_array() {
        let path = "data.access_groups[].integration.name";
        let field = FIELDS.iter().find(|field| field.path == path).unwrap();
        assert_eq!(field.placeholder(), "{{data.access_groups.[0].integration.name}}");
    }
}
