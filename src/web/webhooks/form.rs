//! The form of a webhook, ready to print.

use askama::Template;
use axum::response::Response;

use super::backtest::BacktestView;
use super::certificate::CertificateView;
use super::credentials::CredentialsView;
use super::events::EventMenu;
use super::filters::{FiltersView, Seen};
use super::marks;
use super::preview::{self, PreviewView};
use super::test::ResultView;
use crate::model::event::EventChoice;
use crate::model::filter;
use crate::model::webhook::preset::{PRESETS, Preset};
use crate::model::webhook::{
    AuthDraft, DeliveryPolicy, Draft, FieldErrors, Method, TlsDraft, Webhook, format_schedule,
    is_logpoint,
};
use crate::model::{Trigger, WebhookId, retry};
use crate::web::moment::Moment;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// One of several that can be chosen.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) word: &'static str,
    pub(super) chosen: bool,
}

/// A header or a response validator.
#[derive(Debug)]
pub(super) struct Row {
    /// The id of its first field.
    pub(super) id: String,
    pub(super) left: String,
    pub(super) right: String,
}

/// Which webhook the form is about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Subject {
    /// The one that is edited; none for a new one.
    pub(super) id: Option<WebhookId>,
    /// The one it was copied from.
    pub(super) base: Option<WebhookId>,
    /// The revision that the form was made from.
    pub(super) seen: Option<i32>,
    /// What is chosen in the menu of Test.
    pub(super) test_event: Option<EventChoice>,
    /// What is chosen in the menu of the preview.
    pub(super) preview_event: Option<EventChoice>,
}

/// The form.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the form has that many switches")]
pub(super) struct FormView {
    pub(super) csrf: String,
    pub(super) id: String,
    pub(super) base: String,
    pub(super) seen: String,
    /// Where somebody else has saved it meanwhile.
    pub(super) stale: Option<StaleView>,
    /// Whether it was sent after its session had ended, and is shown again.
    pub(super) resumed: bool,
    pub(super) action: String,
    pub(super) title: &'static str,
    pub(super) presets: &'static [Preset],
    /// The preset's explanation, where one was chosen.
    pub(super) preset: Option<&'static Preset>,
    pub(super) name: String,
    pub(super) active: bool,
    pub(super) methods: Vec<Choice>,
    pub(super) url: String,
    pub(super) body_template: String,
    pub(super) has_secret: bool,
    /// What the editor marks, as JSON.
    pub(super) marks: String,
    pub(super) headers: Vec<Row>,
    pub(super) triggers: Vec<Choice>,
    pub(super) filters: FiltersView,
    pub(super) condition: String,
    pub(super) timeout: String,
    pub(super) default_timeout: u64,
    pub(super) validators: Vec<Row>,
    pub(super) custom_message: String,
    pub(super) advanced_open: bool,
    pub(super) ordered: bool,
    pub(super) max_in_flight: String,
    pub(super) default_in_flight: usize,
    pub(super) rate_per_minute: String,
    pub(super) retry_schedule: String,
    pub(super) default_schedule: String,
    pub(super) auth: AuthDraft,
    pub(super) tls: TlsDraft,
    pub(super) certificate: CertificateView,
    pub(super) is_logpoint: bool,
    pub(super) credentials: CredentialsView,
    advice: Vec<(String, String)>,
    pub(super) test_events: EventMenu,
    pub(super) preview_events: EventMenu,
    pub(super) preview: PreviewView,
    pub(super) result: Option<ResultView>,
    pub(super) backtest: Option<BacktestView>,
    errors: Vec<(String, String)>,
    /// What the mistakes stand in the way of.
    wanted: Wanted,
}

/// Somebody else's save.
#[derive(Debug)]
pub(super) struct StaleView {
    pub(super) actor: String,
    pub(super) when: Moment,
    /// What they changed.
    pub(super) href: String,
}

/// What somebody wanted to do with the form.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Wanted {
    /// Save it.
    #[default]
    Save,
    /// Send what it says, as a test.
    Test,
}

/// The whole page.
#[derive(Template)]
#[template(path = "webhooks/form.html")]
struct FormPage {
    page: Page,
    form: FormView,
}

/// The form alone.
#[derive(Template)]
#[template(path = "webhooks/form.html", block = "form")]
struct FormPart {
    form: FormView,
}

impl FormView {
    /// The form with a draft in it.
    pub(super) fn new(csrf: &str, subject: Subject, draft: Draft, seen: &Seen) -> Self {
        let triggers: Vec<Trigger> =
            draft.triggers.iter().filter_map(|word| Trigger::from_name(word)).collect();
        let (title, action) = match subject.id {
            Some(id) => ("Edit Webhook", format!("/webhooks/{id}")),
            None => ("Add Webhook", "/webhooks".to_owned()),
        };
        let (advice, is_logpoint) = (preview::advice(&draft), is_logpoint(&draft));
        let text = |id: Option<WebhookId>| id.map(|id| id.to_string()).unwrap_or_default();
        Self {
            csrf: csrf.to_owned(),
            id: text(subject.id),
            base: text(subject.base),
            seen: subject.seen.map(|seen| seen.to_string()).unwrap_or_default(),
            stale: None,
            resumed: false,
            action,
            title,
            presets: if subject.id.is_none() { &PRESETS } else { &[] },
            preset: None,
            active: draft.active,
            methods: methods(&draft.method),
            has_secret: draft.body_template.contains(crate::model::secret::MASK),
            marks: String::new(),
            headers: rows("header", draft.headers),
            condition: filter::explain(&triggers, &draft.filters),
            filters: FiltersView::new(&draft.filters, seen),
            test_events: EventMenu::default(),
            preview_events: EventMenu::default(),
            triggers: choose_many(&triggers),
            advanced_open: !draft.timeout_in_sec.is_empty()
                || !draft.response_validators.is_empty()
                || !draft.custom_validation_error_message.is_empty()
                || !draft.ordered
                || !draft.max_in_flight.is_empty()
                || !draft.rate_per_minute.is_empty()
                || !draft.retry_schedule.is_empty(),
            ordered: draft.ordered,
            max_in_flight: draft.max_in_flight,
            default_in_flight: DeliveryPolicy::DEFAULT_MAX_IN_FLIGHT,
            rate_per_minute: draft.rate_per_minute,
            retry_schedule: draft.retry_schedule,
            default_schedule: format_schedule(&retry::DEFAULT_SCHEDULE),
            timeout: draft.timeout_in_sec,
            default_timeout: Webhook::DEFAULT_TIMEOUT.as_secs(),
            validators: rows(
                "validator",
                draft.response_validators.into_iter().map(|(path, any)| (path, any.join("\n"))),
            ),
            custom_message: draft.custom_validation_error_message,
            auth: draft.authentication,
            tls: TlsDraft {
                verify: Some(draft.tls.verify).filter(|v| !v.is_empty()).unwrap_or("public".into()),
                ..draft.tls
            },
            certificate: CertificateView::default(),
            is_logpoint,
            credentials: CredentialsView::default(),
            advice,
            preview: PreviewView::default(),
            result: None,
            backtest: None,
            errors: Vec::new(),
            wanted: Wanted::default(),
            name: draft.name,
            url: draft.url,
            body_template: draft.body_template,
        }
    }

    /// Notes each mistake at its field, and what it stands in the way of.
    pub(super) fn with_errors(mut self, errors: &FieldErrors, wanted: Wanted) -> Self {
        self.wanted = wanted;
        self.errors = errors.iter().map(|e| (e.field.id(), e.message.clone())).collect();
        self.marks = marks::of_errors(errors);
        let advanced = ["timeout", "validator", "custom", "max_in", "rate", "retry"];
        let folded = |id: &str| advanced.iter().any(|start| id.starts_with(start));
        self.advanced_open |= self.errors.iter().any(|(id, _)| folded(id));
        self
    }

    /// Whether it was started from this preset.
    pub(super) fn is_chosen(&self, preset: &Preset) -> bool {
        self.preset.is_some_and(|chosen| chosen.id == preset.id)
    }

    /// Whether it was started from one of the folded presets.
    pub(super) fn is_other_chosen(&self) -> bool {
        self.preset.is_some_and(|chosen| !chosen.is_logpoint())
    }

    /// Whether there is any mistake.
    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// How many mistakes there are, in words.
    pub(super) fn count(&self) -> String {
        let doing = match self.wanted {
            Wanted::Save => "saving",
            Wanted::Test => "testing",
        };
        match self.errors.len() {
            1 => format!("Fix 1 error before {doing}."),
            count => format!("Fix {count} errors before {doing}."),
        }
    }

    /// The mistakes at a field, one after the other.
    pub(super) fn error(&self, id: &str) -> Option<String> {
        let messages: Vec<&str> =
            self.errors.iter().filter(|(at, _)| at == id).map(|(_, m)| m.as_str()).collect();
        if messages.is_empty() { None } else { Some(messages.join(" ")) }
    }

    /// The hint at a field.
    pub(super) fn advice(&self, id: &str) -> &str {
        self.advice.iter().find(|(at, _)| at == id).map_or("", |(_, text)| text.as_str())
    }

    /// The attributes that tell of a mistake; the first one takes the focus. Safe to print as is:
    /// ids are ours.
    pub(super) fn attrs(&self, id: &str) -> String {
        match self.errors.iter().position(|(at, _)| at == id) {
            None => format!("aria-describedby=\"{id}-hint\""),
            Some(index) => {
                let focus = if index == 0 { " autofocus" } else { "" };
                format!("aria-invalid=\"true\" aria-describedby=\"{id}-error {id}-hint\"{focus}")
            }
        }
    }

    /// Whether a folded filter has a mistake.
    pub(super) fn opens_more_filters(&self) -> bool {
        self.filters.more_used > 0
            || self.filters.more.iter().any(|filter| self.error(&filter.id).is_some())
    }

    /// Whether what is folded under TLS is in use, or has a mistake.
    pub(super) fn opens_tls(&self) -> bool {
        let TlsDraft { min_version, client_certificate, client_key, .. } = &self.tls;
        let folded = ["tls_min_version", "tls_client_certificate", "tls_client_key"];
        [min_version, client_certificate, client_key].iter().any(|text| !text.is_empty())
            || folded.iter().any(|id| self.error(id).is_some())
    }

    /// Names of the chosen triggers.
    pub(super) fn chosen_triggers(&self) -> impl Iterator<Item = &'static str> {
        self.triggers.iter().filter(|choice| choice.chosen).map(|choice| choice.word)
    }

    /// The whole page.
    pub(super) async fn page(self, current: &CurrentUser) -> Result<Response, Error> {
        let title = if self.id.is_empty() || self.name.is_empty() {
            self.title.to_owned()
        } else {
            format!("{} · {}", self.name, self.title)
        };
        let page = Page::new(current, title, Nav::Webhooks).await?;
        page::html(&FormPage { page, form: self })
    }

    /// The form alone, for htmx.
    pub(super) fn part(self) -> Result<Response, Error> {
        page::html(&FormPart { form: self })
    }
}

/// The form with a draft, its preview and the events to try it out with.
pub(super) async fn load(
    state: &WebState,
    current: &CurrentUser,
    subject: Subject,
    draft: Draft,
) -> Result<FormView, Error> {
    let seen = Seen::load(&state.db).await?;
    let usual = EventChoice::sample_for(&draft.triggers);
    let shown = subject.preview_event.unwrap_or(usual);
    let preview = PreviewView::make(state, subject.id.or(subject.base), &draft, shown).await?;
    let mut form = FormView::new(&current.visitor.csrf, subject, draft, &seen);
    form.preview = preview;
    form.preview_events = EventMenu::load(state, shown).await?;
    form.test_events = EventMenu::load(state, subject.test_event.unwrap_or(usual)).await?;
    Ok(form)
}

fn methods(chosen: &str) -> Vec<Choice> {
    let word = |method: Method| Choice { word: method.as_str(), chosen: method.as_str() == chosen };
    Method::ALL.into_iter().map(word).collect()
}

fn choose_many(chosen: &[Trigger]) -> Vec<Choice> {
    let choice =
        |trigger: Trigger| Choice { word: trigger.as_str(), chosen: chosen.contains(&trigger) };
    Trigger::ALL.into_iter().map(choice).collect()
}

fn rows(kind: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Vec<Row> {
    let row = |(index, (left, right))| Row { id: format!("{kind}-{index}"), left, right };
    pairs.into_iter().enumerate().map(row).collect()
}
