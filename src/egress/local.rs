//! The command line's own request to a Gatepost server: an address that the operator typed, so the
//! egress rules do not apply.

use std::time::Duration;

use super::USER_AGENT;

/// Posts events to a server's API; gives the status and the answer.
///
/// # Errors
/// Where the server cannot be reached.
pub async fn post_events(url: &str, token: &str, body: String) -> anyhow::Result<(u16, String)> {
    #[expect(clippy::disallowed_methods, reason = "not a delivery: no egress rules")]
    let client = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .timeout(Duration::from_mins(1))
        .build()?;
    let answer = client
        .post(url)
        .bearer_auth(token)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}
