//! Secrets, whose values are encrypted.

mod change;
mod list;
mod resolve;
mod row;

pub use change::{delete, delete_unused, insert, is_name_taken, lock, save, update};
pub use list::{
    ListedSecret, SecretUser, find, find_for_update, find_shared_for_update, list, list_usable,
    list_users,
};
pub use resolve::{AllSecrets, resolve, resolve_all};
pub(super) use row::place;
