//! Logpoint's documented incident API, with a few incidents in memory.
//!
//! The simulator defines what is not documented: a call changes either all of its incidents or none, an open incident can
//! be reopened, and a closed one cannot be closed again. The error messages are invented, except for `Authentication
//! Failed`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::http::{Request, Response};

/// Ids of the incidents: those of the examples in Logpoint's Incident API reference, so that an example copied from
/// there works here. The first two incidents are closed, the third is resolved.
pub(crate) const INCIDENTS: [&str; 3] =
    ["5a62bd8cce983de89085429c", "5a62bd8cce983de89085429b", "5a62bd8cce983de89085429e"];
/// Id of the user whose key is accepted.
pub(crate) const API_USER: &str = "58c26fd3d8aaa40dd8a2e101";
/// Id of another user, to whom the incidents are assigned initially.
pub(crate) const ANALYST: &str = "58c26fd3d8aaa40dd8a2e102";

/// State of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// New or reopened.
    Open,
    Resolved,
    Closed,
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incident {
    /// The id that calls use: 24 hex digits.
    pub(crate) id: String,
    pub(crate) state: State,
    /// Id of a user.
    pub(crate) assignee: String,
    pub(crate) comments: Vec<String>,
}

impl Incident {
    fn to_json(&self) -> Value {
        let state = match self.state {
            State::Open => "unresolved",
            State::Resolved => "resolved",
            State::Closed => "closed",
        };
        json!({
            "id": self.id, "incident_id": self.incident_id(), "name": "Privileged access",
            "status": state, "assigned_to": self.assignee, "comments": self.comments,
            "detection_timestamp": self.detected_at(),
        })
    }

    /// The other id, with 32 hex digits, which calls do not accept.
    fn incident_id(&self) -> String {
        format!("{}00000000", self.id.chars().rev().collect::<String>())
    }

    /// The first eight digits of the id are the Unix time.
    fn detected_at(&self) -> i64 {
        let seconds = self.id.get(..8).and_then(|hex| i64::from_str_radix(hex, 16).ok());
        seconds.unwrap_or_default()
    }
}

/// The simulated appliance.
pub(super) struct Logpoint {
    username: String,
    secret_key: String,
    incidents: Mutex<Vec<Incident>>,
}

/// Error message of a response with status 200.
type Rejection = String;

impl Logpoint {
    pub(super) fn new(username: String, secret_key: String) -> Self {
        let states = [State::Closed, State::Closed, State::Resolved];
        let incident = |(id, state): (&str, State)| Incident {
            id: id.to_owned(),
            state,
            assignee: ANALYST.to_owned(),
            comments: Vec::new(),
        };
        let incidents = INCIDENTS.into_iter().zip(states).map(incident).collect();
        Self { username, secret_key, incidents: Mutex::new(incidents) }
    }

    pub(super) fn incidents(&self) -> MutexGuard<'_, Vec<Incident>> {
        self.incidents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn respond(&self, request: &Request) -> Response {
        let path = request.path.split('?').next().unwrap_or_default();
        let expected = match path {
            "/reopen_incident"
            | "/close_incident"
            | "/resolve_incident"
            | "/assign_incident"
            | "/add_incident_comment"
            | "/getalloweddata" => "POST",
            "/incidents" | "/incident_states" | "/get_data_from_incident" | "/get_users" => "GET",
            _ => return Response::html(404),
        };
        if request.method != expected {
            return Response::html(405);
        }
        let response = if path == "/getalloweddata" {
            self.allowed_data(&request.body)
        } else {
            let Ok(body @ Value::Object(_)) = serde_json::from_slice(&request.body) else {
                return Response::html(400);
            };
            self.call(path, &body)
        };
        match response {
            Ok(value) => Response::json(&value),
            Err(message) => Response::verdict(false, &message),
        }
    }

    fn check(&self, username: Option<&str>, secret_key: Option<&str>) -> Result<(), Rejection> {
        if username == Some(self.username.as_str()) && secret_key == Some(self.secret_key.as_str())
        {
            Ok(())
        } else {
            Err("Authentication Failed".to_owned())
        }
    }

    /// The only call with a form body. Gatepost uses it to check credentials, because it changes nothing.
    fn allowed_data(&self, body: &[u8]) -> Result<Value, Rejection> {
        let form: Vec<_> = url::form_urlencoded::parse(body).collect();
        let field = |name| form.iter().find(|(known, _)| known == name).map(|(_, v)| v.as_ref());
        self.check(field("username"), field("secret_key"))?;
        match field("type") {
            Some("user_preference") => Ok(json!({
                "success": true, "timezone": "UTC", "date_format": "%Y/%m/%d",
                "hour_format": "%H:%M:%S",
            })),
            _ => Err("Unknown type".to_owned()),
        }
    }

    fn call(&self, path: &str, body: &Value) -> Result<Value, Rejection> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        self.check(text("username"), text("secret_key"))?;
        if path == "/get_users" {
            return Ok(json!({"success": true, "users": [
                {"id": API_USER, "name": self.username}, {"id": ANALYST, "name": "analyst"},
            ]}));
        }
        let data = body.get("requestData").ok_or("requestData is missing")?;
        match path {
            "/incidents" => self.list("incidents", data),
            "/incident_states" => self.list("states", data),
            "/get_data_from_incident" => self.data(data),
            "/add_incident_comment" => self.comment(data),
            "/assign_incident" => self.assign(data),
            "/resolve_incident" => self.resolve(data),
            "/close_incident" => self.close(data),
            _ => {
                let open = |incident: &mut Incident| incident.state = State::Open;
                self.change(data, |_incident| Ok(()), open)?;
                Ok(done("Incidents reopened"))
            }
        }
    }

    fn resolve(&self, data: &Value) -> Result<Value, Rejection> {
        let check = |incident: &Incident| match incident.state {
            _ if incident.assignee != API_USER => Err("Incident is not assigned to the user"),
            State::Closed => Err("Incident is closed"),
            State::Open | State::Resolved => Ok(()),
        };
        self.change(data, check, |incident| incident.state = State::Resolved)?;
        Ok(done("Incidents resolved"))
    }

    fn close(&self, data: &Value) -> Result<Value, Rejection> {
        let check = |incident: &Incident| match incident.state {
            _ if incident.assignee != API_USER => Err("Incident is not assigned to the user"),
            State::Open | State::Closed => Err("Incident is not resolved"),
            State::Resolved => Ok(()),
        };
        self.change(data, check, |incident| incident.state = State::Closed)?;
        Ok(done("Incidents closed"))
    }

    fn assign(&self, data: &Value) -> Result<Value, Rejection> {
        let user = data.get("new_assignee").and_then(Value::as_str).unwrap_or_default();
        if ![API_USER, ANALYST].contains(&user) {
            return Err("User not found".to_owned());
        }
        self.change(data, |_incident| Ok(()), |incident| user.clone_into(&mut incident.assignee))?;
        Ok(done("Incidents re-assigned"))
    }

    /// Changes all incidents in `incident_ids`, or none if one of them must not be changed.
    fn change(
        &self,
        data: &Value,
        check: impl Fn(&Incident) -> Result<(), &'static str>,
        apply: impl Fn(&mut Incident),
    ) -> Result<(), Rejection> {
        version(data)?;
        let ids = texts(data, "incident_ids")?;
        let mut incidents = self.incidents();
        for id in &ids {
            check(find(&mut incidents, id)?).map_err(|error| format!("{error}: {id}"))?;
        }
        for id in &ids {
            apply(find(&mut incidents, id)?);
        }
        Ok(())
    }

    fn comment(&self, data: &Value) -> Result<Value, Rejection> {
        version(data)?;
        let mut incidents = self.incidents();
        let mut new = Vec::new();
        for state in list(data, "states")? {
            let id = state.get("_id").and_then(Value::as_str).unwrap_or_default();
            find(&mut incidents, id)?;
            new.push((id, texts(state, "comments")?));
        }
        for (id, comments) in new {
            let comments = comments.into_iter().map(str::to_owned);
            find(&mut incidents, id)?.comments.extend(comments);
        }
        Ok(done("Comments added"))
    }

    fn list(&self, key: &str, data: &Value) -> Result<Value, Rejection> {
        let timestamp = |name| data.get(name).and_then(Value::as_i64);
        let (Some(from), Some(to)) = (timestamp("ts_from"), timestamp("ts_to")) else {
            return Err("ts_from and ts_to must be integers".to_owned());
        };
        let incidents = self.incidents();
        let found = incidents.iter().filter(|one| (from..=to).contains(&one.detected_at()));
        let found: Vec<Value> = found.map(Incident::to_json).collect();
        Ok(json!({"success": true, "version": "0.1", key: found}))
    }

    fn data(&self, data: &Value) -> Result<Value, Rejection> {
        let text = |name| data.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut incidents = self.incidents();
        let incident = find(&mut incidents, text("incident_obj_id"))?;
        if text("incident_id") != incident.incident_id() || data.get("date").is_none() {
            return Err("Incident not found".to_owned());
        }
        let row = json!({"log_ts": incident.detected_at(), "msg": "Privileged access"});
        Ok(json!({"success": true, "rows": [row]}))
    }
}

fn done(message: &str) -> Value {
    json!({"success": true, "message": message})
}

fn version(data: &Value) -> Result<(), Rejection> {
    let known = data.get("version").and_then(Value::as_str) == Some("0.1");
    if known { Ok(()) } else { Err("Unknown version".to_owned()) }
}

/// Reads a list that must not be empty.
fn list<'a>(data: &'a Value, name: &str) -> Result<&'a Vec<Value>, Rejection> {
    let values = data.get(name).and_then(Value::as_array).filter(|values| !values.is_empty());
    values.ok_or_else(|| format!("{name} is missing"))
}

/// Reads a list of texts that must not be empty.
fn texts<'a>(data: &'a Value, name: &str) -> Result<Vec<&'a str>, Rejection> {
    let texts = list(data, name)?.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
    texts.ok_or_else(|| format!("{name} must be texts"))
}

fn find<'a>(incidents: &'a mut [Incident], id: &str) -> Result<&'a mut Incident, Rejection> {
    if id.len() != 24 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("Invalid incident id: {id}"));
    }
    let found = incidents.iter_mut().find(|incident| incident.id == id);
    found.ok_or_else(|| format!("Incident not found: {id}"))
}
