//! Gatepost delivers Apono's access-request events to Logpoint and other targets.
//!
//! The crate is a house of rooms; an import only ever points down this list:
//!
//! | room | what it is for |
//! | --- | --- |
//! | `cli` | the commands |
//! | `app` | puts everything together and runs it |
//! | `web`, `api` | the pages; the JSON API |
//! | `actions` | what a person or program can ask for, one verb a file |
//! | `delivery` | from an event received to an exchange recorded |
//! | `identity`, `egress`, `store` | who may; what leaves; PostgreSQL |
//! | `vault` | secrets at rest |
//! | `config` | what the operator sets |
//! | `model` | what things are |

pub mod actions;
pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod egress;
pub mod identity;
pub mod model;
pub mod store;
pub mod vault;
pub mod web;
