//! What a module is, and the ones that others differ from by a fact.

use ciba::Status;
use ciba_sim::Draft;

use crate::provider::Does;

/// A module: a provider, what the caller does, and every request that the provider then sees. Where
/// something is to be refused these are the good twin, and it is followed by the same with one fact changed.
#[derive(Clone, Copy)]
pub struct Module<'a> {
    pub name: &'static str,
    /// What is special about the provider; where there is a refusal, what is then changed.
    pub what: &'static str,
    pub variants: For,
    /// Settings of the client beside those of the variant.
    pub settings: &'static [(&'static str, &'static str)],
    /// What the caller expects of the ID Token beside what the protocol asks: parameters that are not sent.
    pub expected: &'static [(&'static str, &'static str)],
    pub provider: &'a [Does],
    pub calls: &'static [Call],
    /// Each request and its answer as `{ms} {what} {status} {answer}`. `end` among the ms: when the token
    /// endpoint is called for the last time in a sign-in.
    pub requests: &'static [&'static str],
    /// That time in ms, with poll; and when the provider pings, after which it is called at once.
    pub end: (u64, u64),
    pub refused: Option<Refused>,
}

/// Which variants a module is for.
#[derive(Clone, Copy)]
pub enum For {
    /// Those of the profile.
    Every,
    /// Those of the profile with ping.
    Ping,
    /// `private_key_jwt` with DPoP in place of certificates.
    Dpop,
    /// `client_secret_basic`, in poll mode.
    SecretBasic,
}

/// What the caller of the library does, and the status that it then has.
#[derive(Clone, Copy)]
pub enum Call {
    SignIn(Status),
    /// With the ID Token of the sign-in before as `id_token_hint`.
    SignInWithHint(Status),
    Userinfo(Status),
    Refresh(Status),
    /// Nothing of the caller's: the provider takes another key.
    KeyRotation,
}

use Call::{Refresh, SignIn, SignInWithHint, Userinfo};

/// A refusal: what about the provider is changed, and what the client does then.
#[derive(Clone, Copy)]
pub struct Refused {
    pub change: Does,
    pub calls: &'static [Call],
    pub requests: &'static [&'static str],
}

/// Discovery, request, keys, three calls of the token endpoint, and what comes behind them.
macro_rules! requests {
    ($($behind:literal),*) => {
        &[
            "0 discovery 200 discovery",
            "0 start 200 ack",
            "0 jwks 200 jwks",
            "5200 poll 400 authorization_pending",
            "10400 poll 400 authorization_pending",
            $($behind),*
        ]
    };
}
pub(crate) use requests;

/// The third answer of the token endpoint brings tokens, with which the caller asks for the person.
pub const HAPPY: Module<'static> = Module {
    name: "fapi-ciba-id1-client-test",
    what: "everything is right",
    variants: For::Every,
    settings: &[],
    expected: &[],
    provider: &[],
    calls: &[SignIn(Status::OK), Userinfo(Status::OK)],
    requests: requests!["end poll 200 tokens", "end userinfo 200 userinfo"],
    end: (15_600, 11_000),
    refused: None,
};

/// A sign-in, a refresh, and a call with the fresh access token.
pub const REFRESHED: Module<'static> = Module {
    calls: &[SignIn(Status::OK), Refresh(Status::OK), Userinfo(Status::OK)],
    requests: requests!["end poll 200 tokens", "end refresh 200 tokens", "end userinfo 200 userinfo"],
    ..HAPPY
};

/// A second sign-in with the ID Token of the first as hint.
pub const HINTED: Module<'static> = Module {
    calls: &[SignIn(Status::OK), SignInWithHint(Status::OK)],
    requests: requests![
        "end poll 200 tokens",
        "end start 200 ack",
        "end+5200 poll 400 authorization_pending",
        "end+10400 poll 400 authorization_pending",
        "end+end poll 200 tokens"
    ],
    ..HAPPY
};

/// What the provider says is taken.
pub const fn accepts(name: &'static str, what: &'static str, provider: &'static [Does]) -> Module<'static> {
    Module { name, what, provider, ..HAPPY }
}

/// An ID Token is refused, and its good twin is not.
pub const fn refuses_token(
    twin: Module<'static>,
    name: &'static str,
    what: &'static str,
    change: fn(&mut Draft),
    calls: &'static [Call],
) -> Module<'static> {
    let requests = requests!["end poll 200 tokens"];
    Module { name, what, refused: Some(Refused { change: Does::IdToken(change), calls, requests }), ..twin }
}

/// The ID Token of a refresh is refused.
pub const fn refuses_fresh_token(
    name: &'static str,
    what: &'static str,
    change: fn(&mut Draft),
    calls: &'static [Call],
) -> Module<'static> {
    let change = Does::RefreshedIdToken(change);
    let requests = requests!["end poll 200 tokens", "end refresh 200 tokens"];
    Module { name, what, refused: Some(Refused { change, calls, requests }), ..REFRESHED }
}

/// The metadata cannot be used.
pub const fn refuses_metadata(
    name: &'static str,
    what: &'static str,
    change: Does,
    calls: &'static [Call],
) -> Module<'static> {
    let requests = &["0 discovery 200 discovery"];
    Module { name, what, refused: Some(Refused { change, calls, requests }), ..HAPPY }
}

/// The acknowledgement cannot be used.
pub const fn refuses_acknowledgement(
    name: &'static str,
    what: &'static str,
    change: Does,
) -> Module<'static> {
    let calls = &[SignIn(Status::INVALID_ACKNOWLEDGEMENT)];
    let requests = &["0 discovery 200 discovery", "0 start 200 ack"];
    Module { name, what, refused: Some(Refused { change, calls, requests }), ..HAPPY }
}

/// The provider refuses the request.
pub const fn request_refused(
    name: &'static str,
    what: &'static str,
    change: Does,
    calls: &'static [Call],
) -> Module<'static> {
    let requests = &["0 discovery 200 discovery", "0 start 400 (answer)"];
    Module { name, what, refused: Some(Refused { change, calls, requests }), ..HAPPY }
}

/// The provider refuses the request with the hint.
pub const fn hint_refused(
    name: &'static str,
    what: &'static str,
    change: Does,
    calls: &'static [Call],
) -> Module<'static> {
    let requests = requests!["end poll 200 tokens", "end start 400 (answer)"];
    Module { name, what, refused: Some(Refused { change, calls, requests }), ..HINTED }
}

/// The token endpoint ends it.
pub const fn ends(
    name: &'static str,
    what: &'static str,
    person: &'static str,
    calls: &'static [Call],
    requests: &'static [&'static str],
) -> Module<'static> {
    Module { name, what, refused: Some(Refused { change: Does::Person(person), calls, requests }), ..HAPPY }
}
