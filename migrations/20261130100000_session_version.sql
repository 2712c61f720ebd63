-- A sign-in whose password was checked just before all sessions of the user were ended must not start another one. It
-- remembers this version, which changes when they are ended.
alter table users add column session_version bigint not null default 0;
