//! Signing out.

use axum::response::Redirect;

use crate::web::Error;
use crate::web::form::Form;
use crate::web::session::Visitor;

/// `POST /logout`: ends the session.
pub(in crate::web) async fn submit(
    visitor: Visitor,
    _form: Form<Vec<(String, String)>>,
) -> Result<Redirect, Error> {
    visitor.session.flush().await?;
    Ok(Redirect::to("/login"))
}
