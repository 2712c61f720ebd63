//! The mail server, as a URL.

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use super::secret_setting::value_of;
use super::{ConfigError, Options};

const NAME: &str = "GATEPOST_SMTP_URL";
const FILE_NAME: &str = "GATEPOST_SMTP_URL_FILE";
/// Port of SMTP over TLS (RFC 8314, section 3.3).
const TLS_PORT: u16 = 465;
/// Port of message submission (RFC 6409, section 3.1).
const SUBMISSION_PORT: u16 = 587;

/// How the connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpEncryption {
    /// TLS from the first byte: `smtps://`.
    Tls,
    /// STARTTLS, without which nothing is sent: `smtp://`.
    StartTls,
    /// None: `smtp://host?tls=none`.
    None,
}

/// The mail server and the sender.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is encrypted.
    pub encryption: SmtpEncryption,
    /// User and password.
    pub credentials: Option<(String, SecretString)>,
    /// Address of the sender.
    pub from: String,
}

impl SmtpSettings {
    /// Takes the settings, which need a public URL, because mails contain links.
    pub(super) fn take(
        options: &mut Options,
        public_url: Option<&Url>,
    ) -> Result<Option<Self>, ConfigError> {
        let from = options.smtp_from.take();
        let url =
            value_of((NAME, options.smtp_url.take()), (FILE_NAME, options.smtp_url_file.take()))?;
        let Some(text) = url else {
            let is_alone = from.is_some();
            let message = "GATEPOST_SMTP_FROM needs GATEPOST_SMTP_URL; set both or none";
            return if is_alone { Err(ConfigError(message.to_owned())) } else { Ok(None) };
        };
        let Some(host) = public_url.and_then(Url::host_str) else {
            let message = format!("{NAME} needs GATEPOST_PUBLIC_URL, because mails contain links");
            return Err(ConfigError(message));
        };
        let from = from.unwrap_or_else(|| format!("gatepost@{host}"));
        parse(&text, from).map(Some)
    }
}

fn parse(text: &str, from: String) -> Result<SmtpSettings, ConfigError> {
    // The URL contains a password, so that the message does not repeat it.
    let invalid = |why: &str| ConfigError(format!("{NAME} {why}"));
    let form =
        "must have the form smtps://user:password@mail.example.com or smtp://mail.example.com:587";
    let url = Url::parse(text).map_err(|_error| invalid(form))?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| invalid(form))?;
    let encryption = match (url.scheme(), url.query()) {
        ("smtps", None) => SmtpEncryption::Tls,
        ("smtp", None) => SmtpEncryption::StartTls,
        ("smtp", Some("tls=none")) => SmtpEncryption::None,
        ("smtp" | "smtps", _) => return Err(invalid("may only end with ?tls=none, with smtp://")),
        _ => return Err(invalid(form)),
    };
    if !matches!(url.path(), "" | "/") {
        return Err(invalid("must not have a path"));
    }
    let decode = |part: &str| percent_decode_str(part).decode_utf8().map(String::from);
    let not_text = |_error| invalid("must contain user and password in UTF-8");
    let credentials = match url.password() {
        Some(password) => {
            let user = decode(url.username()).map_err(not_text)?;
            Some((user, SecretString::from(decode(password).map_err(not_text)?)))
        }
        None if !url.username().is_empty() => return Err(invalid("has a user without a password")),
        None => None,
    };
    let default_port = if encryption == SmtpEncryption::Tls { TLS_PORT } else { SUBMISSION_PORT };
    Ok(SmtpSettings {
        host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port: url.port().unwrap_or(default_port),
        encryption,
        credentials,
        from,
    })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(text: &str) -> SmtpSettings {
        parse(text, "gatepost@example.com".to_owned()).unwrap()
    }

    #[test]
    fn the_scheme_decides_port_and_encryption() {
        for (text, port, encryption) in [
            ("smtps://mail.example.com", 465, SmtpEncryption::Tls),
            ("smtp://mail.example.com", 587, SmtpEncryption::StartTls),
            ("smtp://mail.example.com/?tls=none", 587, SmtpEncryption::None),
            ("smtp://mail.example.com:25", 25, SmtpEncryption::StartTls),
        ] {
            let smtp = read(text);
            assert_eq!(
                (smtp.host.as_str(), smtp.port, smtp.encryption),
                ("mail.example.com", port, encryption),
                "{text}"
            );
        }
        assert_eq!(read("smtp://[::1]:2525").host, "::1");
    }

    #[test]
    fn user_and_password_are_decoded() {
        let (user, password) =
            read("smtps://a%40b.example:p%2Fw%3Ad@mail.example.com").credentials.unwrap();
        assert_eq!((user.as_str(), password.expose_secret()), ("a@b.example", "p/w:d"));
    }

    #[test]
    fn an_error_says_what_to_change_without_the_password() {
        for (text, part) in [
            ("mail.example.com", "must have the form"),
            ("https://u:hunter2@mail.example.com", "must have the form"),
            ("smtp://u:hunter2@mail.example.com/x", "must not have a path"),
            ("smtps://u:hunter2@mail.example.com?tls=none", "may only end with ?tls=none"),
            ("smtp://u@mail.example.com", "user without a password"),
            ("smtps://u:hunter2%ff@mail.example.com", "in UTF-8"),
        ] {
            let error = parse(text, String::new()).unwrap_err().to_string();
            assert!(error.starts_with(NAME) && error.contains(part), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn links_need_a_public_url() {
        let options = |from: Option<&str>| Options {
            smtp_url: Some("smtps://mail.example.com".to_owned()),
            smtp_from: from.map(str::to_owned),
            ..Options::default()
        };
        let error = SmtpSettings::take(&mut options(None), None).unwrap_err();
        assert!(error.to_string().contains("GATEPOST_PUBLIC_URL"), "{error}");
        let public = Url::parse("https://gatepost.example.com").unwrap();
        let from = |options: &mut Options| {
            SmtpSettings::take(options, Some(&public)).unwrap().unwrap().from
        };
        assert_eq!(from(&mut options(None)), "gatepost@gatepost.example.com");
        assert_eq!(from(&mut options(Some("soc@example.com"))), "soc@example.com");
    }
}
