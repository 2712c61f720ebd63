//! A submitted form, and the response that its browser expects: htmx replaces a part of the page, and a browser that
//! runs no scripts gets the whole page.

use askama::Template;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::input::FormInput;
use super::page::{self, FormView};
use crate::identity::Work;
use crate::model::webhook::Draft;
use crate::web::form::Form;
use crate::web::page::html;
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::work_limit::{self, Refused};
use crate::web::{Error, WebState};

/// The form as a signed-in user submitted it.
#[derive(Debug)]
pub(in crate::web) struct Submission {
    pub(super) state: WebState,
    pub(super) current: CurrentUser,
    pub(super) input: FormInput,
    pub(super) is_htmx: bool,
}

impl FromRequest<WebState> for Submission {
    type Rejection = Response;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Response> {
        let is_htmx = is_htmx(request.headers());
        let (mut parts, body) = request.into_parts();
        let current = CurrentUser::from_request_parts(&mut parts, state).await?;
        let Form(pairs) = Form::from_request(Request::from_parts(parts, body), state).await?;
        Ok(Self { state: state.clone(), current, input: FormInput::new(pairs), is_htmx })
    }
}

impl Submission {
    /// Counts work that the form asks for. Returns what to show if the user has reached a limit.
    pub(super) fn start(&self, work: Work) -> Option<Refused> {
        work_limit::start(&self.state, &self.current, work).err()
    }

    /// Responds with the result of a button. `part` renders it for htmx, and `place` adds it to the whole form, which
    /// then contains `draft`.
    pub(super) async fn respond<V: Send, P: Template>(
        &self,
        draft: Draft,
        result: V,
        part: impl FnOnce(V) -> P + Send,
        place: impl FnOnce(&mut FormView, V) + Send,
    ) -> Result<Response, Error> {
        if self.is_htmx {
            return html(&part(result));
        }
        let subject = self.input.subject();
        let mut form =
            page::load(&self.state, &self.current, subject, draft, self.input.choices()).await?;
        place(&mut form, result);
        form.page(&self.current).await
    }

    /// Responds with the form and the errors in it.
    pub(super) async fn reject(&self, form: FormView) -> Result<Response, Error> {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        if self.is_htmx {
            // Errors can be at any field, so a button that replaces a part of the page replaces the form too.
            let target = [("HX-Retarget", "#webhook-form"), ("HX-Reswap", "outerHTML")];
            return Ok((status, target, form.part()?).into_response());
        }
        Ok((status, form.page(&self.current).await?).into_response())
    }
}
