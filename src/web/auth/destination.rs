//! Where to go after signing in: a path of this server, never another site.

use url::form_urlencoded;

/// Longest address to go to after signing in, in bytes.
const MAX_NEXT_BYTES: usize = 2048;
/// The same for single sign-on, whose cookie contains it.
const MAX_SHORT_BYTES: usize = 1024;
/// Starts a sign-in at the identity provider.
pub(super) const START: &str = "/login/sso";
/// The page that says why a sign-in at the identity provider has failed.
pub(super) const FAILED: &str = "/login/sso/failed";
/// The page in the tab of a sign-in that another tab waits for.
pub(super) const DONE: &str = "/login/sso/done";

/// A path of this server, never another site.
pub(in crate::web) fn destination(next: &str) -> String {
    let is_local = next.len() <= MAX_NEXT_BYTES
        && next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.contains(char::is_control);
    if is_local { next.to_owned() } else { "/webhooks".to_owned() }
}

/// Returns the address of the sign-in page.
pub(in crate::web) fn sign_in_path(next: &str) -> String {
    format!("/login?next={}", encode(next))
}

/// Returns the address that starts a sign-in at the identity provider.
pub(in crate::web) fn start_path(next: &str) -> String {
    format!("/login/sso?next={}", encode(&short_destination(next)))
}

/// Returns the address that starts a sign-in in another tab, while this one waits.
pub(in crate::web) fn other_tab_path(confirms: bool) -> String {
    format!("/login/sso?next={}{}", encode(DONE), if confirms { "&confirm=true" } else { "" })
}

/// Encodes a path for a query.
pub(in crate::web) fn encode(next: &str) -> String {
    form_urlencoded::byte_serialize(next.as_bytes()).collect()
}

/// A path of this server that fits into the cookie.
pub(super) fn short_destination(next: &str) -> String {
    let next = if next.len() <= MAX_SHORT_BYTES { next } else { "" };
    destination(next)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    proptest! {
        #[test]
        fn the_destination_never_leaves_the_site(
            next in "(/|\\\\|//|https?:|javascript:|[\\t\\n ]){0,3}(evil\\.example|[a-z@:.%?#/\\\\]{0,12}).{0,8}",
        ) {
            let base = Url::parse("https://gatepost.example.com/login/sso/callback").unwrap();
            let target = base.join(&short_destination(&next)).unwrap();
            prop_assert_eq!(target.origin(), base.origin(), "{}", next);
        }

        #[test]
        fn a_path_of_the_site_is_kept(path in "/[a-z]{1,10}(/[a-z0-9-]{1,10}){0,3}(\\?[a-z]{1,5}=[a-z0-9%]{0,8})?") {
            prop_assert_eq!(short_destination(&path), path);
        }
    }

    #[test]
    fn a_long_path_does_not_fit_into_the_cookie() {
        assert_eq!(short_destination(&format!("/{}", "x".repeat(MAX_SHORT_BYTES))), "/webhooks");
    }

    #[test]
    fn signing_in_never_leads_to_another_site() {
        assert_eq!(destination("/deliveries?state=failed"), "/deliveries?state=failed");
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\tx",
            &"/x".repeat(2000),
        ] {
            assert_eq!(destination(bad), "/webhooks", "{bad}");
        }
    }
}
