//! Access tokens by the OAuth 2.0 client credentials grant (RFC 6749, section 4.4).

mod client_auth;
mod token_cache;
mod token_client;
mod token_response;

pub use token_cache::TokenRequest;
pub use token_client::{TokenClient, TokenResult};
