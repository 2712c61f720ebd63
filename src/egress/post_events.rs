//! The request of `gatepost events send` to a Gatepost server. The operator typed the address, so the egress rules do
//! not apply.

use std::time::Duration;

use reqwest::redirect::Policy;

use super::exchange::USER_AGENT;

const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// Posts events to a server's API. `host` is the server's name, if the URL has another one. Returns the status and the
/// body of the response.
///
/// # Errors
/// If the server cannot be reached.
pub async fn post_events(
    url: &str,
    host: Option<&str>,
    token: &str,
    body: String,
) -> anyhow::Result<(u16, String)> {
    #[expect(clippy::disallowed_methods, reason = "not a delivery: no egress rules")]
    let builder = reqwest::Client::builder().user_agent(USER_AGENT).timeout(REQUEST_TIMEOUT);
    let client = builder.redirect(Policy::none()).build()?;
    let mut request = client.post(url);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    let response = request
        .bearer_auth(token)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await?;
    Ok((response.status().as_u16(), response.text().await?))
}
