//! The frame around the content of every page.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use super::Error;
use super::notifications::banner::ProblemBanner;
use super::session::{CurrentUser, Toast};
use super::visitor::Visitor;
use crate::identity::{Permission, Role};

/// Maximum length of a title, in characters. With the name of the program, it has at most 70.
const MAX_TITLE_CHARS: usize = 59;

/// The current entry of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nav {
    /// The webhook pages.
    Webhooks,
    /// The event pages.
    Events,
    /// The delivery pages.
    Deliveries,
    /// The secret pages.
    Secrets,
    /// The pages about API tokens.
    Tokens,
    /// The user pages.
    Users,
    /// The audit log.
    Audit,
    /// The checks of the installation.
    Status,
}

impl Nav {
    /// All entries in their order.
    pub(super) const ALL: [Self; 8] = [
        Self::Webhooks,
        Self::Events,
        Self::Deliveries,
        Self::Secrets,
        Self::Tokens,
        Self::Users,
        Self::Audit,
        Self::Status,
    ];

    /// The label.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Webhooks => "Webhooks",
            Self::Events => "Events",
            Self::Deliveries => "Deliveries",
            Self::Secrets => "Secrets",
            Self::Tokens => "API tokens",
            Self::Users => "Users",
            Self::Audit => "Audit log",
            Self::Status => "Status",
        }
    }

    /// The address.
    pub(super) fn href(self) -> &'static str {
        match self {
            Self::Webhooks => "/webhooks",
            Self::Events => "/events",
            Self::Deliveries => "/deliveries",
            Self::Secrets => "/secrets",
            Self::Tokens => "/tokens",
            Self::Users => "/users",
            Self::Audit => "/audit",
            Self::Status => "/status",
        }
    }

    /// Name of the icon.
    pub(super) fn icon(self) -> &'static str {
        match self {
            Self::Webhooks => "webhook",
            Self::Events => "event",
            Self::Deliveries => "delivery",
            Self::Secrets => "key",
            Self::Tokens => "token",
            Self::Users => "users",
            Self::Audit => "audit",
            Self::Status => "status",
        }
    }

    /// What the role of a user must allow to see the entry.
    fn permission(self) -> Permission {
        match self {
            Self::Webhooks | Self::Events | Self::Deliveries | Self::Secrets | Self::Status => {
                Permission::Read
            }
            Self::Users => Permission::ManageUsers,
            Self::Tokens => Permission::ManageTokens,
            Self::Audit => Permission::ReadAuditLog,
        }
    }

    /// Whether a divider precedes the entry.
    pub(super) fn begins_group(self) -> bool {
        self == Self::Secrets
    }
}

/// The frame of a page.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) title: String,
    pub(super) nav: Option<Nav>,
    /// Role of the signed-in user.
    role: Option<Role>,
    /// Email of the signed-in user; empty if there is none.
    pub(super) email: String,
    /// Theme of the signed-in user: `system`, `light` or `dark`.
    pub(super) theme: String,
    /// Up to two letters for the user.
    pub(super) initials: String,
    pub(super) csrf: String,
    pub(super) toasts: Vec<Toast>,
    pub(super) problem: ProblemBanner,
}

impl Page {
    /// A page for a signed-in user.
    pub(super) async fn new(
        current: &CurrentUser,
        title: impl Into<String>,
        nav: impl Into<Option<Nav>>,
    ) -> Result<Self, Error> {
        Ok(Self {
            title: title.into(),
            nav: nav.into(),
            role: Some(current.role()),
            email: current.user.email.clone(),
            theme: current.preferences.theme.clone(),
            initials: initials(&current.user.email),
            csrf: current.session.csrf.clone(),
            toasts: current.session.toasts().await?,
            problem: current.session.problems().await?,
        })
    }

    /// Returns the page for a user who may open no other page: it shows neither navigation nor messages about webhooks.
    pub(super) fn without_navigation(self) -> Self {
        Self { role: None, problem: ProblemBanner::default(), ..self }
    }

    /// A page without navigation, for visitors who are not signed in.
    pub(super) fn outside(visitor: &Visitor, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            nav: None,
            role: None,
            email: String::new(),
            theme: String::new(),
            initials: String::new(),
            csrf: visitor.csrf.clone(),
            toasts: Vec::new(),
            problem: ProblemBanner::default(),
        }
    }

    /// The title of the browser's tab. It is followed by the name of the program, and names and addresses can be long.
    pub(super) fn short_title(&self) -> String {
        shorten(&self.title)
    }

    fn can(&self, permission: Permission) -> bool {
        self.role.is_some_and(|role| role.allows(permission))
    }

    /// Whether the user may change webhooks.
    pub(super) fn can_edit_webhooks(&self) -> bool {
        self.can(Permission::EditWebhooks)
    }

    /// Whether the user may send events.
    pub(super) fn can_send(&self) -> bool {
        self.can(Permission::Send)
    }

    /// The entries of the navigation that the user may open.
    pub(super) fn navigation(&self) -> impl Iterator<Item = Nav> {
        Nav::ALL.into_iter().filter(|nav| self.can(nav.permission()))
    }

    /// Whether there are any entries.
    pub(super) fn has_navigation(&self) -> bool {
        self.navigation().next().is_some()
    }

    /// The label of the menu on narrow screens: the current entry.
    pub(super) fn nav_label(&self) -> &'static str {
        self.nav.map_or("Menu", Nav::label)
    }

    /// Whether this is the current entry of the navigation.
    pub(super) fn is_at(&self, nav: Nav) -> bool {
        self.nav == Some(nav)
    }
}

fn shorten(title: &str) -> String {
    match title.chars().nth(MAX_TITLE_CHARS) {
        None => title.to_owned(),
        Some(_) => title.chars().take(MAX_TITLE_CHARS - 1).chain(['…']).collect(),
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

/// Renders a template as a response.
pub(super) fn html(template: &impl Template) -> Result<Response, Error> {
    Ok(Html(template.render()?).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_titles_are_shortened() {
        let exact = "ä".repeat(MAX_TITLE_CHARS);
        assert_eq!(shorten(&exact), exact);
        let short = shorten(&format!("{exact}b"));
        assert_eq!((short.chars().count(), short.ends_with("ä…")), (MAX_TITLE_CHARS, true));
    }
}
