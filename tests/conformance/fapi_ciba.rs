//! The relying party's plan of FAPI-CIBA, `fapi-ciba-id1-client-test-plan`, in its order.

use ciba::Status;

use crate::common::error;
use crate::module::Call::{Refresh, SignIn, SignInWithHint, Userinfo};
use crate::module::{
    For, HAPPY, Module, Refused, accepts, ends, hint_refused, refuses_acknowledgement, refuses_token,
    request_refused, requests,
};
use crate::provider::Does::{
    self, Acknowledgement, AsksForInterval, IdToken, Person, RefusesAccessToken, RefusesRequest, SecondCall,
    TokenResponse,
};
use crate::provider::{ONCE, Pings};
use crate::tokens as token;
use crate::tokens::{one_more, remove};

/// What a caller expects at ConnectID Australia.
const CONNECTID: Module<'static> = Module {
    expected: &[
        ("expected.txn", "null"),
        ("expected.verified_claims", r#"{"verification": {"trust_framework": "au_connectid"}}"#),
    ],
    provider: &[IdToken(token::of_connectid)],
    ..HAPPY
};

pub const MODULES: &[Module<'static>] = &[
    HAPPY,
    Module {
        name: "fapi-ciba-id1-client-refresh-token-test",
        what: "the access token is refused twice; each refresh takes the refresh token and gives a new one",
        provider: &[RefusesAccessToken(2)],
        calls: &[
            SignIn(Status::OK),
            Userinfo(Status::INVALID_TOKEN),
            Refresh(Status::OK),
            Userinfo(Status::INVALID_TOKEN),
            Refresh(Status::OK),
            Userinfo(Status::OK),
        ],
        requests: requests![
            "end poll 200 tokens",
            "end userinfo 401 (answer)",
            "end refresh 200 tokens",
            "end userinfo 401 (answer)",
            "end refresh 200 tokens",
            "end userinfo 200 userinfo"
        ],
        ..HAPPY
    },
    accepts(
        "fapi-ciba-id1-client-valid-aud-as-array-test",
        "`aud` is an array of the client alone",
        &[IdToken(token::audience_as_array)],
    ),
    accepts(
        "fapi-ciba-id1-client-no-scope-in-token-endpoint-response-test",
        "the token response has neither `scope` nor `expires_in`",
        &[TokenResponse(|body| ["scope", "expires_in"].iter().for_each(|name| remove(body, name)))],
    ),
    Module {
        name: "fapi-ciba-id1-client-respects-interval-test",
        what: "`interval` is 31",
        provider: &[AsksForInterval(31), Person("approve after 63 s")],
        requests: &[
            "0 discovery 200 discovery",
            "0 start 200 ack",
            "0 jwks 200 jwks",
            "31200 poll 400 authorization_pending",
            "62400 poll 400 authorization_pending",
            "end poll 200 tokens",
            "end userinfo 200 userinfo",
        ],
        end: (93_600, 63_000),
        ..HAPPY
    },
    Module {
        name: "fapi-ciba-id1-client-slow-down-test",
        what: "the second poll is answered with `slow_down`",
        provider: &[SecondCall(|| error(400, "slow_down")), Person("approve after 20 s")],
        requests: &[
            "0 discovery 200 discovery",
            "0 start 200 ack",
            "0 jwks 200 jwks",
            "5200 poll 400 authorization_pending",
            "10400 poll 400 (answer)",
            "end poll 200 tokens",
            "end userinfo 200 userinfo",
        ],
        end: (20_600, 20_000),
        ..HAPPY
    },
    refuses_acknowledgement(
        "fapi-ciba-id1-client-invalid-missing-authreqid-test",
        "the acknowledgement has no `auth_req_id`",
        Acknowledgement(|body| remove(body, "auth_req_id")),
    ),
    refuses_acknowledgement(
        "fapi-ciba-id1-client-invalid-missing-expiresin-test",
        "the acknowledgement has no `expires_in`",
        Acknowledgement(|body| remove(body, "expires_in")),
    ),
    hint_refused(
        "fapi-ciba-id1-client-invalid-expired-id-token-hint-test",
        "a second request, with the ID Token of the first as hint, is refused with `expired_id_token_hint`",
        RefusesRequest { nth: 2, code: "expired_id_token_hint" },
        &[SignIn(Status::OK), SignInWithHint(Status::PROVIDER_ERROR)],
    ),
    hint_refused(
        "fapi-ciba-id1-client-invalid-id-token-hint-test",
        "the same with `invalid_id_token_hint`",
        RefusesRequest { nth: 2, code: "invalid_id_token_hint" },
        &[SignIn(Status::OK), SignInWithHint(Status::PROVIDER_ERROR)],
    ),
    request_refused(
        "fapi-ciba-id1-client-invalid-unknown-user-id-test",
        "the request is refused with `unknown_user_id`",
        RefusesRequest { nth: 1, code: "unknown_user_id" },
        &[SignIn(Status::UNKNOWN_USER_ID)],
    ),
    ends(
        "fapi-ciba-id1-client-invalid-request-test",
        "the token endpoint ends it with `invalid_request`",
        "fail invalid_request after 11 s",
        &[SignIn(Status::INVALID_REQUEST)],
        requests!["end poll 400 invalid_request"],
    ),
    ends(
        "fapi-ciba-id1-client-invalid-access-denied-test",
        "the person denies",
        "deny after 11 s",
        &[SignIn(Status::DENIED)],
        requests!["end poll 400 access_denied"],
    ),
    ends(
        "fapi-ciba-id1-client-invalid-expired-token-test",
        "the token endpoint ends it with `expired_token`",
        "fail expired_token after 11 s",
        &[SignIn(Status::EXPIRED)],
        requests!["end poll 400 expired_token"],
    ),
    refuses_token(
        HAPPY,
        "fapi-ciba-id1-client-invalid-iss-test",
        "`iss` with a 1 behind it",
        |token| one_more(&mut token.claims["iss"]),
        &[SignIn(Status::TOKEN_ISSUER)],
    ),
    refuses_token(
        HAPPY,
        "fapi-ciba-id1-client-invalid-missing-iss-test",
        "no `iss`",
        |token| remove(&mut token.claims, "iss"),
        &[SignIn(Status::TOKEN_ISSUER)],
    ),
    refuses_token(
        HAPPY,
        "fapi-ciba-id1-client-invalid-aud-test",
        "`aud` with a 1 behind it",
        |token| one_more(&mut token.claims["aud"]),
        &[SignIn(Status::TOKEN_AUDIENCE)],
    ),
    refuses_token(
        HAPPY,
        "fapi-ciba-id1-client-invalid-missing-aud-test",
        "no `aud`",
        |token| remove(&mut token.claims, "aud"),
        &[SignIn(Status::TOKEN_AUDIENCE)],
    ),
    refuses_token(
        HAPPY,
        "fapi-ciba-id1-client-invalid-secondary-aud-test",
        "`aud` names another client beside this one, and there is no `azp`",
        token::second_audience,
        &[SignIn(Status::TOKEN_AUDIENCE)],
    ),
    refuses_token(
        HAPPY,
        "fapi-ciba-id1-client-invalid-signature-test",
        "every byte of the signature XOR 0x5A",
        token::wrong_signature,
        &[SignIn(Status::TOKEN_SIGNATURE)],
    ),
    refuses_token(
        HAPPY,
        "fapi-ciba-id1-client-invalid-null-alg-test",
        "`alg` is `none`, and there is no signature",
        token::not_signed,
        &[SignIn(Status::TOKEN_MALFORMED)],
    ),
    refuses_token(
        HAPPY,
        "fapi-ciba-id1-client-invalid-alternate-alg-test",
        "RS256, by the very key that signs PS256",
        |token| token.header["alg"] = "RS256".into(),
        &[SignIn(Status::TOKEN_ALGORITHM)],
    ),
    refuses_token(
        HAPPY,
        "fapi-ciba-id1-client-invalid-expired-exp-test",
        "`exp` was six minutes ago",
        token::expired_six_minutes_ago,
        &[SignIn(Status::TOKEN_EXPIRED)],
    ),
    refuses_token(
        HAPPY,
        "fapi-ciba-id1-client-invalid-missing-exp-test",
        "no `exp`",
        |token| remove(&mut token.claims, "exp"),
        &[SignIn(Status::TOKEN_EXPIRED)],
    ),
    refuses_token(
        HAPPY,
        "fapi-ciba-id1-client-invalid-iat-is-week-in-past-test",
        "`iat` was a week ago",
        token::issued_a_week_ago,
        &[SignIn(Status::TOKEN_ISSUED_AT)],
    ),
    refuses_token(
        CONNECTID,
        "fapi-ciba-id1-client-connectid-invalid-missing-txn-test",
        "no `txn`, which the caller expects",
        |token| remove(&mut token.claims, "txn"),
        &[SignIn(Status::TOKEN_UNEXPECTED_CLAIM)],
    ),
    refuses_token(
        CONNECTID,
        "fapi-ciba-id1-client-connectid-invalid-missing-trust-framework-test",
        "no `trust_framework` among the verified claims, which the caller expects",
        |token| remove(&mut token.claims["verified_claims"]["verification"], "trust_framework"),
        &[SignIn(Status::TOKEN_UNEXPECTED_CLAIM)],
    ),
    refuses_token(
        CONNECTID,
        "fapi-ciba-id1-client-connectid-invalid-wrong-trust-framework-test",
        "`trust_framework` with a 1 behind it",
        |token| one_more(&mut token.claims["verified_claims"]["verification"]["trust_framework"]),
        &[SignIn(Status::TOKEN_UNEXPECTED_CLAIM)],
    ),
    Module {
        name: "fapi-ciba-id1-client-ping-with-invalid-bearer-token-test",
        what: "the ping's token with a 1 behind it: it is answered 401 and nothing is fetched; the poll as usual",
        variants: For::Ping,
        refused: Some(Refused {
            change: Does::Pings(Pings { token: |token| token + "1", answer: 401, ..ONCE }),
            calls: &[SignIn(Status::OK), Userinfo(Status::OK)],
            requests: requests!["15600 poll 200 tokens", "15600 userinfo 200 userinfo"],
        }),
        ..HAPPY
    },
];
