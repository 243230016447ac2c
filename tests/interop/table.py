# SPDX-License-Identifier: MIT OR Apache-2.0
"""The columns of the tables of sign-ins, and what a sign-in has to be like by its row."""

from dataclasses import dataclass, field

NONE, SOON, LATER, ONE = (0, 0), (1, 2), (2, 4), (1, 1)  # how many polls, at least and at most
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")


@dataclass
class Row:
    name: str
    person: str  # what he or she does follows from the name
    outcome: str = "OK"
    oauth_error: str = None
    polls: tuple = SOON
    settings: dict = field(default_factory=dict)
    alg: str = "RS256"  # of ID Tokens
    key: str = ""  # the algorithm of the client's key
    other_key: bool = False  # the client has another one
    wrong_secret: bool = False
    requests: str = ""  # what authentication requests are signed with
    policy: str = ""  # Keycloak, "signed": the realm demands signed requests
    certificate: str = ""  # "issued" by the authority, or "self-signed"
    other_certificate: bool = False
    realm: str = "patient"
    after: tuple = ("userinfo",)
    pings: tuple = ()
    endpoint_answers: int = 0


def by(method, **more):
    return {"token_endpoint_auth_method": method, **more}


BASIC, POST, SECRET_JWT = by("client_secret_basic"), by("client_secret_post"), by("client_secret_jwt")
KEY, TLS, SELF_SIGNED = by("private_key_jwt"), by("tls_client_auth"), by("self_signed_tls_client_auth")
PING = {"backchannel_token_delivery_mode": "ping"}
BOUND = {"tls_client_certificate_bound_access_tokens": "true"}
DPOP = {"dpop_bound_access_tokens": "true"}
EVERYTHING = ("userinfo", "introspect", "refresh", "userinfo", "revoke_access_token", "revoke_refresh_token")
DELIVERED, LOST = ((204, "OK"),), ((500, "not delivered"),)
DENIED = {"outcome": "DENIED", "oauth_error": "access_denied"}
REFUSED = {"outcome": "INVALID_REQUEST", "oauth_error": "invalid_request", "polls": NONE}


def credentials(row, name, secret, certificates):
    """The settings by which the client proves itself and signs, and its public key, where it has one."""
    settings, public = {**BASIC, **row.settings}, None
    if settings["token_endpoint_auth_method"].startswith("client_secret"):
        settings["client_secret"] = secret[:-1] + "0" if row.wrong_secret else secret
    if row.key:
        key = certificates.key(name, row.key)
        public = certificates.jwk(key, row.key, name)
        if row.other_key:
            key = certificates.key(f"{name}-other", row.key)
        settings |= {"client_private_key": key.read_text(), "client_key_id": name}
    if settings["token_endpoint_auth_method"] == "private_key_jwt":
        settings["token_endpoint_auth_signing_alg"] = row.key
    if row.requests:
        settings["backchannel_authentication_request_signing_alg"] = row.requests
    if row.certificate:
        make = certificates.certificate if row.certificate == "issued" else certificates.self_signed
        certificate, key = make(name, "client", name)
        if row.certificate == "self-signed":
            public = certificates.jwk(key, "ES256", name) | {"x5c": [certificates.der(certificate)]}
        if row.other_certificate:
            certificate, key = make(f"{name}-other", "client", f"{name}-other")
        settings |= {"tls_client_certificate_file": str(certificate), "tls_client_key_file": str(key)}
    settings |= {"id_token_signed_response_alg": row.alg}
    settings |= {"ca_file": str(certificates.ca_file), "ca_mode": "replace", "proxy": "none"}
    return settings, public


def faults_of(row, case, interval):
    """What a sign-in did that its row does not say; the interval in seconds."""
    # A poll that is sent again with the nonce that was asked for is one.
    faults, polls = list(case.faults), len(case.events("poll.sent")) - len(case.events("poll.nonce"))
    if case.oauth_error != row.oauth_error:
        faults.append(f"the provider's code is {case.oauth_error!r}, not {row.oauth_error!r}")
    if not row.polls[0] <= polls <= row.polls[1]:
        faults.append(f"{polls} polls, not {row.polls[0]} to {row.polls[1]}")
    # Each slow_down would have added 5 s.
    if polls and case.interval_ms != interval * 1000:
        faults.append(f"the interval became {case.interval_ms} ms")
    pings = tuple(ping[1:] for ping in case.inbox.came) if case.inbox else ()
    if pings != row.pings:
        faults.append(f"the notifications were {pings}, not {row.pings}")
    return faults


def planted():
    """Plants what `faults_of` is for, in a good sign-in, and names what goes unnoticed."""

    class Inbox:
        came = [(1.0, 204, "OK")]

    class Good:
        faults, oauth_error, interval_ms, inbox = (), "access_denied", 3000, Inbox()
        events = staticmethod(lambda name: ["x"] * {"poll.sent": 2, "poll.nonce": 1}.get(name, 0))

    row = Row("", "denied", polls=ONE, pings=DELIVERED, **DENIED)
    changes = {
        "a fault of its own": {"faults": ["x"]},
        "another code": {"oauth_error": None},
        "a poll too many": {"events": staticmethod(lambda name: ["x"] * 2 * (name == "poll.sent"))},
        "no poll": {"events": staticmethod(lambda _: [])},
        "a slow_down": {"interval_ms": 8000},
        "no ping": {"inbox": None},
        "a second ping": {"inbox": type("", (), {"came": Inbox.came * 2})},
    }
    missed = ["a good sign-in has faults"] if faults_of(row, Good(), 3) else []
    return missed + [what for what, change in changes.items() if not faults_of(row, type("Bad", (Good,), change)(), 3)]
