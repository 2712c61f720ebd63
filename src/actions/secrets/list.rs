//! Lists secrets.

use crate::actions::Actions;
use crate::store::Error;
use crate::store::secrets::{self, ListedSecret};

impl Actions {
    /// Returns all secrets without their values, sorted by name.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn list_secrets(&self) -> Result<Vec<ListedSecret>, Error> {
        let mut connection = self.parts.db.acquire().await?;
        secrets::list(&mut connection, "", None, i64::MAX).await
    }
}
