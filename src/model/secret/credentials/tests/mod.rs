//! Finding and replacing credentials.

mod examples;
mod interplay;
mod properties;

use secrecy::ExposeSecret as _;

use super::*;

/// The places and values that are found in a draft.
fn found(draft: &Draft) -> Vec<(String, String)> {
    let credentials = Credentials::find(draft);
    credentials
        .iter()
        .map(|one| (one.place.clone(), one.value.expose_secret().to_owned()))
        .collect()
}

/// The draft with all credentials replaced by their suggested names, and the values of the names.
fn replaced(draft: &Draft) -> (Draft, Vec<(String, String)>) {
    let credentials = Credentials::find(draft);
    let values = credentials
        .iter()
        .map(|one| (one.suggested.as_str().to_owned(), one.value.expose_secret().to_owned()));
    let values = values.collect();
    (credentials.replace(draft, |one| Some(one.suggested.clone())), values)
}

fn with_body(content_type: &str, body: &str) -> Draft {
    Draft {
        headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
        body_template: body.to_owned(),
        ..Draft::default()
    }
}

fn with_header(name: &str, value: &str) -> Draft {
    Draft { headers: vec![(name.to_owned(), value.to_owned())], ..Draft::default() }
}

fn with_url(url: &str) -> Draft {
    Draft { url: url.to_owned(), ..Draft::default() }
}
