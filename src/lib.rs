//! Gatepost delivers Apono's access-request events to Logpoint and other targets.
//!
//! Imports between modules only point down this table, which docs/architecture.md explains:
//!
//! | module | purpose |
//! | --- | --- |
//! | [`cli`] | the commands |
//! | [`app`] | assembles all modules and runs the server |
//! | [`web`], [`api`] | the pages; the JSON API |
//! | [`monitoring`] | what `/metrics` shows |
//! | [`actions`] | what users and programs can do, one action per file |
//! | [`delivery`] | accepting, queuing and sending events |
//! | [`oidc`] | single sign-on with an OpenID Connect provider |
//! | [`identity`] | passwords, tokens and rate limits |
//! | [`store`] | PostgreSQL: tables and migrations |
//! | [`egress`] | all outgoing connections |
//! | [`private_postgres`] | runs a PostgreSQL for installations without a database |
//! | [`vault`] | encryption of secrets |
//! | [`config`] | settings |
//! | [`model`] | the domain model |
//! | [`template`] | the template engine |
//! | [`metrics`] | counters and histograms |
//! | [`trace`] | traces |

pub mod actions;
pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod egress;
pub mod health;
pub mod identity;
pub mod mail;
pub mod metrics;
pub mod model;
pub mod monitoring;
pub mod notifications;
pub mod oidc;
pub mod private_postgres;
pub mod store;
pub mod template;
pub mod trace;
pub mod vault;
pub mod web;
