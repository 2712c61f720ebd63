//! The form, ready to print.

use askama::Template;
use axum::response::Response;

use super::annotations;
use super::event_menu::EventMenu;
use super::field_id::element_id;
use super::filters::{FiltersView, SeenValues};
use super::input::Subject;
use super::preview::{self, PreviewView};
use super::results::{BacktestView, CertificateView, CredentialsView, TestResultView};
use super::secrets::SecretsView;
use super::validators::ValidatorView;
use crate::actions::Entered;
use crate::identity::Permission;
use crate::model::event::EventChoice;
use crate::model::filter;
use crate::model::secret::{SecretChoices, SecretName};
use crate::model::webhook::preset::{PRESETS, Preset};
use crate::model::webhook::{
    AuthDraft, DeliveryPolicy, Draft, FieldErrors, Method, SigningDraft, TlsDraft, Webhook,
    format_schedule, is_logpoint,
};
use crate::model::{Trigger, WebhookId, retry};
use crate::web::components::SelectOption;
use crate::web::display_time::DisplayTime;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// A header with its value.
#[derive(Debug)]
pub(super) struct PairView {
    /// Id of the first element.
    pub(super) id: String,
    pub(super) key: String,
    pub(super) value: String,
}

/// The form.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent property of the form")]
pub(super) struct FormView {
    pub(super) csrf: String,
    pub(super) id: String,
    pub(super) base: String,
    pub(super) expected_revision: String,
    /// A change that another user saved since the form was opened.
    pub(super) conflict: Option<ConflictView>,
    /// Why the form was not saved and is shown again; empty if there is no such reason.
    pub(super) notice: String,
    /// Address that saves the form.
    pub(super) save_href: String,
    pub(super) title: &'static str,
    pub(super) presets: &'static [Preset],
    /// The chosen preset.
    pub(super) preset: Option<&'static Preset>,
    pub(super) name: String,
    pub(super) active: bool,
    pub(super) methods: Vec<SelectOption>,
    pub(super) url: String,
    pub(super) body_template: String,
    /// The credentials that saving moves into secrets, and the fields that take a secret.
    pub(super) secrets: SecretsView,
    /// Annotations for the editor, as JSON; empty if there are none.
    pub(super) annotations: String,
    pub(super) headers: Vec<PairView>,
    pub(super) triggers: Vec<SelectOption>,
    pub(super) filters: FiltersView,
    pub(super) condition: String,
    pub(super) timeout: String,
    pub(super) default_timeout: u64,
    pub(super) validators: Vec<ValidatorView>,
    pub(super) custom_message: String,
    pub(super) advanced_open: bool,
    pub(super) ordered: bool,
    pub(super) traceparent: bool,
    pub(super) max_in_flight: String,
    pub(super) default_in_flight: usize,
    pub(super) rate_per_minute: String,
    pub(super) retry_schedule: String,
    pub(super) default_schedule: String,
    pub(super) auth: AuthDraft,
    pub(super) signing: SigningDraft,
    /// A key that was generated and is not saved yet; empty if there is none.
    pub(super) generated_key: String,
    pub(super) tls: TlsDraft,
    pub(super) certificate: CertificateView,
    pub(super) is_logpoint: bool,
    pub(super) credentials: CredentialsView,
    /// Advice by element id.
    advice: Vec<(String, String)>,
    pub(super) test_events: EventMenu,
    pub(super) preview_events: EventMenu,
    pub(super) preview: PreviewView,
    pub(super) result: Option<TestResultView>,
    pub(super) backtest: Option<BacktestView>,
    /// Errors by element id.
    errors: Vec<(String, String)>,
    /// The action that the errors prevent.
    prevented: FormAction,
}

/// A change that another user saved.
#[derive(Debug)]
pub(super) struct ConflictView {
    pub(super) actor: String,
    pub(super) saved: DisplayTime,
    /// Address of the page that shows the change.
    pub(super) href: String,
}

/// An action that needs a valid form.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum FormAction {
    /// Save the webhook.
    #[default]
    Save,
    /// Send a test.
    Test,
}

#[derive(Template)]
#[template(path = "webhooks/form/page.html")]
struct FormPage {
    page: Page,
    form: FormView,
}

#[derive(Template)]
#[template(path = "webhooks/form/page.html", block = "form")]
struct FormPart {
    form: FormView,
}

impl FormView {
    /// A form with the values of a draft.
    fn new(csrf: &str, subject: Subject, draft: Draft, seen: &SeenValues) -> Self {
        let triggers: Vec<Trigger> =
            draft.triggers.iter().filter_map(|word| Trigger::from_name(word)).collect();
        let (title, save_href) = match subject.id {
            Some(id) => ("Edit Webhook", format!("/webhooks/{id}")),
            None => ("Add Webhook", "/webhooks".to_owned()),
        };
        let (advice, is_logpoint) = (preview::advice(&draft), is_logpoint(&draft));
        let text = |id: Option<WebhookId>| id.map(|id| id.to_string()).unwrap_or_default();
        Self {
            csrf: csrf.to_owned(),
            id: text(subject.id),
            base: text(subject.base),
            expected_revision: subject
                .expected_revision
                .map(|revision| revision.to_string())
                .unwrap_or_default(),
            conflict: None,
            notice: String::new(),
            save_href,
            title,
            presets: if subject.id.is_none() { &PRESETS } else { &[] },
            preset: None,
            active: draft.active,
            methods: method_options(&draft.method),
            secrets: SecretsView::default(),
            annotations: String::new(),
            headers: pairs("header", draft.headers),
            condition: filter::explain(&triggers, &draft.filters),
            filters: FiltersView::new(&draft.filters, seen),
            test_events: EventMenu::default(),
            preview_events: EventMenu::default(),
            triggers: trigger_options(&triggers),
            advanced_open: !draft.timeout_in_sec.is_empty()
                || !draft.response_validators.is_empty()
                || !draft.custom_validation_error_message.is_empty()
                || !draft.ordered
                || !draft.max_in_flight.is_empty()
                || !draft.rate_per_minute.is_empty()
                || !draft.retry_schedule.is_empty()
                || draft.traceparent,
            ordered: draft.ordered,
            traceparent: draft.traceparent,
            max_in_flight: draft.max_in_flight,
            default_in_flight: DeliveryPolicy::DEFAULT_MAX_IN_FLIGHT,
            rate_per_minute: draft.rate_per_minute,
            retry_schedule: draft.retry_schedule,
            default_schedule: format_schedule(&retry::DEFAULT_SCHEDULE),
            timeout: draft.timeout_in_sec,
            default_timeout: Webhook::DEFAULT_TIMEOUT.as_secs(),
            validators: draft
                .response_validators
                .into_iter()
                .enumerate()
                .map(|(row, validator)| ValidatorView::new(row, validator))
                .collect(),
            custom_message: draft.custom_validation_error_message,
            auth: draft.authentication,
            signing: draft.signing,
            generated_key: String::new(),
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
            prevented: FormAction::default(),
            name: draft.name,
            url: draft.url,
            body_template: draft.body_template,
        }
    }

    /// Adds validation errors, which prevent an action.
    pub(super) fn with_errors(mut self, errors: &FieldErrors, prevented: FormAction) -> Self {
        self.prevented = prevented;
        self.errors = errors.iter().map(|e| (element_id(e.field), e.message.clone())).collect();
        self.annotations = annotations::of_errors(errors);
        let advanced = ["timeout", "validator", "custom", "max_in", "rate", "retry"];
        let is_advanced = |id: &str| advanced.iter().any(|start| id.starts_with(start));
        self.advanced_open |= self.errors.iter().any(|(id, _)| is_advanced(id));
        self
    }

    /// Whether this preset was chosen.
    pub(super) fn is_chosen(&self, preset: &Preset) -> bool {
        self.preset.is_some_and(|chosen| chosen.id == preset.id)
    }

    /// Whether one of the collapsed presets was chosen.
    pub(super) fn is_other_chosen(&self) -> bool {
        self.preset.is_some_and(|chosen| !chosen.is_logpoint())
    }

    /// Whether there are validation errors.
    pub(super) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The banner above the form.
    pub(super) fn error_summary(&self) -> String {
        let action = match self.prevented {
            FormAction::Save => "saving",
            FormAction::Test => "testing",
        };
        match self.errors.len() {
            1 => format!("Fix 1 error before {action}."),
            count => format!("Fix {count} errors before {action}."),
        }
    }

    /// The errors of an element.
    pub(super) fn error(&self, id: &str) -> Option<String> {
        let messages: Vec<&str> =
            self.errors.iter().filter(|(at, _)| at == id).map(|(_, m)| m.as_str()).collect();
        if messages.is_empty() { None } else { Some(messages.join(" ")) }
    }

    /// The advice for an element; empty if there is none.
    pub(super) fn advice(&self, id: &str) -> &str {
        self.advice.iter().find(|(at, _)| at == id).map_or("", |(_, text)| text.as_str())
    }

    /// The attributes that connect an element with its error and its hint. The first element with an error gets the focus.
    /// The text is safe HTML, because ids contain no user input.
    pub(super) fn attrs(&self, id: &str) -> String {
        match self.errors.iter().position(|(at, _)| at == id) {
            None => format!("aria-describedby=\"{id}-hint\""),
            Some(index) => {
                let focus = if index == 0 { " autofocus" } else { "" };
                format!("aria-invalid=\"true\" aria-describedby=\"{id}-error {id}-hint\"{focus}")
            }
        }
    }

    /// Whether one of the collapsed filters is used or has an error.
    pub(super) fn opens_more_filters(&self) -> bool {
        self.filters.more_used > 0
            || self.filters.more.iter().any(|filter| self.error(&filter.id).is_some())
    }

    /// Whether one of the collapsed TLS fields is used or has an error.
    pub(super) fn opens_tls(&self) -> bool {
        let TlsDraft { min_version, client_certificate, client_key, .. } = &self.tls;
        let collapsed = ["tls_min_version", "tls_client_certificate", "tls_client_key"];
        [min_version, client_certificate, client_key].iter().any(|text| !text.is_empty())
            || collapsed.iter().any(|id| self.error(id).is_some())
    }

    /// Whether one of the collapsed OAuth fields is used or has an error.
    pub(super) fn opens_oauth(&self) -> bool {
        let AuthDraft { client_authentication, parameters, .. } = &self.auth;
        !matches!(client_authentication.as_str(), "" | "automatic")
            || !parameters.is_empty()
            || self.error("auth_client_authentication").is_some()
            || self.error("auth_parameters").is_some()
    }

    /// The further parameters of the token request, one per line.
    pub(super) fn oauth_parameters(&self) -> String {
        let pairs = self.auth.parameters.iter();
        let lines = pairs.map(|(name, value)| match value.as_str() {
            "" => name.clone(),
            value => format!("{name}={value}"),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The selected triggers.
    pub(super) fn selected_triggers(&self) -> impl Iterator<Item = &SelectOption> {
        self.triggers.iter().filter(|option| option.selected)
    }

    /// Renders the whole page.
    pub(super) async fn page(mut self, current: &CurrentUser) -> Result<Response, Error> {
        if !current.can(Permission::ReadAuditLog) {
            let audit = Trigger::Audit.as_str();
            self.triggers.retain(|option| option.selected || option.value != audit);
        }
        let title = if self.id.is_empty() || self.name.is_empty() {
            self.title.to_owned()
        } else {
            format!("{} · {}", self.name, self.title)
        };
        let page = Page::new(current, title, Nav::Webhooks).await?;
        page::html(&FormPage { page, form: self })
    }

    /// Renders the form without its page, for htmx.
    pub(super) fn part(self) -> Result<Response, Error> {
        page::html(&FormPart { form: self })
    }
}

/// Loads the form for a draft, with its preview and its event menus.
pub(super) async fn load(
    state: &WebState,
    current: &CurrentUser,
    subject: Subject,
    draft: Draft,
    choices: SecretChoices,
) -> Result<FormView, Error> {
    let seen = SeenValues::load(&state.db).await?;
    let default = EventChoice::sample_for(&draft.triggers);
    let preview_event = subject.preview_event.unwrap_or(default);
    let webhook = subject.id.or(subject.base);
    let entered = Entered { webhook, draft: draft.clone(), choices };
    // Boxed, so that they do not enlarge the futures of all requests that show the form.
    let preview = Box::pin(PreviewView::load(state, &entered, preview_event)).await?;
    let secrets = Box::pin(SecretsView::load(state, &entered)).await?;
    let key = &draft.signing.key;
    let is_shown = subject.shows_key && SecretName::in_reference(key).is_none();
    let generated_key = if is_shown { key.clone() } else { String::new() };
    let mut form = FormView::new(&current.session.csrf, subject, draft, &seen);
    form.generated_key = generated_key;
    form.secrets = secrets;
    form.preview = preview;
    form.preview_events = EventMenu::load(state, preview_event).await?;
    form.test_events = EventMenu::load(state, subject.test_event.unwrap_or(default)).await?;
    Ok(form)
}

fn method_options(selected: &str) -> Vec<SelectOption> {
    let option = |method: Method| {
        SelectOption::new(method.as_str(), method.as_str(), method.as_str() == selected)
    };
    Method::ALL.into_iter().map(option).collect()
}

fn trigger_options(selected: &[Trigger]) -> Vec<SelectOption> {
    let option = |trigger: Trigger| {
        SelectOption::new(trigger.as_str(), trigger.as_str(), selected.contains(&trigger))
    };
    Trigger::ALL.into_iter().map(option).collect()
}

fn pairs(kind: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Vec<PairView> {
    let pair = |(index, (key, value))| PairView { id: format!("{kind}-{index}"), key, value };
    pairs.into_iter().enumerate().map(pair).collect()
}
