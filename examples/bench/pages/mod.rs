//! How long pages take, and how large they are, with many webhooks, events and deliveries.

mod paths;
mod rows;

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::cases::Bench;
use crate::load;
use crate::measure::{middle, single};
use crate::report::{Goal, millis};
use crate::server::{ADMIN, Server};

/// Number of rounds over all pages. The median of their p99 counts, so that a page is not judged by the moment in which the
/// machine did something else.
const ROUNDS: usize = 3;
/// Number of measured requests of each page and round. p99 is the third longest.
const REQUESTS: usize = 200;
/// Number of requests of each page before that. Each connection to the database plans a statement once.
const WARM_UP_REQUESTS: usize = 20;
/// Number of additions between two requests. They always take the same time on a machine that does nothing else.
const ADDITIONS: u64 = 1_000_000;
/// Maximum size of a page without compression, in bytes.
const MAX_BYTES: f64 = 100_000.0;

/// What was measured of a page, in milliseconds, by round.
#[derive(Default)]
struct Figures {
    p50s: Vec<f64>,
    p99s: Vec<f64>,
    bytes: usize,
    additions: Vec<Duration>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |times: &[f64]| {
            times.iter().map(|time| format!("{time:.1}")).collect::<Vec<_>>().join(", ")
        };
        write!(f, "p50 {}, p99 {} ms, {} bytes", list(&self.p50s), list(&self.p99s), self.bytes)
    }
}

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
        let groups = paths::groups(&server).await;
        let mut figures: HashMap<&str, Figures> = HashMap::new();
        for _ in 0..ROUNDS {
            for path in groups.iter().flat_map(|group| &group.paths) {
                browser.measure(path, figures.entry(path).or_default()).await;
            }
        }
        for group in &groups {
            let (mut slowest, mut largest) = (0.0_f64, 0);
            for path in &group.paths {
                let of_path = &figures[path.as_str()];
                println!("    {path}: {of_path}");
                slowest = slowest.max(middle(of_path.p99s.clone()));
                largest = largest.max(of_path.bytes);
            }
            let (name, goal) = (group.name, Some(Goal::AtMost(group.max_ms)));
            self.report.add("pages", format!("{name}, p99"), slowest, "ms", goal);
            let goal = Some(Goal::AtMost(MAX_BYTES));
            self.report.add("pages", format!("{name}, size"), largest as f64, "bytes", goal);
        }
        let additions: Vec<Duration> =
            figures.into_values().flat_map(|of_path| of_path.additions).collect();
        let [p50, p99] = percentiles(additions);
        self.report.add(
            "pages",
            "a computation of the benchmark, p99 over p50",
            p99 / p50,
            "×",
            None,
        );
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

    /// Measures the time until the whole page has arrived.
    async fn measure(&self, path: &str, figures: &mut Figures) {
        let mut times = Vec::new();
        for number in 0..WARM_UP_REQUESTS + REQUESTS {
            let request = self.client.get(format!("{}{path}", self.base));
            let begun = Instant::now();
            let response = request.header("cookie", &self.cookies).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            figures.bytes = response.bytes().await.unwrap().len();
            if number >= WARM_UP_REQUESTS {
                times.push(begun.elapsed());
                figures.additions.push(additions());
            }
        }
        let [p50, p99] = percentiles(times);
        figures.p50s.push(p50);
        figures.p99s.push(p99);
    }
}

/// Returns p50 and p99 in milliseconds.
fn percentiles(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort_unstable();
    [50, 99].map(|percent| millis(times[times.len() * percent / 100]))
}

/// Returns how long a fixed computation takes.
fn additions() -> Duration {
    let begun = Instant::now();
    for number in 0..ADDITIONS {
        std::hint::black_box(number);
    }
    begun.elapsed()
}
