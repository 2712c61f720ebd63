//! An identity provider that can respond wrongly. It signs with Ed25519.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use gatepost::app::system_sources;
use hmac::{Hmac, KeyInit as _, Mac as _};
use parking_lot::Mutex;
use rcgen::{KeyPair, PKCS_ED25519, SigningKey as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use url::Url;

use super::rsa::RsaKey;
use crate::support::identity_provider::{CLIENT_ID, CLIENT_SECRET};

/// How the token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Signature {
    #[default]
    Right,
    /// By another key with the same id.
    OtherKey,
    /// One byte is changed.
    Damaged,
    /// `alg: none`, without a signature.
    None,
    /// HMAC, with the public key as the secret.
    PublicKeyAsSecret,
    /// HMAC, with the client secret.
    ClientSecret,
    /// By the RSA key with this id, with this algorithm.
    Rsa(&'static str, &'static str),
}

/// How an endpoint misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Endpoint {
    #[default]
    Right,
    Redirects,
    Huge,
    Silent,
    Html,
    Fails,
}

/// What the provider does at the next sign-in. By default, everything is right.
#[derive(Debug, Clone, Default)]
pub(super) struct Behaviour {
    /// Claims that replace those of the token. `null` removes one.
    pub(super) claims: Value,
    /// Fields that replace those of the token's header.
    pub(super) header: Value,
    pub(super) signature: Signature,
    /// Fields that replace those of the metadata.
    pub(super) metadata: Value,
    pub(super) discovery: Endpoint,
    pub(super) keys: Endpoint,
    pub(super) token: Endpoint,
    /// What `UserInfo` says in addition to the subject.
    pub(super) user_info: Value,
    /// Parameters that replace those of the response in the address.
    pub(super) response: Vec<(&'static str, Option<String>)>,
}

#[derive(Default)]
struct Shared {
    behaviour: Behaviour,
    /// Nonce and PKCE challenge of each code that was not used.
    codes: HashMap<String, (String, String)>,
    key: Option<(String, Arc<KeyPair>)>,
    rsa: Vec<Arc<RsaKey>>,
    /// Requests by path.
    requests: HashMap<&'static str, usize>,
    next_code: usize,
}

#[derive(Clone)]
struct Server {
    issuer: String,
    shared: Arc<Mutex<Shared>>,
}

pub(super) struct FakeProvider {
    server: Server,
    /// Dropping it stops the provider.
    _tasks: JoinSet<()>,
}

impl FakeProvider {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let server = Server { issuer, shared: Arc::default() };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(user_info))
            .with_state(server.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        let provider = Self { server, _tasks: tasks };
        provider.rotate("first");
        provider
    }

    pub(super) fn issuer(&self) -> &str {
        &self.server.issuer
    }

    pub(super) fn behave(&self, behaviour: Behaviour) {
        self.server.shared.lock().behaviour = behaviour;
    }

    /// Replaces the key.
    pub(super) fn rotate(&self, id: &str) {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        self.server.shared.lock().key = Some((id.to_owned(), Arc::new(key)));
    }

    /// Adds an RSA key. Call it before the first sign-in, because Gatepost reads the keys only then.
    pub(super) fn add_rsa(&self, key: RsaKey) {
        self.server.shared.lock().rsa.push(Arc::new(key));
    }

    /// Returns how often an endpoint was requested.
    pub(super) fn requests(&self, endpoint: &str) -> usize {
        self.server.shared.lock().requests.get(endpoint).copied().unwrap_or_default()
    }

    /// Signs the user in who was sent to this address, and returns the path to which the browser is sent back.
    pub(super) fn authorize(&self, address: &str) -> String {
        let url = Url::parse(address).unwrap();
        assert!(address.starts_with(&format!("{}/authorize?", self.issuer())), "{address}");
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        for (name, value) in
            [("response_type", "code"), ("client_id", CLIENT_ID), ("code_challenge_method", "S256")]
        {
            assert_eq!(query[name], value, "{address}");
        }
        assert!(query["scope"].split(' ').any(|scope| scope == "openid"), "{address}");
        let mut shared = self.server.shared.lock();
        shared.next_code += 1;
        let code = format!("code {}", shared.next_code);
        let expected = (query["nonce"].clone(), query["code_challenge"].clone());
        shared.codes.insert(code.clone(), expected);
        let right = [
            ("code", Some(code)),
            ("state", Some(query["state"].clone())),
            ("iss", Some(self.issuer().to_owned())),
        ];
        let changes = &shared.behaviour.response;
        let replaced = |name: &str| changes.iter().find(|(other, _)| *other == name);
        let kept = right.iter().filter(|(name, _)| replaced(name).is_none());
        let mut callback = Url::parse(&query["redirect_uri"]).unwrap();
        for (name, value) in kept.chain(changes) {
            if let Some(value) = value {
                callback.query_pairs_mut().append_pair(name, value);
            }
        }
        format!("{}?{}", callback.path(), callback.query().unwrap_or_default())
    }
}

fn merge(mut base: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().into_iter().flatten() {
        if value.is_null() {
            base.as_object_mut().unwrap().shift_remove(name);
        } else {
            base[name] = value.clone();
        }
    }
    base
}

impl Server {
    /// Counts a request, and returns the behaviour with the response of a misbehaving endpoint.
    async fn enter(
        &self,
        name: &'static str,
        endpoint: impl Fn(&Behaviour) -> Endpoint,
    ) -> (Behaviour, Option<Response>) {
        let behaviour = {
            let mut shared = self.shared.lock();
            *shared.requests.entry(name).or_default() += 1;
            shared.behaviour.clone()
        };
        let wrong = match endpoint(&behaviour) {
            Endpoint::Right => None,
            Endpoint::Redirects => {
                let to = [(header::LOCATION, format!("{}/elsewhere", self.issuer))];
                Some((StatusCode::FOUND, to).into_response())
            }
            Endpoint::Huge => {
                let body = format!("{{\"x\":\"{}\"}}", "x".repeat(1 << 20));
                Some(([(header::CONTENT_TYPE, "application/json")], body).into_response())
            }
            Endpoint::Silent => std::future::pending().await,
            Endpoint::Html => Some(axum::response::Html("<p>Maintenance</p>").into_response()),
            Endpoint::Fails => Some((StatusCode::BAD_GATEWAY, "down").into_response()),
        };
        (behaviour, wrong)
    }

    fn sign(&self, behaviour: &Behaviour, nonce: &str) -> String {
        let (id, key) = self.shared.lock().key.clone().unwrap();
        let now = system_sources().now();
        let seconds = |minutes: i64| (now + TimeDelta::minutes(minutes)).timestamp();
        let claims = merge(
            json!({
                "iss": self.issuer, "aud": CLIENT_ID, "sub": "subject-1", "nonce": nonce,
                "iat": seconds(0), "exp": seconds(5), "auth_time": seconds(0),
                "email": "eve@example.com", "email_verified": true, "groups": ["soc"],
            }),
            &behaviour.claims,
        );
        let algorithm = match behaviour.signature {
            Signature::None => "none",
            Signature::PublicKeyAsSecret | Signature::ClientSecret => "HS256",
            Signature::Right | Signature::OtherKey | Signature::Damaged => "EdDSA",
            Signature::Rsa(_, algorithm) => algorithm,
        };
        let id = if let Signature::Rsa(id, _) = behaviour.signature { id } else { &id };
        let header = merge(json!({ "alg": algorithm, "kid": id, "typ": "JWT" }), &behaviour.header);
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(&header), encode(&claims));
        let hmac = |secret: &[u8]| {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
            mac.update(text.as_bytes());
            mac.finalize().into_bytes().to_vec()
        };
        let signature = match behaviour.signature {
            Signature::Right => key.sign(text.as_bytes()).unwrap(),
            Signature::OtherKey => {
                KeyPair::generate_for(&PKCS_ED25519).unwrap().sign(text.as_bytes()).unwrap()
            }
            Signature::Damaged => {
                let mut signature = key.sign(text.as_bytes()).unwrap();
                signature[10] ^= 1;
                signature
            }
            Signature::None => Vec::new(),
            Signature::PublicKeyAsSecret => hmac(key.public_key_raw()),
            Signature::ClientSecret => hmac(CLIENT_SECRET.as_bytes()),
            Signature::Rsa(id, algorithm) => {
                let rsa = self.shared.lock().rsa.clone();
                rsa.iter().find(|key| key.id == id).unwrap().sign(algorithm, &text)
            }
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn reply(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn discovery(State(server): State<Server>) -> Response {
    let (behaviour, wrong) = server.enter("discovery", |behaviour| behaviour.discovery).await;
    let at = |path: &str| format!("{}{path}", server.issuer);
    let metadata = json!({
        "issuer": server.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "end_session_endpoint": at("/logout"),
        "jwks_uri": at("/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "HS256"],
        "authorization_response_iss_parameter_supported": true,
    });
    wrong.unwrap_or_else(|| reply(&merge(metadata, &behaviour.metadata)))
}

async fn keys(State(server): State<Server>) -> Response {
    let (_, wrong) = server.enter("keys", |behaviour| behaviour.keys).await;
    let (id, key) = server.shared.lock().key.clone().unwrap();
    let x = URL_SAFE_NO_PAD.encode(key.public_key_raw());
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": id, "x": x });
    let rsa: Vec<Value> = server.shared.lock().rsa.iter().map(|key| key.jwk()).collect();
    let keys: Vec<Value> = std::iter::once(key).chain(rsa).collect();
    wrong.unwrap_or_else(|| reply(&json!({ "keys": keys })))
}

async fn token(State(server): State<Server>, headers: HeaderMap, body: String) -> Response {
    let (behaviour, wrong) = server.enter("token", |behaviour| behaviour.token).await;
    let form: HashMap<String, String> =
        url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    if let Some(wrong) = wrong {
        return wrong;
    }
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = STANDARD.encode(format!("{}:{}", encode(CLIENT_ID), encode(CLIENT_SECRET)));
    let refuse =
        |error: &str| (StatusCode::BAD_REQUEST, reply(&json!({ "error": error }))).into_response();
    if headers
        .get(header::AUTHORIZATION)
        .is_none_or(|found| *found != *format!("Basic {credentials}"))
    {
        return refuse("invalid_client");
    }
    let expected = server.shared.lock().codes.remove(&form["code"]);
    let Some((nonce, challenge)) = expected else { return refuse("invalid_grant") };
    if URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"])) != challenge {
        return refuse("invalid_grant");
    }
    let token = server.sign(&behaviour, &nonce);
    reply(
        &json!({ "access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token }),
    )
}

async fn user_info(State(server): State<Server>) -> Response {
    let (behaviour, _) = server.enter("userinfo", |_| Endpoint::Right).await;
    reply(&merge(json!({ "sub": "subject-1" }), &behaviour.user_info))
}
