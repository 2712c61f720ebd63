//! The pages on which administrators manage users.

pub(super) mod change;
pub(super) mod delete;
pub(super) mod invite;
pub(super) mod list;
pub(super) mod second_factor;
pub(super) mod show;

use super::display_time::{DisplayTime, LocalNow};
use super::{Error, WebState};
use crate::identity::Role;
use crate::model::UserId;
use crate::store::second_factors::SecondFactorState;
use crate::store::user_changes::UserDetails;
use crate::store::users::UserStatus;

/// Parses the id in a path. An invalid id is a page that does not exist.
fn parse_id(text: &str) -> Result<UserId, Error> {
    text.parse().map_err(|_error: uuid::Error| Error::NotFound)
}

/// Returns the name of the identity provider, if users sign in only with it.
fn only_provider(state: &WebState) -> Option<&str> {
    state.actions.single_sign_on_name().filter(|_| !state.actions.allows_passwords())
}

/// A user, ready to print.
struct UserView {
    id: String,
    email: String,
    role: Role,
    status: UserStatus,
    /// Colour of the status.
    tone: &'static str,
    status_label: &'static str,
    last_sign_in: Option<DisplayTime>,
    /// When the one-time link of an invited user ends.
    invitation_end: Option<DisplayTime>,
    is_invitation_over: bool,
    /// Whether this is the signed-in user.
    is_self: bool,
    second_factor: SecondFactorState,
    methods: SignInMethods,
    /// How the user signs in; empty before the first time.
    sign_in_method: &'static str,
}

/// The ways in which a user can sign in.
#[derive(Debug, Clone, Copy)]
struct SignInMethods {
    has_password: bool,
    /// Whether the user has an account of the identity provider.
    is_linked: bool,
}

impl UserView {
    /// Returns the view with the user's second factor.
    fn with_second_factor(self, state: Option<&SecondFactorState>) -> Self {
        Self { second_factor: state.copied().unwrap_or_default(), ..self }
    }

    /// Colour and text of the second factor. `None` if the user has no password that it could add to.
    fn second_factor_badge(&self) -> Option<(&'static str, &'static str)> {
        let label = self.second_factor.label();
        match self.second_factor {
            SecondFactorState { is_on: true, .. } => Some(("good", label)),
            SecondFactorState { .. } if !self.methods.has_password => None,
            SecondFactorState { is_required: true, .. } => Some(("warn", label)),
            SecondFactorState { .. } => Some(("", label)),
        }
    }

    /// What the second factor does not cover, because the identity provider checks other factors itself.
    fn second_factor_note(&self) -> &'static str {
        match (self.methods.has_password, self.methods.is_linked) {
            (true, true) => "for the password",
            (true, false) => "",
            (false, true) => "By the provider",
            (false, false) => "–",
        }
    }

    fn new(details: &UserDetails, current: UserId, now: LocalNow) -> Self {
        let UserDetails { user, status, last_sign_in_at, invitation_expires_at, .. } = details;
        let link_end = invitation_expires_at.filter(|_| *status == UserStatus::Invited);
        let is_invitation_over = link_end.is_some_and(|end| end <= now.time);
        let (tone, status_label) = match status {
            UserStatus::Active => ("good", status.label()),
            UserStatus::Invited if is_invitation_over => ("bad", "Invitation expired"),
            UserStatus::Invited => ("warn", status.label()),
            UserStatus::Disabled => ("", status.label()),
        };
        Self {
            id: user.id.to_string(),
            email: user.email.clone(),
            role: Role::from_stored(&user.role),
            status: *status,
            tone,
            status_label,
            last_sign_in: last_sign_in_at.map(|at| DisplayTime::new(at, now)),
            invitation_end: link_end.map(|at| DisplayTime::new(at, now)),
            is_invitation_over,
            is_self: user.id == current,
            second_factor: SecondFactorState::default(),
            methods: SignInMethods {
                has_password: details.has_password,
                is_linked: details.is_linked,
            },
            sign_in_method: details.sign_in_method(),
        }
    }
}
