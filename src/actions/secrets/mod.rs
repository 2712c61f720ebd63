//! Creates, changes and deletes secrets, and encrypts them again after a change of the master key.

mod create;
mod delete;
mod draft;
mod entry;
mod list;
mod reencrypt;
mod set;
mod update;

pub use delete::DeleteSecretError;
pub use draft::{MAX_SECRET_DESCRIPTION_CHARS, SecretDraft, SecretErrors, SecretField};
pub use set::{SecretChange, SetSecret};
pub use update::SaveSecretError;
