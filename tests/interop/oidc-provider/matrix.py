#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sign-ins through libciba's C ABI at oidc-provider. See ../README.md.

Needs Node 20 or newer with npm, the openssl command, and target/debug/libciba.so.
"""

import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import flows  # noqa: E402
import run  # noqa: E402
import table  # noqa: E402
from certificates import Certificates  # noqa: E402
from checks import earliest, told  # noqa: E402
from flows import SignIn, report, run_all  # noqa: E402
from phone import Notifications  # noqa: E402
from table import (  # noqa: E402
    BOUND,
    DELIVERED,
    DENIED,
    DPOP,
    EVERYTHING,
    KEY,
    LATER,
    LOST,
    NONE,
    ONE,
    PING,
    SECRET_JWT,
    SELF_SIGNED,
    TLS,
    Row,
    credentials,
    everywhere,
    faults_of,
)

CIBA = "urn:openid:params:grant-type:ciba"
INTERVAL = 5  # seconds; the provider sends none, or 200
LONG = 200
SETTLE = INTERVAL + 1
SECRET = "a secret +/=:%&?\"2B% of the provider-0123456789abcdef"

PLAIN = {**TLS, "mtls_endpoint_aliases_required": "false"}  # the provider has no aliases
OWN = {**SELF_SIGNED, "mtls_endpoint_aliases_required": "false"}
WRONG = {"outcome": "INVALID_CLIENT", "oauth_error": "invalid_client", "polls": NONE}
PINGED = {"polls": ONE, "pings": DELIVERED}

ENCRYPTED = [
    ("RSA-OAEP",), ("RSA-OAEP-256", "A128GCM"), ("RSA-OAEP-256", "A256CBC-HS512"),
    ("ECDH-ES",), ("ECDH-ES", "A256CBC-HS512"), ("ECDH-ES", "A256GCM"),
    ("ECDH-ES+A128KW", "A256CBC-HS512"), ("ECDH-ES+A256KW",),
]  # fmt: skip

ROWS = [
    *everywhere(PLAIN),
    Row("self_signed_tls_client_auth", "approved", settings=OWN, certificate="self-signed", after=EVERYTHING),
    Row("self_signed_tls_client_auth, bound tokens", "late", polls=LATER, settings={**OWN, **BOUND}, certificate="self-signed", after=EVERYTHING),
    # Each of their polls is refused once for a nonce; the provider demands it.
    Row("DPoP with a nonce", "approved", settings=DPOP, after=EVERYTHING),
    Row("DPoP with a nonce, private_key_jwt", "late", polls=LATER, settings={**KEY, **DPOP}, key="PS256", after=EVERYTHING),
    # Outcomes and wrong credentials that the examples' cases do not have.
    Row("denied, tls_client_auth", "denied", settings=PLAIN, certificate="issued", **DENIED),
    Row("denied, DPoP", "denied", settings=DPOP, **DENIED),
    Row("expired at the provider, DPoP", "lapsed", "EXPIRED", "expired_token", settings=DPOP),
    Row("unknown person", "nobody", "UNKNOWN_USER_ID", "unknown_user_id", NONE),
    Row("another certificate, tls_client_auth", "approved", settings=PLAIN, certificate="issued", other_certificate=True, **WRONG),
    Row("another certificate, self_signed_tls_client_auth", "approved", settings=OWN, certificate="self-signed", other_certificate=True, **WRONG),
    Row("wrong secret, client_secret_jwt", "approved", settings=SECRET_JWT, wrong_secret=True, **WRONG),
    # ID Tokens and userinfo answers that are encrypted; where only alg is said, with A128CBC-HS256.
    *(Row(f"encrypted with {' '.join(how)}", "approved", encrypted=how, after=EVERYTHING) for how in ENCRYPTED),
    # Ping.
    Row("ping, approved", "pinged", settings=PING, **PINGED),
    Row("ping, denied", "repelled", settings=PING, **PINGED, **DENIED),
    Row("ping, private_key_jwt, signed, DPoP", "pinged", settings={**KEY, **PING, **DPOP}, key="PS256", requests="PS256", **PINGED),
    Row("ping answered 500, fallback poll", "approved", settings=PING, endpoint_answers=500, pings=LOST),
    Row("ping, expired at the provider", "lapsed", "EXPIRED", "expired_token", settings=PING),
]  # fmt: skip


def prepare(number, row, certificates, notifications):
    """The sign-in of a row, its issuer still open, and the client that the provider has to know for it."""
    name = f"client-{number}"
    settings, public, sign = credentials(row, name, SECRET, certificates)
    settings["client_id"] = f"interop {number}:{row.person}+1/2=50%"  # every layer of encoding shows
    inbox = None
    if "backchannel_token_delivery_mode" in settings:
        settings["backchannel_client_notification_endpoint"] = notifications.endpoint(name, row.endpoint_answers)
        inbox = notifications.inboxes[name]
    registered = {
        "client_id", "token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "id_token_signed_response_alg",
        "backchannel_authentication_request_signing_alg", "backchannel_client_notification_endpoint",
        "id_token_encrypted_response_alg", "id_token_encrypted_response_enc", "userinfo_signed_response_alg",
        "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
    }  # fmt: skip
    client = {
        **{member: value for member, value in settings.items() if member in registered},
        "grant_types": [CIBA, "refresh_token"], "response_types": [], "redirect_uris": [], "require_auth_time": True,
        "backchannel_token_delivery_mode": settings.get("backchannel_token_delivery_mode", "poll"),
        "dpop_bound_access_tokens": "dpop_bound_access_tokens" in settings,
        "tls_client_certificate_bound_access_tokens": "tls_client_certificate_bound_access_tokens" in settings,
    }  # fmt: skip
    if "client_secret" in settings:
        client["client_secret"] = SECRET
    if public:
        client["jwks"] = {"keys": [public]}
    if settings["token_endpoint_auth_method"] == "tls_client_auth":
        client["tls_client_auth_subject_dn"] = f"CN={name}"
    person = f"{row.person}+{number}@example.test"
    parameters = {"scope": "openid", "login_hint": person, "binding_message": "W4+7/#?"}
    if row.person == "lapsed":
        parameters["requested_expiry"] = "2"
    case = SignIn(
        row.name, settings, parameters, row.outcome, row.after, {"sub": person}, {"alg": row.alg}, inbox=inbox, sign=sign
    )
    return case, client


def verdict(row, case):
    return faults_of(row, case, LONG if row.person in ("pinged", "repelled") else INTERVAL)


def journal_faults(case, rows):
    """Whether the provider saw what the client says, and no request more; each poll at least an interval after the last."""
    refreshes = case.after.count("refresh") if case.ended == "OK" else 0
    nonces = len(case.events("poll.nonce"))
    starts = [row for row in rows if row["path"] == "/backchannel"]
    tokens = [row for row in rows if row["path"] == "/token"]
    polls = [row for row in tokens if row["parameters"].get("grant_type") == CIBA]
    faults = []
    if len(starts) != 1:
        faults.append(f"{len(starts)} authentication requests")
    if len(polls) != len(case.events("poll.sent")):
        faults.append(f"{len(polls)} polls, of which the client says {len(case.events('poll.sent'))}")
    if "dpop_bound_access_tokens" in case.settings and polls and not nonces:
        faults.append("no nonce was asked for")
    if len(tokens) - len(polls) not in (refreshes, 2 * refreshes if nonces else refreshes):
        faults.append(f"{len(tokens) - len(polls)} refreshes")
    if not case.inbox:
        counted = [row for row in polls if row["answer"].get("error") != "use_dpop_nonce"]
        for before, after in zip([*starts, *counted], counted):
            if after["at"] - earliest(before) < INTERVAL * 1000 - 1:
                faults.append(f"a poll {after['at'] - before['at']:.0f} ms after the one before")
    return faults


def planted():
    """Plants what `journal_faults` is for, in a good journal, and names what goes unnoticed."""
    events = {"poll.sent": ["", ""], "poll.nonce": []}
    client = type("Client", (), {"events": [(name, "", 0) for name in events for _ in events[name]]})()
    case = SignIn("", {}, {}, after=("refresh",), ended="OK", client=client)
    entry = lambda at, path, **more: {"at": at, "late": 0, "path": path, "parameters": more, "answer": {}}  # noqa: E731
    good = [
        entry(0, "/backchannel"), entry(5001, "/token", grant_type=CIBA), entry(10002, "/token", grant_type=CIBA),
        entry(10100, "/token", grant_type="refresh_token"),
    ]  # fmt: skip
    bad = {
        "a second start": good[:1] + good,
        "a poll that the client does not tell of": good + [entry(20000, "/token", grant_type=CIBA)],
        "a poll too soon": [good[0], {**good[1], "at": 4000}, *good[2:]],
        "a second refresh": good + good[-1:],
        "no refresh": good[:-1],
    }
    missed = ["a good journal has faults"] if journal_faults(case, good) else []
    return missed + [what for what, rows in bad.items() if not journal_faults(case, rows)]


def main():
    began = time.monotonic()
    try:
        node, npm, _ = run.need_tools()
    except run.Skip as missing:
        print(f"skipped: {missing}")
        return 77
    run.install(npm)
    with tempfile.TemporaryDirectory(prefix="ciba-oidc-provider-") as folder:
        certificates = Certificates(folder)
        notifications = Notifications(certificates.certificate("notifications", "server", "localhost"))
        prepared = [prepare(number, row, certificates, notifications) for number, row in enumerate(ROWS)]
        cases = [case for case, _ in prepared]
        provider = run.Provider(node, certificates, [client for _, client in prepared])
        try:
            issuer = provider.line()["issuer"]
            for case in cases:
                case.settings["issuer"] = issuer
            run_all(cases)
            time.sleep(SETTLE)
            journal = provider.journal()
        finally:
            provider.end()
    results = [("planted faults are found", flows.planted() + table.planted() + planted())]
    for row, case in zip(ROWS, cases):
        seen = [entry for entry in journal if entry.get("client_id") == case.settings["client_id"]]
        refused = row.outcome == "INVALID_CLIENT"  # the provider's journal then names no client
        faults = verdict(row, case) + ([] if refused else journal_faults(case, seen))
        results.append((f"{row.name} ({case.done - case.began:.0f} s)", case.explained(faults, told(seen))))
    return report(results, time.monotonic() - began, provider.said())


if __name__ == "__main__":
    sys.exit(main())
