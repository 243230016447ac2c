#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sign-ins through libciba's C ABI at Keycloak. See ../README.md.

Needs Java 17 or newer, Maven and the openssl command, and target/debug/libciba.so.
"""

import json
import pathlib
import signal
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]
import flows  # noqa: E402
import server  # noqa: E402
import table  # noqa: E402
from certificates import Certificates  # noqa: E402
from flows import SignIn, report, run_all  # noqa: E402
from phone import Notifications, Person, Phone  # noqa: E402
from table import (  # noqa: E402
    BASIC,
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
    POST,
    REFUSED,
    SECRET_JWT,
    TLS,
    Row,
    credentials,
    everywhere,
    faults_of,
)
from with_simulator import free_port  # noqa: E402

SKIP = 77
INTERVAL = 3  # seconds
SECRET = "a secret +/=:%&?\"2B% of Keycloak-0123456789abcdef"
PENDING = "authorization_pending"
SETTLE = 2 * INTERVAL  # silence after the last outcome

# Realms differ by their CIBA policy. In the one for pings an interval is longer than a sign-in may take.
REALMS = {
    "patient": {"attributes": {"cibaExpiresIn": "120", "cibaInterval": str(INTERVAL)}},
    "hasty": {"attributes": {"cibaExpiresIn": "20", "cibaInterval": str(INTERVAL)}},
    "ping": {"attributes": {"cibaExpiresIn": "300", "cibaInterval": "200"}},
}

PEOPLE = {
    "approved": Person("SUCCEED", 1),
    "late": Person("SUCCEED", 4 * INTERVAL),
    "denied": Person("UNAUTHORIZED", 1),
    "cancelled": Person("CANCELLED", 1),
    "early": Person("SUCCEED", 0.5, first=True),
    # "silent" never answers, "nobody" is not there.
}

WRONG = {"outcome": "INVALID_CLIENT", "oauth_error": "unauthorized_client", "polls": NONE, "wrong_secret": True}
PINGED = {"realm": "ping", "polls": ONE, "pings": DELIVERED}

ROWS = [
    # A policy of the realm demands signed requests where a row says "signed", and checks them.
    *everywhere(TLS),
    Row("DPoP", "approved", settings=DPOP, after=EVERYTHING),
    Row("DPoP, private_key_jwt", "approved", settings={**KEY, **DPOP}, key="PS256", after=EVERYTHING),
    # Each outcome.
    Row("approved late", "late", polls=LATER),
    Row("approved late, private_key_jwt", "late", polls=LATER, settings=KEY, key="ES256"),
    Row("denied", "denied", **DENIED),
    Row("denied, private_key_jwt", "denied", settings=KEY, key="PS256", **DENIED),
    Row("cancelled on the phone", "cancelled", **DENIED),
    Row("expired", "silent", "EXPIRED", realm="hasty"),
    Row("unknown person", "nobody", "UNKNOWN_USER_ID", "invalid_request", NONE),
    # Wrong credentials.
    Row("wrong secret, client_secret_basic", "approved", settings=BASIC, **WRONG),
    Row("wrong secret, client_secret_post", "approved", settings=POST, **WRONG),
    Row("wrong secret, client_secret_jwt", "approved", settings=SECRET_JWT, **WRONG),
    Row("request not signed where it has to be", "approved", policy="signed", **REFUSED),
    # Ping.
    Row("ping, approved", "approved", settings=PING, **PINGED),
    Row("ping, denied", "denied", settings=PING, **PINGED, **DENIED),
    Row("ping, cancelled on the phone", "cancelled", settings=PING, **PINGED, **DENIED),
    Row("ping, private_key_jwt, signed", "approved", settings={**KEY, **PING}, key="PS256", requests="PS256", policy="signed", **PINGED),
    Row("ping that overtakes the acknowledgement", "early", settings=PING, **PINGED),
    Row("ping answered 500, fallback poll", "approved", settings=PING, endpoint_answers=500, pings=LOST),
    Row("ping, expired", "silent", "EXPIRED", settings=PING, realm="hasty"),
]  # fmt: skip

AUTHENTICATORS = {"client_secret_jwt": "client-secret-jwt", "private_key_jwt": "client-jwt", "tls_client_auth": "client-x509"}


def prepare(number, row, url, certificates, notifications, phone):
    """The sign-in of a row, and the client that Keycloak has to know for it."""
    name = f"client-{number}"
    client_id = f"interop {number}:{row.person}+1/2=50%"  # every layer of encoding shows
    settings, public, sign = credentials(row, name, SECRET, certificates)
    method = settings["token_endpoint_auth_method"]
    settings |= {"provider": "keycloak", "issuer": f"{url}/realms/{row.realm}", "client_id": client_id}
    attributes = {
        "oidc.ciba.grant.enabled": "true", "id.token.signed.response.alg": row.alg,
        "dpop.bound.access.tokens": settings.get("dpop_bound_access_tokens", "false"),
        "tls.client.certificate.bound.access.tokens": settings.get("tls_client_certificate_bound_access_tokens", "false"),
        "requests": row.policy,
    }  # fmt: skip
    client = {
        "clientId": client_id, "clientAuthenticatorType": AUTHENTICATORS.get(method, "client-secret"),
        "publicClient": False, "standardFlowEnabled": False, "attributes": attributes,
        # Who may introspect a token is in its audience.
        "protocolMappers": [{
            "name": "audience", "protocol": "openid-connect", "protocolMapper": "oidc-audience-mapper",
            "config": {
                "included.client.audience": client_id, "access.token.claim": "true", "introspection.token.claim": "true",
            },
        }],
    }  # fmt: skip
    if method.startswith("client_secret"):
        client["secret"] = SECRET
    if public:
        attributes |= {"use.jwks.string": "true", "jwks.string": json.dumps({"keys": [public]})}
    if method == "private_key_jwt":
        attributes["token.endpoint.auth.signing.alg"] = row.key
    if row.requests:
        attributes["ciba.backchannel.auth.request.signing.alg"] = row.requests
    if row.certificate:
        attributes |= {"x509.subjectdn": f"CN={name}", "x509.casubjectdn": "CN=libciba interop authority"}
    inbox = None
    if "backchannel_token_delivery_mode" in settings:
        endpoint = notifications.endpoint(name, row.endpoint_answers)
        inbox = notifications.inboxes[name]
        settings["backchannel_client_notification_endpoint"] = endpoint
        attributes |= {
            "ciba.backchannel.token.delivery.mode": "ping",
            "ciba.backchannel.client.notification.endpoint": endpoint,
        }  # fmt: skip
    person = PEOPLE.get(row.person)
    if person and person.first:
        settings["proxy"] = phone.proxy.url
    parameters = {"scope": "openid profile", "login_hint": row.person, "binding_message": "W4+7/#?"}
    expected = {"claims": {"preferred_username": row.person}, "header": {"alg": row.alg}}
    case = SignIn(row.name, settings, parameters, row.outcome, row.after, inbox=inbox, sign=sign, **expected)
    return case, client


def verdict(row, case):
    faults = faults_of(row, case, int(REALMS[row.realm]["attributes"]["cibaInterval"]))
    if row.person == "early" and case.inbox.came and case.inbox.came[0][0] >= case.acknowledged:
        faults.append("the ping came after the acknowledgement")
    return faults


def journal_faults(cases, journal, raw):
    """Whether Keycloak saw what the clients say, these raw polls, and no request more."""
    refreshes = sum(case.after.count("refresh") for case in cases if case.ended == "OK")
    expected = {
        "ext/ciba/auth": len(cases) + 1,
        "token": sum(len(case.events("poll.sent")) for case in cases) + refreshes + raw,
    }
    seen = {path: journal.count(path) for path in expected}
    return [f"{path}: {seen[path]} requests, not {expected[path]}" for path in expected if seen[path] != expected[path]]


def too_early(case, context):
    """Keycloak as it answers polls at once, so that `no slow_down` means something: their codes, up to that."""
    settings, codes = case.settings, []
    credentials = {"client_id": settings["client_id"], "client_secret": settings["client_secret"]}

    def post(path, **parameters):
        url = f"{settings['issuer']}/protocol/openid-connect/{path}"
        data = urllib.parse.urlencode({**credentials, **parameters}).encode()
        try:
            with urllib.request.urlopen(url, data, 30, context=context) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    answer = post("ext/ciba/auth", scope="openid", login_hint="silent")
    while codes == [PENDING] * len(codes) and len(codes) < 20:  # on a busy machine they may be an interval apart
        answered = post("token", grant_type="urn:openid:params:grant-type:ciba", auth_req_id=answer["auth_req_id"])
        codes.append(answered.get("error"))
    return codes


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    seconds = lambda: time.monotonic() - began  # noqa: E731
    try:
        place = server.unpacked()
    except server.Missing as missing:
        print(f"skipped: Keycloak {server.VERSION}: {missing}")
        return SKIP
    print(f"Keycloak {server.VERSION} is built ({seconds():.0f} s)", flush=True)
    with tempfile.TemporaryDirectory(prefix="ciba-keycloak-") as folder:
        certificates = Certificates(folder)
        notifications = Notifications(certificates.certificate("notifications", "server", "localhost"))
        phone, port = Phone(PEOPLE, certificates.ca_file), free_port()
        realms = {name: {**realm, "clients": []} for name, realm in REALMS.items()}
        cases = []
        for number, row in enumerate(ROWS):
            case, client = prepare(number, row, f"https://localhost:{port}", certificates, notifications, phone)
            cases.append(case)
            realms[row.realm]["clients"].append(client)
        keycloak = server.Keycloak(place, folder, certificates, realms, port, phone.server.url("/"))
        try:
            keycloak.wait_ready(realms)
            print(f"Keycloak has started ({seconds():.0f} s)", flush=True)
            run_all(cases)
            codes = too_early(cases[1], phone.context)
            time.sleep(SETTLE)
            journal, complaints = keycloak.journal(), keycloak.complaints()
        finally:
            keycloak.end()
    results = [("planted faults are found", flows.planted() + table.planted())]
    results[0][1].extend([] if journal_faults(cases, journal + ["token"], len(codes)) else ["a request that no client tells of"])
    for row, case in zip(ROWS, cases):
        results.append((f"{row.name} ({case.done - case.began:.0f} s)", case.explained(verdict(row, case))))
    slow = [PENDING] * max(1, len(codes) - 1) + ["slow_down"]
    results.append(("two polls at once are too many for Keycloak", [] if codes == slow else [f"{codes}, not {slow}"]))
    results.append(("Keycloak saw these requests and no others", journal_faults(cases, journal, len(codes))))
    return report(results, seconds(), "\n".join([*phone.failures, complaints]))


if __name__ == "__main__":
    sys.exit(main())
