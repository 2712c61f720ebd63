//! **Try on past events**: evaluates the form on received events.

use askama::Template;
use axum::response::Response;

use super::preview::complete;
use super::results::BacktestView;
use super::submission::Submission;
use crate::actions::{Backtest, BacktestError, Entered};
use crate::model::webhook::FieldErrors;
use crate::web::display_time::LocalNow;
use crate::web::{Error, WebState};

#[derive(Template)]
#[template(path = "webhooks/form/_backtest.html")]
struct BacktestPart {
    backtest: BacktestView,
}

/// `POST /webhooks/backtest`
pub(in crate::web) async fn run(submission: Submission) -> Result<Response, Error> {
    let draft = submission.input.draft();
    let now = submission.current.now(&submission.state);
    let backtest = evaluate(&submission.state, now, &submission.input.entered()).await?;
    let part = |backtest| BacktestPart { backtest };
    submission.respond(draft, backtest, part, |form, backtest| form.backtest = Some(backtest)).await
}

/// Evaluates a draft. Like the preview, it ignores missing parts that do not affect the request.
async fn evaluate(
    state: &WebState,
    now: LocalNow,
    entered: &Entered,
) -> Result<BacktestView, Error> {
    let draft = &entered.draft;
    let view = async |done| {
        let method = draft.method.clone();
        state.actions.run_blocking(move || BacktestView::new(done, &method, now)).await
    };
    let errors = match try_once(state, entered.clone()).await? {
        Ok(done) => return Ok(view(done).await),
        Err(errors) => errors,
    };
    let (completed, _) = complete(draft, &errors);
    let completed = Entered { draft: completed, ..entered.clone() };
    Ok(match try_once(state, completed).await? {
        Ok(done) => view(done).await,
        Err(errors) => BacktestView { errors: errors.messages(), ..BacktestView::default() },
    })
}

async fn try_once(
    state: &WebState,
    entered: Entered,
) -> Result<Result<Backtest, FieldErrors>, Error> {
    match state.actions.backtest(entered).await {
        Ok(done) => Ok(Ok(done)),
        Err(BacktestError::Invalid(errors)) => Ok(Err(errors)),
        Err(BacktestError::Store(error)) => Err(error.into()),
        Err(BacktestError::Stopping) => Err(Error::Internal("the backtest was stopped".to_owned())),
    }
}
