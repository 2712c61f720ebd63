//! How long pages take, and how large they are, with many webhooks, events and deliveries.

mod paths;
mod rows;

use std::time::{Duration, Instant};

use crate::cases::Bench;
use crate::load;
use crate::measure::single;
use crate::report::{Goal, millis};
use crate::server::{ADMIN, Server};

/// Number of measured requests of each page. p99 is the third longest.
const REQUESTS: usize = 200;
/// Number of requests of each page before that. Each connection to the database plans a statement once.
const WARM_UP_REQUESTS: usize = 20;
/// Maximum size of a page without compression, in bytes.
const MAX_BYTES: f64 = 100_000.0;

/// A signed-in browser.
struct Browser {
    client: reqwest::Client,
    base: String,
    cookies: String,
}

impl Bench {
    /// Requests every list with every filter, and the pages of a webhook, an event and a delivery.
    pub(crate) async fn pages(&mut self) {
        let server = Server::start(&self.program, &[self.webhook("One", None)]).await;
        load::run(&server.api, single(100)).await;
        server.drain().await;
        rows::fill(&server).await;
        let browser = Browser::sign_in(&server.api.address).await;
        for group in paths::groups(&server).await {
            let (mut slowest, mut largest) = ((Duration::ZERO, String::new()), (0, String::new()));
            for path in group.paths {
                let ([p50, p99], bytes) = browser.measure(&path).await;
                let times = format!("p50 {:.2} ms, p99 {:.2} ms", millis(p50), millis(p99));
                println!("    {path}: {times}, {bytes} bytes");
                slowest = slowest.max((p99, path.clone()));
                largest = largest.max((bytes, path));
            }
            let time = (millis(slowest.0), Some(Goal::AtMost(group.max_ms)));
            self.report.add("pages", format!("{}, p99", group.name), time.0, "ms", time.1);
            let goal = Some(Goal::AtMost(MAX_BYTES));
            self.report.add(
                "pages",
                format!("{}, size", group.name),
                largest.0 as f64,
                "bytes",
                goal,
            );
        }
        server.stop().await;
    }
}

impl Browser {
    async fn sign_in(address: &str) -> Self {
        let no_redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().redirect(no_redirects).build().unwrap();
        let mut browser =
            Self { client, base: format!("http://{address}"), cookies: String::new() };
        let url = format!("{}/login", browser.base);
        let form = browser.client.get(&url).send().await.unwrap();
        browser.keep_cookies(&form);
        let html = form.text().await.unwrap();
        let (_, rest) = html.split_once("name=\"csrf\" value=\"").unwrap();
        let (csrf, _) = rest.split_once('"').unwrap();
        let (email, password) = ADMIN;
        let fields = [("csrf", csrf), ("email", email), ("password", password)];
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        let signed_in = browser
            .client
            .post(&url)
            .header("cookie", &browser.cookies)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.finish())
            .send()
            .await
            .unwrap();
        assert_eq!(signed_in.status(), 303);
        browser.keep_cookies(&signed_in);
        browser
    }

    fn keep_cookies(&mut self, response: &reqwest::Response) {
        for set in response.headers().get_all("set-cookie") {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            self.cookies = format!("{pair}; {}", self.cookies);
        }
    }

    /// Returns p50 and p99 of the time until the whole page has arrived, and its size.
    async fn measure(&self, path: &str) -> ([Duration; 2], usize) {
        let mut times = Vec::new();
        let mut bytes = 0;
        for number in 0..WARM_UP_REQUESTS + REQUESTS {
            let request = self.client.get(format!("{}{path}", self.base));
            let begun = Instant::now();
            let response = request.header("cookie", &self.cookies).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            bytes = response.bytes().await.unwrap().len();
            if number >= WARM_UP_REQUESTS {
                times.push(begun.elapsed());
            }
        }
        times.sort_unstable();
        ([50, 99].map(|percent| times[times.len() * percent / 100]), bytes)
    }
}
