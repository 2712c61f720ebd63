-- The audit log records every change with its actor. A change of an entry would go unnoticed, so entries form a chain of
-- hashes, and triggers reject changes.

-- seq has no gaps. detail is a JSON object, as text because the hash covers its bytes.
create table audit_log (
    seq           bigint      primary key,
    at            timestamptz not null,
    actor_kind    text        not null,
    actor_name    text        not null,
    address       text        not null,
    request_id    text        not null,
    action        text        not null,
    object_kind   text        not null,
    object_id     text        not null,
    object_name   text        not null,
    detail        text        not null,
    previous_hash bytea       not null,
    hash          bytea       not null
);

create index audit_log_at on audit_log (at);
create index audit_log_action on audit_log (action, seq);

-- Both ends of the chain, in one row: the last entry that retention has deleted, and the newest entry.
create table audit_chain (
    singleton   boolean     primary key default true check (singleton),
    anchor_seq  bigint      not null,
    anchor_hash bytea       not null,
    pruned_at   timestamptz,
    head_seq    bigint      not null,
    head_hash   bytea       not null
);

insert into audit_chain (anchor_seq, anchor_hash, head_seq, head_hash)
values (0, decode(repeat('00', 32), 'hex'), 0, decode(repeat('00', 32), 'hex'));

-- The functions run with the rights of their owner, so the application needs no right to write to the tables.

-- Appends an entry to the chain. Serialises transactions until they end, so call it last. The hash is the SHA-256 of all
-- other columns in their order, each written as a netstring: its length in bytes, a colon, its text and a comma.
create function audit_append(
    at timestamptz, actor_kind text, actor_name text, address text, request_id text, action text,
    object_kind text, object_id text, object_name text, detail text
) returns void language plpgsql security definer set search_path from current as $$
declare
    next_seq bigint;
    previous bytea;
    canonical bytea := '';
    field text;
    new_hash bytea;
begin
    perform pg_advisory_xact_lock(hashtext('gatepost.audit_log'));
    select c.head_seq + 1, c.head_hash into strict next_seq, previous from audit_chain c;
    foreach field in array array[
        next_seq::text, ((extract(epoch from at) * 1000000)::bigint)::text, actor_kind, actor_name, address, request_id,
        action, object_kind, object_id, object_name, detail, encode(previous, 'hex')
    ] loop
        canonical := canonical || convert_to(octet_length(convert_to(field, 'UTF8')) || ':' || field || ',', 'UTF8');
    end loop;
    new_hash := sha256(canonical);
    insert into audit_log values (
        next_seq, at, actor_kind, actor_name, address, request_id, action, object_kind, object_id, object_name, detail,
        previous, new_hash
    );
    update audit_chain set head_seq = next_seq, head_hash = new_hash;
end $$;

-- Deletes the oldest entries up to the first one that is not older than this time. The last 30 days are kept in any case, by
-- the clock of the database. Returns the number of deleted entries.
create function audit_prune(before timestamptz)
returns bigint language plpgsql security definer set search_path from current as $$
declare
    kept bigint;
    pruned bigint;
begin
    perform pg_advisory_xact_lock(hashtext('gatepost.audit_log'));
    select l.seq into kept from audit_log l
    where l.at >= least(before, clock_timestamp() - interval '30 days') order by l.seq limit 1;
    if kept is null then
        select c.head_seq + 1 into strict kept from audit_chain c;
    end if;
    update audit_chain c set anchor_seq = l.seq, anchor_hash = l.hash, pruned_at = clock_timestamp()
    from audit_log l where l.seq = kept - 1;
    delete from audit_log where seq < kept;
    get diagnostics pruned = row_count;
    return pruned;
end $$;

create function audit_reject() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log cannot be changed' using errcode = 'insufficient_privilege';
end $$;

-- Only entries up to the anchor can be deleted.
create function audit_check_delete() returns trigger language plpgsql as $$
begin
    if old.seq > (select anchor_seq from audit_chain) then
        raise exception 'the audit log cannot be changed' using errcode = 'insufficient_privilege';
    end if;
    return old;
end $$;

-- Both ends of the chain only move forward, to existing entries.
create function audit_check_chain() returns trigger language plpgsql as $$
begin
    if (new.anchor_seq <> old.anchor_seq or new.anchor_hash <> old.anchor_hash) and not (
        new.anchor_seq > old.anchor_seq
        and exists (select from audit_log where seq = new.anchor_seq and hash = new.anchor_hash)
    ) or (new.head_seq <> old.head_seq or new.head_hash <> old.head_hash) and not (
        new.head_seq = old.head_seq + 1
        and exists (select from audit_log where seq = new.head_seq and hash = new.head_hash)
    ) then
        raise exception 'the audit log cannot be changed' using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;

create trigger audit_log_reject before update or truncate on audit_log
    for each statement execute function audit_reject();
create trigger audit_log_delete before delete on audit_log
    for each row execute function audit_check_delete();
create trigger audit_chain_reject before insert or delete or truncate on audit_chain
    for each statement execute function audit_reject();
create trigger audit_chain_update before update on audit_chain
    for each row execute function audit_check_chain();
