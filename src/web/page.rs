//! What every page has around its content.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use super::Error;
use super::session::{CurrentUser, Toast, Visitor};

/// The part of the navigation that is lit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nav {
    /// The webhooks.
    Webhooks,
    /// The deliveries.
    Deliveries,
}

/// The frame of a page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) nav: Option<Nav>,
    /// The email of whoever is signed in; empty for nobody.
    pub(super) email: String,
    /// One or two letters for them.
    pub(super) initials: String,
    pub(super) csrf: String,
    pub(super) toasts: Vec<Toast>,
}

impl Page {
    /// For somebody who is signed in.
    pub(super) async fn new(
        current: &CurrentUser,
        title: impl Into<String>,
        nav: Nav,
    ) -> Result<Self, Error> {
        Ok(Self {
            title: title.into(),
            nav: Some(nav),
            email: current.user.email.clone(),
            initials: initials(&current.user.email),
            csrf: current.visitor.csrf.clone(),
            toasts: current.visitor.toasts().await?,
        })
    }

    /// For anybody.
    pub(super) async fn outside(
        visitor: &Visitor,
        title: impl Into<String>,
    ) -> Result<Self, Error> {
        Ok(Self {
            title: title.into(),
            nav: None,
            email: String::new(),
            initials: String::new(),
            csrf: visitor.csrf.clone(),
            toasts: visitor.toasts().await?,
        })
    }

    /// For the attribute `aria-current`.
    pub(super) fn is_at(&self, nav: Nav) -> bool {
        self.nav == Some(nav)
    }
}

fn initials(email: &str) -> String {
    let name = email.split('@').next().unwrap_or_default();
    name.split(['.', '-', '_'])
        .filter_map(|part| part.chars().next())
        .take(2)
        .flat_map(char::to_uppercase)
        .collect()
}

/// A template as an answer.
pub(super) fn html(template: &impl Template) -> Result<Response, Error> {
    Ok(Html(template.render()?).into_response())
}
