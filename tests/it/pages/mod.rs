//! The pages, as a browser without scripts sees them.

mod account;
mod audit;
mod auth;
mod deliveries;
mod delivery_search;
mod events;
mod everywhere;
mod invitations;
mod leaked_passwords;
mod live;
mod mail;
mod plans;
mod roles;
mod second_factor;
mod secrets;
mod session_tokens;
mod sessions;
mod sign_in_limits;
mod sign_in_race;
mod status;
mod tokens;
mod users;
mod webhooks;
mod work_limits;
