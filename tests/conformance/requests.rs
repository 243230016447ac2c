//! What every request of every module must be like, whatever the module is about. The simulator has verified
//! the signatures; here is what a provider may overlook.

use std::collections::HashSet;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ciba_sim::{Entry, Kind};
use serde_json::{Map, Value, json};

use crate::provider::{CLIENT_ID, JWKS, SCOPE, START, TOKEN, USERINFO};
use crate::variant::{ClientAuth, Mode, Variant};

/// What stands in the form of each way to prove oneself.
const ASSERTION: &[&str] = &["client_id", "client_assertion_type", "client_assertion"];
const CERTIFICATE: &[&str] = &["client_id"];
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const GRANT: &str = "urn:openid:params:grant-type:ciba";
/// The claims of a signed request: those of the JWT, `client_id`, and what is asked beside the hint.
const ASKED: [&str; 9] = ["iss", "aud", "iat", "nbf", "exp", "jti", "client_id", "scope", "binding_message"];
const NOTIFICATION_TOKEN: &str = "client_notification_token";
const HINTS: [&str; 2] = ["login_hint", "id_token_hint"];
const HOUR: i64 = 3600;

/// What the checks know of the provider and its client.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub variant: Variant,
    pub issuer: &'a str,
    /// What the wall clock said at 0 ms, in Unix ms.
    pub unix_at_zero: i64,
}

/// What is wrong with the requests of a journal.
pub fn faults(journal: &[Entry], facts: Facts<'_>) -> Vec<String> {
    let mut seen = Seen { facts, once: HashSet::new(), auth_req_id: None, faults: Vec::new() };
    journal.iter().for_each(|entry| seen.look_at(entry));
    seen.faults
}

struct Seen<'a> {
    facts: Facts<'a>,
    /// What must not come again.
    once: HashSet<String>,
    auth_req_id: Option<String>,
    faults: Vec<String>,
}

/// The token that a request brings for the ping.
pub fn notification_token(start: &Entry) -> Option<String> {
    let (_, claims) = parts(&start.param("request")?)?;
    claims.get(NOTIFICATION_TOKEN)?.as_str().map(str::to_owned)
}

/// How random a text is, as the suite measures: Shannon's entropy of its characters, times their number.
fn bits(text: &str) -> f64 {
    let length = text.chars().count() as f64;
    let characters: HashSet<char> = text.chars().collect();
    let share = |c: char| text.matches(c).count() as f64 / length;
    characters.into_iter().map(|c| -share(c) * share(c).log2()).sum::<f64>() * length
}

/// Header and claims of a JWT.
fn parts(jwt: &str) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let mut parts = jwt.split('.').map(|part| serde_json::from_slice(&BASE64.decode(part).ok()?).ok());
    Some((parts.next()??, parts.next()??))
}

impl Seen<'_> {
    fn check(&mut self, entry: &Entry, what: &str, good: bool) {
        if !good {
            self.faults.push(format!("{what}: {}", entry.line()));
        }
    }

    fn look_at(&mut self, entry: &Entry) {
        let dpop = self.facts.variant.dpop;
        let (method, path, mtls, proved) = match entry.kind {
            Kind::Discovery => ("GET", ".well-known/openid-configuration", false, false),
            Kind::Jwks => ("GET", JWKS, false, false),
            Kind::Start => ("POST", START, !dpop, false),
            Kind::Poll | Kind::Refresh => ("POST", TOKEN, !dpop, dpop),
            Kind::Userinfo => ("GET", USERINFO, !dpop, dpop),
            _ => return self.check(entry, "nobody asked for this", false),
        };
        let there = entry.method == method && entry.path == format!("/{path}");
        self.check(entry, "method or path", there);
        self.check(entry, "TLS version", entry.tls == Some("TLSv1_3"));
        self.check(entry, "wrong listener", entry.mtls == mtls);
        self.check(entry, "certificate", entry.certificate.is_some() == mtls);
        self.proof(entry, proved);
        match entry.kind {
            Kind::Start => {
                self.form(entry, &["request"]);
                self.signed_request(entry);
                self.auth_req_id.clone_from(&entry.auth_req_id);
            }
            Kind::Poll => {
                self.form(entry, &["grant_type", "auth_req_id"]);
                self.check(entry, "grant_type", entry.param("grant_type").as_deref() == Some(GRANT));
                let id = entry.param("auth_req_id");
                self.check(entry, "auth_req_id", id.is_some() && id == self.auth_req_id);
            }
            Kind::Refresh => self.form(entry, &["grant_type", "refresh_token"]),
            Kind::Userinfo => {
                let scheme = if dpop { "DPoP " } else { "Bearer " };
                let in_header = entry.header("authorization").is_some_and(|value| value.starts_with(scheme));
                self.check(entry, "access token", in_header && entry.body.is_empty());
            }
            _ => self.check(entry, "authorization", entry.header("authorization").is_none()),
        }
    }

    /// A form of these parameters and the client's authentication, the registered one and no other.
    fn form(&mut self, entry: &Entry, own: &[&str]) {
        let form_type = Some("application/x-www-form-urlencoded");
        self.check(entry, "content type", entry.header("content-type") == form_type);
        let (proof, by_header) = match self.facts.variant.client_auth_type {
            ClientAuth::PrivateKeyJwt => (ASSERTION, false),
            ClientAuth::Mtls => (CERTIFICATE, false),
            ClientAuth::ClientSecretBasic => (&[][..], true),
        };
        let authorization: Vec<_> =
            entry.headers.iter().filter(|(name, _)| name == "authorization").collect();
        let basic = authorization.iter().all(|(_, value)| value.starts_with("Basic "));
        self.check(entry, "authorization", basic && authorization.len() == usize::from(by_header));
        let mut names: Vec<String> = entry.form().into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        let mut expected = [proof, own].concat();
        expected.sort_unstable();
        self.check(entry, &format!("parameters {names:?}"), names == expected);
        if proof.contains(&"client_id") {
            self.check(entry, "client_id", entry.param("client_id").as_deref() == Some(CLIENT_ID));
        }
        if proof == ASSERTION {
            self.assertion(entry);
        }
    }

    /// One DPoP proof where one is due, a new one each time (RFC 9449 §4.2).
    fn proof(&mut self, entry: &Entry, due: bool) {
        let proofs = entry.headers.iter().filter(|(name, _)| name == "dpop");
        let proofs: Vec<_> = proofs.map(|(_, value)| parts(value)).collect();
        let good = match (due, proofs.as_slice()) {
            (false, []) => true,
            (true, [Some((header, claims))]) => {
                let jti = claims.get("jti").and_then(Value::as_str);
                jti.is_some_and(|jti| self.once.insert(jti.to_owned()))
                    && header.get("typ").is_some_and(|typ| typ == "dpop+jwt")
                    && claims.get("iat").and_then(Value::as_i64) == Some(self.now(entry))
                    && claims.contains_key("ath") == (entry.kind == Kind::Userinfo)
            }
            _ => false,
        };
        self.check(entry, "proof", good);
    }

    /// RFC 7523 §3, and the audience as FAPI wants it: a text.
    fn assertion(&mut self, entry: &Entry) {
        let typ = entry.param("client_assertion_type");
        self.check(entry, "client_assertion_type", typ.as_deref() == Some(ASSERTION_TYPE));
        let Some((header, claims)) = entry.param("client_assertion").as_deref().and_then(parts) else {
            return self.check(entry, "client_assertion", false);
        };
        self.jwt(entry, &header, &claims, "client-authentication+jwt", 24 * HOUR);
        self.check(entry, "sub", claims.get("sub") == Some(&CLIENT_ID.into()));
    }

    fn signed_request(&mut self, entry: &Entry) {
        let Some((header, claims)) = entry.param("request").as_deref().and_then(parts) else {
            return self.check(entry, "not signed", false);
        };
        self.jwt(entry, &header, &claims, "oauth-authz-req+jwt", HOUR);
        let age = claims.get("nbf").and_then(Value::as_i64).map(|at| self.now(entry) - at);
        self.check(entry, "nbf", age.is_some_and(|age| (0..=HOUR).contains(&age)));
        self.check(entry, "scope", claims.get("scope") == Some(&SCOPE.into()));
        let mut names: Vec<&str> = claims.keys().map(String::as_str).collect();
        names.sort_unstable();
        let pinged = self.facts.variant.ciba_mode == Mode::Ping;
        if pinged {
            let token = notification_token(entry).unwrap_or_default();
            let random_and_new = bits(&token) > 96.0 && self.once.insert(token);
            self.check(entry, NOTIFICATION_TOKEN, random_and_new);
        }
        let own: &[&str] = if pinged { &[NOTIFICATION_TOKEN] } else { &[] };
        let as_expected = HINTS.iter().any(|hint| {
            let mut expected = [&ASKED[..], own, &[hint]].concat();
            expected.sort_unstable();
            names == expected
        });
        self.check(entry, &format!("claims {names:?}"), as_expected);
    }

    /// What both kinds of JWT must have.
    fn jwt(
        &mut self,
        entry: &Entry,
        header: &Map<String, Value>,
        claims: &Map<String, Value>,
        typ: &str,
        longest: i64,
    ) {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let number = |name: &str| claims.get(name).and_then(Value::as_i64);
        let alg = header.get("alg").and_then(Value::as_str);
        self.check(entry, "alg", alg == Some(self.facts.variant.signing_algorithm()));
        self.check(entry, "kid", header.get("kid").is_some_and(Value::is_string));
        self.check(entry, "typ", header.get("typ").is_none_or(|own| own == typ));
        self.check(entry, "iss", text("iss") == Some(CLIENT_ID));
        self.check(entry, "aud", text("aud") == Some(self.facts.issuer));
        let now = self.now(entry);
        self.check(entry, "iat", number("iat") == Some(now));
        let left = number("exp").map(|at| at.saturating_sub(now));
        self.check(entry, "exp", left.is_some_and(|left| (1..=longest).contains(&left)));
        let new = text("jti").is_some_and(|jti| self.once.insert(jti.to_owned()));
        self.check(entry, "jti", new);
    }

    /// The wall clock at a request, in Unix seconds.
    fn now(&self, entry: &Entry) -> i64 {
        (self.facts.unix_at_zero + entry.at_ms as i64).div_euclid(1000)
    }
}

/// The fault that must be found when this is changed about the first request of a kind.
type Plant = (&'static str, Kind, fn(&mut Entry));

pub const PLANTED: &[Plant] = &[
    ("wrong listener", Kind::Poll, |entry| entry.mtls = !entry.mtls),
    ("wrong listener", Kind::Start, |entry| entry.mtls = !entry.mtls),
    ("wrong listener", Kind::Jwks, |entry| entry.mtls = true),
    ("TLS version", Kind::Discovery, |entry| entry.tls = Some("TLSv1_2")),
    ("method or path", Kind::Poll, |entry| entry.path = "/elsewhere".into()),
    ("method or path", Kind::Start, |entry| entry.method = "GET".into()),
    ("nobody asked for this", Kind::Userinfo, |entry| entry.kind = Kind::Revocation),
    ("content type", Kind::Start, |entry| entry.headers.retain(|(name, _)| name != "content-type")),
    ("authorization", Kind::Start, |entry| entry.headers.push(("authorization".into(), "Basic eDp5".into()))),
    ("authorization", Kind::Jwks, |entry| entry.headers.push(("authorization".into(), "Basic eDp5".into()))),
    ("access token", Kind::Userinfo, |entry| entry.headers.clear()),
    ("access token", Kind::Userinfo, |entry| entry.body.extend_from_slice(b"access_token=x")),
    ("parameters", Kind::Start, |entry| entry.body.extend_from_slice(b"&scope=openid")),
    ("parameters", Kind::Poll, |entry| entry.body.extend_from_slice(b"&auth_req_id=2")),
    ("client_id", Kind::Poll, |entry| set(entry, "client_id", |_| "another".into())),
    ("grant_type", Kind::Poll, |entry| set(entry, "grant_type", |_| "password".into())),
    ("auth_req_id", Kind::Poll, |entry| set(entry, "auth_req_id", |id| id + "1")),
    ("not signed", Kind::Start, |entry| set(entry, "request", |_| "openid".into())),
    ("scope", Kind::Start, |entry| claim(entry, "request", "scope", json!("openid"))),
    ("claims", Kind::Start, |entry| claim(entry, "request", "sub", json!(CLIENT_ID))),
    ("claims", Kind::Start, |entry| claim(entry, "request", "user_code", json!("x"))),
    ("iss", Kind::Start, |entry| claim(entry, "request", "iss", json!("another"))),
    ("aud", Kind::Start, |entry| claim(entry, "request", "aud", json!(["https://id.example/"]))),
    ("exp", Kind::Start, |entry| claim(entry, "request", "exp", json!(i64::MAX))),
    ("iat", Kind::Start, |entry| claim(entry, "request", "iat", json!(1))),
    ("nbf", Kind::Start, |entry| claim(entry, "request", "nbf", json!(1))),
    ("jti", Kind::Start, |entry| claim(entry, "request", "jti", Value::Null)),
    ("typ", Kind::Start, |entry| head(entry, "request", "typ", json!("JWT"))),
    ("alg", Kind::Start, |entry| head(entry, "request", "alg", json!("RS256"))),
    ("kid", Kind::Start, |entry| head(entry, "request", "kid", Value::Null)),
];

/// The same about assertions, where there are any.
pub const PLANTED_IN_ASSERTIONS: &[Plant] = &[
    ("client_assertion_type", Kind::Poll, |entry| set(entry, "client_assertion_type", |_| "jwt".into())),
    ("client_assertion", Kind::Poll, |entry| set(entry, "client_assertion", |_| "jwt".into())),
    ("sub", Kind::Poll, |entry| claim(entry, "client_assertion", "sub", json!("another"))),
    ("aud", Kind::Poll, |entry| claim(entry, "client_assertion", "aud", json!(["https://id.example/"]))),
    ("alg", Kind::Poll, |entry| head(entry, "client_assertion", "alg", json!("RS256"))),
];

/// The same about the token for the ping, with ping; with poll there is none.
pub const PLANTED_WITH_PING: &[Plant] = &[(NOTIFICATION_TOKEN, Kind::Start, |entry| {
    claim(entry, "request", NOTIFICATION_TOKEN, json!("abcabc"))
})];
pub const PLANTED_WITH_POLL: &[Plant] =
    &[("claims", Kind::Start, |entry| claim(entry, "request", NOTIFICATION_TOKEN, json!("abcabc")))];

/// The same where access tokens are bound by DPoP, and where they are by a certificate.
pub const PLANTED_WITH_DPOP: &[Plant] = &[
    ("certificate", Kind::Poll, |entry| entry.certificate = Some("x".into())),
    ("proof", Kind::Poll, |entry| entry.headers.retain(|(name, _)| name != "dpop")),
    ("proof", Kind::Userinfo, |entry| {
        let proof = entry.header("dpop").unwrap().to_owned();
        entry.headers.push(("dpop".into(), proof));
    }),
];
pub const PLANTED_WITH_CERTIFICATES: &[Plant] = &[
    ("certificate", Kind::Poll, |entry| entry.certificate = None),
    ("proof", Kind::Poll, |entry| entry.headers.push(("dpop".into(), "x".into()))),
];

/// Changes a parameter.
fn set(entry: &mut Entry, name: &str, change: impl Fn(String) -> String) {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (own, value) in entry.form() {
        let value = if own == name { change(value) } else { value };
        form.append_pair(&own, &value);
    }
    entry.body = form.finish().into_bytes();
}

/// Changes a claim of the JWT in a parameter.
fn claim(entry: &mut Entry, parameter: &str, name: &str, value: Value) {
    set(entry, parameter, |jwt| changed(&jwt, |_, claims| drop(claims.insert(name.into(), value.clone()))));
}

/// Changes its header.
fn head(entry: &mut Entry, parameter: &str, name: &str, value: Value) {
    set(entry, parameter, |jwt| changed(&jwt, |header, _| drop(header.insert(name.into(), value.clone()))));
}

fn changed(jwt: &str, change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>)) -> String {
    let (mut header, mut claims) = parts(jwt).unwrap();
    change(&mut header, &mut claims);
    let text = |part: Map<String, Value>| BASE64.encode(Value::Object(part).to_string());
    format!("{}.{}.{}", text(header), text(claims), jwt.rsplit_once('.').unwrap().1)
}
