-- Notifications of webhooks that fail, are paused, or have recovered.

-- Where notifications are sent to, besides mail. One row.
create table notification_settings (
    only_row   boolean primary key default true check (only_row),
    webhook_id uuid    references webhooks (id) on delete set null
);

insert into notification_settings default values;

-- What was last reported about a webhook, and how often since a time, so that a flapping one is not reported again and again.
create table webhook_alerts (
    webhook_id     uuid        primary key references webhooks (id) on delete cascade,
    state          text        not null check (state in ('failing', 'paused', 'recovered')),
    reported_at    timestamptz not null,
    counted_since  timestamptz not null,
    reported       integer     not null
);

-- Notifications, and whether they were mailed. While mail_due_at is set, the mail is not sent to everybody.
create table notifications (
    id            uuid        primary key,
    created_at    timestamptz not null,
    changes       text        not null,
    omitted       text        not null default '[]',
    delivery_id   uuid,
    mail_due_at   timestamptz,
    mail_attempts integer     not null default 0,
    mailed_to     text[]      not null default '{}',
    mail_error    text
);

create index notifications_by_time on notifications (created_at);
create index notifications_to_mail on notifications (mail_due_at) where mail_due_at is not null;
create index webhooks_paused on webhooks (id) where paused_because is not null and deleted_at is null;
