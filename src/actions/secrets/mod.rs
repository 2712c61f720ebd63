//! Creates, changes and deletes secrets.

mod create;
mod delete;
mod draft;
mod list;
mod set;
mod update;

pub use delete::DeleteSecretError;
pub use draft::{MAX_SECRET_DESCRIPTION_CHARS, SecretDraft, SecretErrors, SecretField};
pub use set::{SecretChange, SetSecret};
pub use update::SaveSecretError;
