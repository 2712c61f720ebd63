-- Entries of the audit log up to this one were forwarded to webhooks with the trigger Audit, if there were any.
create table audit_forwarding (
    singleton boolean primary key default true check (singleton),
    seq       bigint  not null
);

insert into audit_forwarding (seq) select head_seq from audit_chain;
