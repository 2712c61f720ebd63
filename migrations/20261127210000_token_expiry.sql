-- Tokens can expire. Their list shows how to recognize each, who created it, and from where it was last used.

alter table tokens
    -- The first characters of the text.
    add column prefix            text        not null default '',
    add column created_by        text        not null default '',
    add column expires_at        timestamptz,
    add column last_used_address text        not null default '';
