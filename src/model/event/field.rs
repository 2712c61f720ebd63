//! The schema of what a body template sees, as data: the payload schema panel, hints and checks
//! all come from here.

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Dotted path; `[]` stands after an array.
    pub path: &'static str,
    /// The JSON type in words.
    pub kind: &'static str,
    /// What it means.
    pub description: &'static str,
    /// A value it may have.
    pub example: &'static str,
}

impl Field {
    /// What to write in a template to get it: the first entry where it lies in an array.
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

/// Every documented field, in the payload's order, then what Gatepost adds.
pub const FIELDS: &[Field] = &[
    field(
        "event_type",
        "string",
        "The trigger: which status the access request reached",
        "AccessRequestCreated",
    ),
    field(
        "event_time",
        "number",
        "When it happened, in epoch seconds with a fraction",
        "1696263265.851898000",
    ),
    field("data.id", "string", "The access request's id", "123"),
    field("data.friendly_id", "string", "The id that Apono's pages show", "AR-123"),
    field("data.requester.id", "string", "Actor asked: id", "user-1"),
    field("data.requester.name", "string", "Actor asked: name", "User"),
    field("data.requester.email", "string", "Actor asked: email address", "user@example.com"),
    field("data.grantee.id", "string", "Actor receives the access: id", "user-1"),
    field(
        "data.grantee.source_id",
        "string",
        "Actor receives the access: id in the identity provider",
        "okta-1",
    ),
    field("data.grantee.name", "string", "Actor receives the access: name", "User"),
    field("data.grantee.type", "string", "Actor receives the access: kind of identity", "user"),
    field("data.justification", "string", "The reason that was given", "I need access to this"),
    field(
        "data.creation_date",
        "number or null",
        "When the request was made, in epoch seconds",
        "1696263265.852378000",
    ),
    field(
        "data.revocation_date",
        "number or null",
        "When the access ends, in epoch seconds",
        "1696266865.852380000",
    ),
    field(
        "data.access_flow.id",
        "string, may be absent",
        "The access flow that decided: id",
        "flow-1",
    ),
    field(
        "data.access_flow.name",
        "string, may be absent",
        "The access flow that decided: name",
        "Flow 1",
    ),
    field(
        "data.access_bundle.id",
        "string, may be absent",
        "The bundle that was asked for: id",
        "bundle-1",
    ),
    field(
        "data.access_bundle.name",
        "string, may be absent",
        "The bundle that was asked for: name",
        "Bundle 1",
    ),
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
        "The types of the resources asked for",
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
        "Actor approved or rejected; empty when it was automatic",
        "[…]",
    ),
    field(
        "data.approvals[].name",
        "string",
        "Approval: the group or person asked",
        "Approver group",
    ),
    field("data.approvals[].type", "string", "Approval: kind of approver", "user"),
    field(
        "data.approvals[].status",
        "string",
        "Approval: Approved, Rejected or Pending",
        "Approved",
    ),
    field("data.approvals[].approver.id", "string", "Approval: id of who answered", "user-2"),
    field("data.approvals[].approver.name", "string", "Approval: name of who answered", "Approver"),
    field(
        "data.approvals[].approver.email",
        "string",
        "Approval: email address of who answered",
        "approver@example.com",
    ),
    field(
        "data.custom_fields",
        "object, may be absent",
        "Your own fields, string to string",
        "{…}",
    ),
    field(
        "data.custom_fields.ticket",
        "string, may be absent",
        "An own field, here one called ticket",
        "SEC-42",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Trigger;
    use crate::model::event::sample;

    #[test]
    fn the_sample_event_has_every_field_of_the_payload() {
        let sample = sample(Trigger::Granted);
        for field in FIELDS.iter().filter(|f| f.path.starts_with("data.")) {
            let pointer = format!("/{}", field.path.replace("[]", ".0").replace('.', "/"));
            assert!(sample.pointer(&pointer).is_some(), "{} is not in the sample", field.path);
        }
    }

    #[test]
    fn a_placeholder_takes_the_first_entry_of_an_array() {
        let path = "data.access_groups[].integration.name";
        let field = FIELDS.iter().find(|field| field.path == path).unwrap();
        assert_eq!(field.placeholder(), "{{data.access_groups.[0].integration.name}}");
    }
}
