//! The provider of the modules: the simulator, with the ways of the suite's own provider, and told by a
//! script what to do otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ciba::{AuthenticationRequest, Client};
use ciba_sim::personality::{Hint, Person, Personality};
use ciba_sim::{Answer, ClientCertificates, Draft, Fault, IssuedCertificate, Kind, Verdict, personality};
use serde_json::{Value, json};

use crate::common::{Pair, error};
use crate::requests::{Facts, notification_token};
use crate::variant::{ClientAuth, Mode, Variant};

/// One fact about the provider. Every closure changes what the provider would have sent.
#[derive(Clone, Copy)]
pub enum Does {
    /// Says that polls are to come so many seconds apart, and throttles those that do not.
    AsksForInterval(u64),
    Metadata(fn(&mut Value)),
    KeySet(fn(&mut Value)),
    /// The answer to the authentication request.
    Acknowledgement(fn(&mut Value)),
    /// Refuses the first, second, … authentication request with this code.
    RefusesRequest {
        nth: usize,
        code: &'static str,
    },
    /// What becomes of the second call of the token endpoint.
    SecondCall(fn() -> Fault),
    TokenResponse(fn(&mut Value)),
    /// The ID Token of the first sign-in, before it is signed.
    IdToken(fn(&mut Draft)),
    /// That of a refresh, and of another sign-in.
    RefreshedIdToken(fn(&mut Draft)),
    /// Refuses the access token so many times.
    RefusesAccessToken(usize),
    Userinfo(fn(&mut Value)),
    /// Signs with a new key as soon as the request is acknowledged and the keys are fetched.
    ChangesKeyMeanwhile {
        published: bool,
    },
    /// Wants a nonce in DPoP proofs.
    WantsNonce,
    /// With ping: how.
    Pings(Pings),
    /// The person does this in place of approving.
    Person(&'static str),
}

/// How the provider pings.
#[derive(Clone, Copy)]
pub struct Pings {
    /// How often, one after the other.
    pub times: usize,
    /// Once more when the flow has ended.
    pub afterwards: bool,
    pub token: fn(String) -> String,
    pub auth_req_id: fn(String) -> String,
    /// The HTTP status that it must be answered with.
    pub answer: u16,
}

/// Once, with the token that the request brought.
pub const ONCE: Pings =
    Pings { times: 1, afterwards: false, token: |token| token, auth_req_id: |id| id, answer: 204 };

pub const CLIENT_ID: &str = "client of the suite+/é";
const CLIENT_SECRET: &str = "a secret of the suite: 7+/=%";
const CLIENT_NAME: &str = "client.suite.example";
/// The registered scope, which is asked for as it is.
pub const SCOPE: &str = "openid payments offline_access";
/// The algorithm of the provider's ID Tokens.
pub const ID_TOKEN_ALG: &str = "PS256";
/// When the person approves: the third call of the token endpoint finds the tokens.
pub const APPROVES: &str = "approve after 11 s";
/// Nobody answers.
pub const NEVER: &str = "never";
/// Lifetime of access tokens, in seconds.
const ACCESS_TOKEN_LIFE: u64 = 600;
/// The endpoints behind the issuer, which ends with a slash. The key set is where only metadata say it is.
pub const START: &str = "backchannel-authentication";
pub const TOKEN: &str = "token";
pub const USERINFO: &str = "userinfo";
pub const JWKS: &str = "jwks-3f2a8c51";

fn personality() -> Personality {
    Personality {
        name: "conformance",
        root: "/",
        jwks: JWKS,
        start: START,
        token: TOKEN,
        userinfo: USERINFO,
        introspection: None,
        revocation: None,
        metadata,
        person,
        ..personality::generic()
    }
}

fn metadata(_issuer: &str) -> Value {
    json!({
        "grant_types_supported": ["urn:openid:params:grant-type:ciba", "refresh_token"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"],
        "token_endpoint_auth_signing_alg_values_supported": ["PS256", "ES256"],
        "backchannel_authentication_request_signing_alg_values_supported": ["PS256", "ES256"],
        "id_token_signing_alg_values_supported": ["PS256", "ES256", "RS256"],
        "id_token_encryption_alg_values_supported": ["RSA-OAEP", "RSA-OAEP-256"],
        "id_token_encryption_enc_values_supported": ["A128GCM", "A256GCM"],
        "backchannel_token_delivery_modes_supported": ["poll", "ping"],
        "backchannel_user_code_parameter_supported": false,
        "dpop_signing_alg_values_supported": ["PS256", "ES256"],
    })
}

/// Whom a hint means; an ID Token as hint means its subject.
fn person(hint: &Hint<'_>) -> Result<Person, &'static str> {
    let id = match hint.name {
        "id_token_hint" => subject(hint.value).ok_or("invalid_id_token_hint")?,
        _ => hint.value.to_owned(),
    };
    let text = hint.binding_message.unwrap_or_default().to_owned();
    Ok(Person { id, verdict: Verdict::in_text(&text), text })
}

fn subject(jwt: &str) -> Option<String> {
    let claims: Value = serde_json::from_slice(&BASE64.decode(jwt.split('.').nth(1)?).ok()?).ok()?;
    claims["sub"].as_str().map(str::to_owned)
}

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../fixtures/keys/", $name))
    };
}
pub(crate) use key;

/// The client's public keys, as it registered them: `kid` is the name.
fn client_keys() -> Value {
    let keys: Value = serde_json::from_str(key!("keys.jwk.json")).unwrap();
    let public = ["rsa", "p256"].map(|name| {
        let mut key = keys[name].clone();
        key.as_object_mut()
            .unwrap()
            .retain(|name, _| matches!(name.as_str(), "kty" | "crv" | "x" | "y" | "n" | "e"));
        key["kid"] = name.into();
        key
    });
    json!({ "keys": public })
}

/// A provider with one registered client, and the certificate of that.
pub struct Suite {
    pub pair: Pair,
    pub variant: Variant,
    certificate: IssuedCertificate,
    script: Vec<Does>,
}

impl Suite {
    pub fn start(variant: Variant, script: Vec<Does>) -> Suite {
        let method = variant.client_auth_type.method();
        let secret = if method == "client_secret_basic" { CLIENT_SECRET } else { "" };
        let mut client = ciba_sim::Client::new(CLIENT_ID, secret);
        client.token_endpoint_auth_method = Some(method.into());
        client.token_endpoint_auth_signing_alg = Some(variant.signing_algorithm().into());
        client.backchannel_authentication_request_signing_alg = Some(variant.signing_algorithm().into());
        client.tls_client_auth_san_dns = Some(CLIENT_NAME.into());
        client.tls_client_certificate_bound_access_tokens = !variant.dpop;
        client.dpop_bound_access_tokens = variant.dpop;
        // Without an endpoint the provider does not ping by itself: the script does.
        client.backchannel_token_delivery_mode = Some(variant.ciba_mode.name().into());
        client.jwks = client_keys();
        let pair = Pair::with(personality(), |config| {
            config.mtls = Some(ClientCertificates::Requested);
            config.clients = vec![client];
            // Whoever was pinged may call at once (CIBA Core §10.1).
            config.throttle = variant.ciba_mode == Mode::Poll;
            config.interval = script.iter().find_map(|does| match does {
                Does::AsksForInterval(seconds) => Some(*seconds),
                _ => None,
            });
        });
        let certificate = pair.provider.client_authority().issue(CLIENT_NAME);
        let suite = Suite { pair, variant, certificate, script };
        suite.order();
        suite
    }

    /// Gives the simulator its orders: the ways of the suite's provider first, then the script.
    fn order(&self) {
        let provider = &self.pair.provider;
        let asks = self.script.iter().any(|does| matches!(does, Does::AsksForInterval(_)));
        let mut acknowledgement: Vec<fn(&mut Value)> = Vec::new();
        if !asks {
            acknowledgement.push(|body| drop(body.as_object_mut().unwrap().remove("interval")));
        }
        let mut tokens: Vec<fn(&mut Value)> = vec![|body| body["expires_in"] = ACCESS_TOKEN_LIFE.into()];
        let mut refused = None;
        let (mut userinfo, mut metadata, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        let (mut first, mut later) = (Vec::<fn(&mut Draft)>::new(), Vec::<fn(&mut Draft)>::new());
        for does in &self.script {
            match *does {
                Does::AsksForInterval(_)
                | Does::ChangesKeyMeanwhile { .. }
                | Does::Pings(_)
                | Does::Person(_) => {}
                Does::WantsNonce => provider.set_dpop_nonce(Some("nonce-7f3a")),
                Does::Metadata(change) => metadata.push(change),
                Does::KeySet(change) => keys.push(change),
                Does::Acknowledgement(change) => acknowledgement.push(change),
                Does::RefusesRequest { nth, code } => refused = Some((nth, code)),
                Does::SecondCall(fault) => {
                    provider.next(Kind::Poll, Fault::Pass);
                    provider.next(Kind::Poll, fault());
                }
                Does::TokenResponse(change) => tokens.push(change),
                Does::IdToken(change) => first.push(change),
                Does::RefreshedIdToken(change) => later.push(change),
                Does::RefusesAccessToken(times) => {
                    let refusal =
                        Answer::new(401, "").header("www-authenticate", "Bearer error=\"invalid_token\"");
                    (0..times).for_each(|_| provider.next(Kind::Userinfo, Fault::Answer(refusal.clone())));
                }
                Does::Userinfo(change) => userinfo.push(change),
            }
        }
        let changed = |changes: Vec<fn(&mut Value)>| {
            Fault::Modify(Arc::new(move |body| changes.iter().for_each(|change| change(body))))
        };
        let acknowledged = changed(acknowledgement);
        if let Some((nth, code)) = refused {
            (1..nth).for_each(|_| provider.next(Kind::Start, acknowledged.clone()));
            provider.next(Kind::Start, error(400, code));
        }
        provider.always(Kind::Start, acknowledged);
        provider.always(Kind::Discovery, changed(metadata));
        provider.always(Kind::Jwks, changed(keys));
        provider.always(Kind::Userinfo, changed(userinfo));
        let all = move |body: &mut Value| {
            if body.get("access_token").is_some() {
                tokens.iter().for_each(|change| change(body));
            }
        };
        provider.always(Kind::Poll, Fault::Modify(Arc::new(all)));
        let issued = AtomicUsize::new(0);
        provider.every_id_token(move |token| {
            token.header["alg"] = ID_TOKEN_ALG.into();
            let changes = if issued.fetch_add(1, Ordering::Relaxed) == 0 { &first } else { &later };
            changes.iter().for_each(|change| change(token));
        });
    }

    /// The client under test, with these settings in place of the variant's.
    pub fn client(&self, settings: &[(&str, &str)]) -> Client {
        let algorithm = self.variant.signing_algorithm();
        let (key, kid) = match algorithm {
            "ES256" => (key!("p256_pkcs8.pem"), "p256"),
            _ => (key!("rsa_pkcs8.pem"), "rsa"),
        };
        let own = [
            (
                "profile",
                match self.variant.client_auth_type {
                    ClientAuth::ClientSecretBasic => "",
                    _ => "fapi-ciba",
                },
            ),
            ("backchannel_token_delivery_mode", self.variant.ciba_mode.name()),
            (
                "backchannel_client_notification_endpoint",
                match self.variant.ciba_mode {
                    Mode::Poll => "",
                    Mode::Ping => "https://client.suite.example/ciba",
                },
            ),
            ("token_endpoint_auth_method", self.variant.client_auth_type.method()),
            (
                "token_endpoint_auth_signing_alg",
                match self.variant.client_auth_type {
                    ClientAuth::PrivateKeyJwt => algorithm,
                    _ => "",
                },
            ),
            ("backchannel_authentication_request_signing_alg", algorithm),
            ("client_private_key", key),
            ("client_key_id", kid),
            ("id_token_signed_response_alg", ID_TOKEN_ALG),
        ];
        let by_key = [("dpop_bound_access_tokens", "true")];
        let by_certificate = [
            ("tls_client_certificate", self.certificate.certificate.as_str()),
            ("tls_client_key", &self.certificate.key),
            ("tls_client_certificate_bound_access_tokens", "true"),
        ];
        let bound = if self.variant.dpop { &by_key[..] } else { &by_certificate };
        self.pair.client_with(&[&own, bound, settings].concat())
    }

    /// What the client asks; with an ID Token as hint, or a name.
    pub fn request(&self, id_token: Option<&str>, expected: &[(&str, &str)]) -> AuthenticationRequest {
        // With ping the person acts when the ping is sent.
        let text = if self.variant.ciba_mode == Mode::Ping { "K7-42" } else { self.person() };
        let mut parameters = vec![("scope", SCOPE), ("binding_message", text)];
        parameters.extend(id_token.iter().flat_map(|hint| [("login_hint", ""), ("id_token_hint", hint)]));
        parameters.extend(expected);
        self.pair.request_with(&parameters)
    }

    /// What the person does.
    fn person(&self) -> &'static str {
        let person = self.script.iter().rev().find_map(|does| match does {
            Does::Person(phrase) => Some(*phrase),
            _ => None,
        });
        person.unwrap_or(APPROVES)
    }

    /// How the provider pings.
    pub fn pings(&self) -> Pings {
        let pings = self.script.iter().rev().find_map(|does| match does {
            Does::Pings(pings) => Some(*pings),
            _ => None,
        });
        pings.unwrap_or(ONCE)
    }

    /// Whether there is anything to ping for.
    pub fn is_to_ping(&self) -> bool {
        self.variant.ciba_mode == Mode::Ping && self.person() != NEVER
    }

    /// The person acts, now.
    pub fn act(&self) {
        let provider = &self.pair.provider;
        let verdict = Verdict::in_text(self.person()).unwrap();
        assert!(provider.end(&provider.newest().unwrap(), Verdict { after_ms: 0, ..verdict }));
    }

    /// Sends the client a ping for its newest request (CIBA Core §10.2), and looks at the answer.
    pub fn ping(&self, client: &Client) {
        let pings = self.pings();
        let journal = self.pair.provider.journal();
        let start = journal.iter().rfind(|entry| entry.kind == Kind::Start).unwrap();
        let authorization = format!("Bearer {}", (pings.token)(notification_token(start).unwrap()));
        let id = (pings.auth_req_id)(start.auth_req_id.clone().unwrap());
        let body = json!({ "auth_req_id": id }).to_string();
        let answer = client
            .deliver_notification("POST", Some(&authorization), Some("application/json"), body.as_bytes())
            .unwrap();
        assert_eq!(answer.http_status(), pings.answer, "the answer to the ping");
    }

    /// The code with which a request is refused.
    pub fn refusal(&self) -> Option<&'static str> {
        self.script.iter().find_map(|does| match does {
            Does::RefusesRequest { code, .. } => Some(*code),
            _ => None,
        })
    }

    /// What is known of the provider.
    pub fn facts(&self) -> Facts<'_> {
        let (time, issuer) = (&self.pair.time, self.pair.provider.issuer());
        Facts { variant: self.variant, issuer, unix_at_zero: time.unix_ms() - time.now_ms() as i64 }
    }

    /// What happens as soon as the request is acknowledged.
    pub fn meanwhile(&self) {
        let published = self.script.iter().rev().find_map(|does| match does {
            Does::ChangesKeyMeanwhile { published } => Some(*published),
            _ => None,
        });
        if let Some(published) = published {
            self.pair.await_answers(3);
            self.pair.provider.rotate_key(if published { 0 } else { u32::MAX });
        }
    }
}
