//! `gatepost user`.

use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context, bail};
use nix::sys::termios::{self, LocalFlags, SetArg};
use zeroize::Zeroizing;

use super::table::{align, minute};
use crate::actions::{
    ChangeUserError, ResetSecondFactorError, SetPasswordError, UserChange, UserRef,
};
use crate::config::Config;
use crate::identity::Role;
use crate::model::Actor;

/// Creates an active user.
pub(super) async fn create(
    config: &Config,
    email: &str,
    role: Role,
    password_stdin: bool,
) -> anyhow::Result<()> {
    let password = read_password(password_stdin)?;
    let (database, actions) = super::open(config).await?;
    let created = actions.create_user(email, role, &password, &Actor::COMMAND_LINE).await;
    database.close().await;
    created.context("the user was not created")?;
    super::print(&format!("Created the {role} {}.\n", email.trim()))
}

/// Prints a table of all users.
pub(super) async fn list(config: &Config) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let listed = actions.list_users().await;
    database.close().await;
    let rows = listed?.into_iter().map(|(listed, second_factor)| {
        let last = listed.last_sign_in_at;
        let method = match listed.sign_in_method() {
            "" => "-".to_owned(),
            method => method.to_lowercase(),
        };
        [
            listed.user.email,
            listed.user.role,
            listed.status.label().to_lowercase(),
            method,
            second_factor.label().to_lowercase(),
            last.map_or_else(|| "never".to_owned(), minute),
        ]
    });
    let head = ["EMAIL", "ROLE", "STATUS", "SIGN-IN METHOD", "TWO-FACTOR", "LAST SIGN-IN"];
    let head = head.map(str::to_owned);
    super::print(&align(&std::iter::once(head).chain(rows).collect::<Vec<_>>()))
}

/// Sets a new password.
pub(super) async fn reset_password(
    config: &Config,
    email: &str,
    password_stdin: bool,
) -> anyhow::Result<()> {
    let password = read_password(password_stdin)?;
    let (database, actions) = super::open(config).await?;
    let done = actions.reset_password(email, &password, &Actor::COMMAND_LINE).await;
    database.close().await;
    match done {
        Err(SetPasswordError::NotFound) => bail!(not_found(email)),
        other => other.context("the password was not changed")?,
    }
    let email = email.trim();
    super::print(&format!("Changed the password of {email}, and ended all sessions.\n"))
}

/// Removes the second factor of a user.
pub(super) async fn reset_second_factor(config: &Config, email: &str) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let done = actions.reset_second_factor(UserRef::Email(email), &Actor::COMMAND_LINE).await;
    database.close().await;
    match done {
        Ok(email) => super::print(&format!(
            "Reset the two-factor authentication of {email}, and ended all sessions.\n"
        )),
        Err(ResetSecondFactorError::NotFound) => bail!(not_found(email)),
        Err(ResetSecondFactorError::Off) => {
            bail!(
                "{} has not set up two-factor authentication, so there is nothing to reset",
                email.trim()
            )
        }
        Err(error) => Err(error).context("the two-factor authentication was not reset"),
    }
}

/// Disables or enables a user.
pub(super) async fn change(config: &Config, email: &str, change: UserChange) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let done = actions.change_user(UserRef::Email(email), change, &Actor::COMMAND_LINE).await;
    database.close().await;
    match done {
        Err(ChangeUserError::NotFound) => bail!(not_found(email)),
        other => other.context("the user was not changed")?,
    };
    let verb = if change == UserChange::Enable { "Enabled" } else { "Disabled" };
    super::print(&format!("{verb} {}.\n", email.trim()))
}

fn not_found(email: &str) -> String {
    format!("there is no user \"{}\"; `gatepost user list` shows all users", email.trim())
}

/// Returns a password from the terminal, or the first line of standard input.
fn read_password(from_stdin: bool) -> anyhow::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    if from_stdin {
        std::io::stdin().read_line(&mut line).context("standard input cannot be read")?;
    } else {
        if !std::io::stdin().is_terminal() {
            bail!(
                "there is no terminal to read the password from. Pass it on standard input with --password-stdin"
            );
        }
        eprint_prompt()?;
        let _silence = Silence::start()?;
        std::io::stdin().read_line(&mut line).context("the terminal cannot be read")?;
    }
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

fn eprint_prompt() -> anyhow::Result<()> {
    let mut out = std::io::stderr().lock();
    out.write_all(b"New password: ").and_then(|()| out.flush()).context("the terminal is closed")
}

/// Turns off the echo of the terminal until it is dropped.
struct Silence(termios::Termios);

impl Silence {
    fn start() -> anyhow::Result<Self> {
        let before = termios::tcgetattr(std::io::stdin())?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        silent.local_flags.insert(LocalFlags::ECHONL);
        termios::tcsetattr(std::io::stdin(), SetArg::TCSAFLUSH, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _restored = termios::tcsetattr(std::io::stdin(), SetArg::TCSAFLUSH, &self.0);
    }
}
