//! Mails one-time links.

use crate::actions::Actions;
use crate::mail::MailError;
use crate::model::Timestamp;

impl Actions {
    /// Mails a one-time link and its code to the invited user. Returns false if there is no mail server.
    ///
    /// # Errors
    /// If the mail was not sent.
    pub async fn mail_invitation(
        &self,
        email: &str,
        (link, code): (&str, &str),
        expires_at: Timestamp,
    ) -> Result<bool, MailError> {
        let Some(mailer) = &self.parts.mailer else { return Ok(false) };
        let end = expires_at.format("%-d %b %Y, %H:%M UTC");
        let text = format!(
            "You are invited to Gatepost.\n\nOpen this link to set your password:\n\n{link}\n\n\
             If the page asks for a code, enter this one:\n\n{code}\n\n\
             Either works once, until {end}. If you did not expect this mail, ignore it.\n"
        );
        mailer.send(email, "Invitation to Gatepost", text).await?;
        Ok(true)
    }
}
