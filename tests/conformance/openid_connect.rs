//! Modules of the plans of OpenID Connect, FAPI 1 and FAPI 2, told of CIBA's requests and answers.

use ciba::Status;
use serde_json::json;

use crate::jwe;
use crate::module::Call::{KeyRotation, Refresh, SignIn, Userinfo};
use crate::module::{
    For, HAPPY, Module, REFRESHED, Refused, accepts, refuses_fresh_token, refuses_metadata, refuses_token,
    requests,
};
use crate::provider::Does::{
    self, ChangesKeyMeanwhile, IdToken, KeySet, Metadata, TokenResponse, WantsNonce,
};
use crate::tokens as token;
use crate::tokens::{one_more, remove};

/// ID Tokens signed with RS256, and a client that is registered for it.
const RS256: Module<'static> = Module {
    name: "oidcc-client-test-idtoken-sig-rs256",
    what: "RS256, for which the client is registered",
    settings: &[("profile", ""), ("id_token_signed_response_alg", "RS256")], // not in the profile
    provider: &[IdToken(|token| token.header["alg"] = "RS256".into())],
    ..HAPPY
};

/// The same with ES256.
const ES256: Module<'static> = Module {
    settings: &[("id_token_signed_response_alg", "ES256")],
    provider: &[KeySet(token::with_ec_key), IdToken(token::signed_with_es256)],
    ..HAPPY
};

/// ID Tokens that are encrypted to the client.
const ENCRYPTED: Module<'static> = Module {
    name: "fapi1-advanced-final-client-test-encrypted-idtoken",
    what: "the ID Token is encrypted to the client",
    settings: &[
        ("id_token_encrypted_response_alg", "RSA-OAEP"),
        ("id_token_encrypted_response_enc", "A256GCM"),
        ("client_decryption_key", jwe::RSA),
    ],
    provider: &[IdToken(token::encrypted)],
    ..HAPPY
};

pub const MODULES: &[Module<'static>] = &[
    refuses_token(
        HAPPY,
        "oidcc-client-test-invalid-iss",
        "`iss` with a 1 behind it",
        |token| one_more(&mut token.claims["iss"]),
        &[SignIn(Status::TOKEN_ISSUER)],
    ),
    refuses_token(
        HAPPY,
        "oidcc-client-test-missing-sub",
        "no `sub`",
        |token| remove(&mut token.claims, "sub"),
        &[SignIn(Status::TOKEN_SUBJECT)],
    ),
    refuses_token(
        HAPPY,
        "oidcc-client-test-invalid-aud",
        "`aud` with a 1 behind it",
        |token| one_more(&mut token.claims["aud"]),
        &[SignIn(Status::TOKEN_AUDIENCE)],
    ),
    refuses_token(
        HAPPY,
        "oidcc-client-test-missing-aud",
        "no `aud`",
        |token| remove(&mut token.claims, "aud"),
        &[SignIn(Status::TOKEN_AUDIENCE)],
    ),
    refuses_token(
        HAPPY,
        "oidcc-client-test-missing-iat",
        "no `iat`",
        |token| remove(&mut token.claims, "iat"),
        &[SignIn(Status::TOKEN_ISSUED_AT)],
    ),
    accepts(
        "oidcc-client-test-kid-absent-single-jwks",
        "no `kid`, and one key in the set",
        &[KeySet(token::with_one_key), IdToken(|token| remove(&mut token.header, "kid"))],
    ),
    accepts(
        "oidcc-client-test-kid-absent-multiple-jwks",
        "no `kid`, and three keys in the set, two of them for signatures",
        &[IdToken(|token| remove(&mut token.header, "kid"))],
    ),
    RS256,
    refuses_token(
        HAPPY,
        "oidcc-client-test-idtoken-sig-none",
        "`alg` is `none`, and there is a signature all the same",
        |token| token.header["alg"] = "none".into(),
        &[SignIn(Status::TOKEN_ALGORITHM)],
    ),
    refuses_token(
        RS256,
        "oidcc-client-test-invalid-sig-rs256",
        "a wrong signature with RS256",
        token::wrong_signature,
        &[SignIn(Status::TOKEN_SIGNATURE)],
    ),
    refuses_token(
        ES256,
        "oidcc-client-test-invalid-sig-es256",
        "a wrong signature with ES256",
        token::wrongly_signed_with_es256,
        &[SignIn(Status::TOKEN_SIGNATURE)],
    ),
    refuses_token(
        HAPPY,
        "oidcc-client-test-invalid-sig-hs256",
        "HS256 with a public key for the secret",
        token::hmac_with_public_key,
        &[SignIn(Status::TOKEN_ALGORITHM)],
    ),
    refuses_token(
        HAPPY,
        "oidcc-client-test-invalid-athash",
        "`at_hash` backwards",
        token::wrong_access_token_hash,
        &[SignIn(Status::TOKEN_ACCESS_TOKEN_HASH)],
    ),
    Module {
        name: "oidcc-client-test-userinfo-invalid-sub",
        what: "`sub` of the userinfo answer with a 1 behind it",
        refused: Some(Refused {
            change: Does::Userinfo(|body| one_more(&mut body["sub"])),
            calls: &[SignIn(Status::OK), Userinfo(Status::USERINFO_SUBJECT)],
            requests: HAPPY.requests,
        }),
        ..HAPPY
    },
    Module { name: "oidcc-client-test-refresh-token", what: "a refresh", ..REFRESHED },
    refuses_fresh_token(
        "oidcc-client-test-refresh-token-invalid-issuer",
        "`iss` of the fresh ID Token with a 1 behind it",
        |token| one_more(&mut token.claims["iss"]),
        &[SignIn(Status::OK), Refresh(Status::TOKEN_ISSUER)],
    ),
    refuses_fresh_token(
        "oidcc-client-test-refresh-token-invalid-sub",
        "`sub` of the fresh ID Token with a 1 behind it",
        |token| one_more(&mut token.claims["sub"]),
        &[SignIn(Status::OK), Refresh(Status::TOKEN_SUBJECT)],
    ),
    refuses_metadata(
        "oidcc-client-test-mtls-endpoint-aliases",
        "no alias for the token endpoint; with it every call goes there",
        Metadata(|body| remove(&mut body["mtls_endpoint_aliases"], "token_endpoint")),
        &[SignIn(Status::METADATA_ENDPOINT_MISSING)],
    ),
    refuses_metadata(
        "oidcc-client-test-discovery-issuer-mismatch",
        "`issuer` of the metadata with a 1 behind it",
        Metadata(|body| one_more(&mut body["issuer"])),
        &[SignIn(Status::METADATA_ISSUER)],
    ),
    refuses_metadata(
        "oidcc-client-test-discovery-jwks-uri-keys",
        "no `jwks_uri`; with it the keys are fetched there",
        Metadata(|body| remove(body, "jwks_uri")),
        &[SignIn(Status::METADATA_ENDPOINT_MISSING)],
    ),
    Module {
        name: "oidcc-client-test-signing-key-rotation",
        what: "another key between two sign-ins",
        calls: &[SignIn(Status::OK), KeyRotation, SignIn(Status::OK)],
        requests: requests![
            "end poll 200 tokens",
            "end start 200 ack",
            "end+5200 poll 400 authorization_pending",
            "end+10400 poll 400 authorization_pending",
            "end+end poll 200 tokens",
            "end+end jwks 200 jwks"
        ],
        ..HAPPY
    },
    Module {
        name: "oidcc-client-test-signing-key-rotation-just-before-signing",
        what: "another key while the person is asked; refused if it is in no key set",
        provider: &[ChangesKeyMeanwhile { published: true }],
        requests: requests!["end poll 200 tokens", "end jwks 200 jwks", "end userinfo 200 userinfo"],
        refused: Some(Refused {
            change: ChangesKeyMeanwhile { published: false },
            calls: &[SignIn(Status::TOKEN_KEY_NOT_FOUND)],
            requests: requests!["end poll 200 tokens", "end jwks 200 jwks"],
        }),
        ..HAPPY
    },
    Module { name: "oidcc-client-test-client-secret-basic", variants: For::SecretBasic, ..HAPPY },
    accepts(
        "fapi1-advanced-final-client-test-missing-athash",
        "no `at_hash`",
        &[IdToken(|token| remove(&mut token.claims, "at_hash"))],
    ),
    ENCRYPTED,
    refuses_token(
        ENCRYPTED,
        "fapi1-advanced-final-client-test-encrypted-idtoken-usingrsa15",
        "the ID Token is encrypted, and its header says `RSA1_5`",
        token::encrypted_with_rsa1_5,
        &[SignIn(Status::TOKEN_ALGORITHM)],
    ),
    accepts(
        "fapi2-security-profile-final-client-test-token-type-case-insensitivity",
        "`token_type` is `bEARER`",
        &[TokenResponse(|body| body["token_type"] = json!("bEARER"))],
    ),
    accepts(
        "fapi2-security-profile-final-client-test-token-endpoint-response-without-expires_in",
        "the token response has no `expires_in`",
        &[TokenResponse(|body| remove(body, "expires_in"))],
    ),
    Module {
        name: "fapi2-security-profile-final-client-test-happy-path",
        what: "DPoP with a nonce, which the first call of the token endpoint learns",
        provider: &[WantsNonce],
        requests: &[
            "0 discovery 200 discovery",
            "0 start 200 ack",
            "0 jwks 200 jwks",
            "5200 poll 400 use_dpop_nonce",
            "5200 poll 400 authorization_pending",
            "10400 poll 400 authorization_pending",
            "end poll 200 tokens",
            "end userinfo 200 userinfo",
        ],
        variants: For::Dpop,
        ..HAPPY
    },
    Module {
        name: "fapi2-security-profile-final-client-test-happy-path-no-dpop-nonce",
        what: "DPoP without nonces; refused if `token_type` is `Bearer`",
        variants: For::Dpop,
        refused: Some(Refused {
            change: TokenResponse(|body| body["token_type"] = json!("Bearer")),
            calls: &[SignIn(Status::INVALID_TOKEN_RESPONSE)],
            requests: requests!["end poll 200 tokens"],
        }),
        ..HAPPY
    },
];
