# SPDX-License-Identifier: MIT OR Apache-2.0
"""The columns of the tables of sign-ins, and what a sign-in has to be like by its row."""

import json
from dataclasses import dataclass, field, replace

# How many polls, at least and at most; None: as many as there were intervals, however late the provider's answer was.
NONE, SOON, LATER, ONE = (0, 0), (1, None), (2, None), (1, 1)
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
    by_signer: bool = False  # the library has none: a callback signs
    wrong_secret: bool = False
    requests: str = ""  # what authentication requests are signed with
    policy: str = ""  # Keycloak, "signed": the realm demands signed requests
    encrypted: tuple = ()  # how ID Tokens and userinfo answers are encrypted to the client: alg, and enc or nothing
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
UNKNOWN_KEY = {"outcome": "INVALID_CLIENT", "oauth_error": "invalid_client", "polls": NONE, "other_key": True}


def everywhere(tls):
    """What goes the same way at each provider; `tls`: the settings of a client with a certificate of the authority."""
    signed = {"policy": "signed"}
    return [
        # Each way to prove oneself, and all that follows.
        Row("client_secret_basic", "approved", settings=BASIC, after=EVERYTHING),
        Row("client_secret_post", "approved", settings=POST, after=EVERYTHING),
        Row("client_secret_jwt", "approved", settings=SECRET_JWT, after=EVERYTHING),
        *(Row(f"private_key_jwt {alg}", "approved", settings=KEY, key=alg, after=EVERYTHING) for alg in ALGORITHMS),
        Row("tls_client_auth", "approved", settings=tls, certificate="issued", after=EVERYTHING),
        Row("tls_client_auth, bound tokens", "approved", settings={**tls, **BOUND}, certificate="issued", after=EVERYTHING),
        Row("another key, private_key_jwt", "approved", settings=KEY, key="ES256", **UNKNOWN_KEY),
        # ID Tokens; RS256 are all the others.
        *(Row(f"ID Token {alg}", "approved", alg=alg) for alg in ALGORITHMS[1:]),
        # Signed requests.
        *(Row(f"request signed with {alg}", "approved", settings=KEY, key=alg, requests=alg, **signed) for alg in ALGORITHMS),
        Row("request signed with another key", "approved", key="ES256", other_key=True, requests="ES256", **signed, **REFUSED),
        # Signed by a callback, with keys that the library does not have.
        *(Row(f"signer, {alg}", "approved", settings=KEY, key=alg, by_signer=True, after=EVERYTHING) for alg in ALGORITHMS),
        *(Row(f"signer, request signed with {alg}", "late", polls=LATER, settings=KEY, key=alg, requests=alg, by_signer=True, **signed) for alg in ALGORITHMS),
        Row("signer, DPoP", "approved", settings={**KEY, **DPOP}, key="ES256", by_signer=True, after=EVERYTHING),
        Row("signer with another key", "approved", settings=KEY, key="ES256", by_signer=True, **UNKNOWN_KEY),
        Row("signer with another key, signed request", "approved", key="ES256", other_key=True, requests="ES256", by_signer=True, **signed, **REFUSED),
    ]  # fmt: skip


def credentials(row, name, secret, certificates):
    """The settings by which the client proves itself and signs; its public key and what signs, where it has them."""
    settings, public, sign = {**BASIC, **row.settings}, None, None
    if settings["token_endpoint_auth_method"].startswith("client_secret"):
        settings["client_secret"] = secret[:-1] + "0" if row.wrong_secret else secret
    if row.key:
        key = certificates.key(name, row.key)
        public = certificates.jwk(key, row.key, name)
        if row.other_key:
            key = certificates.key(f"{name}-other", row.key)
        settings["client_key_id"] = name
        if row.by_signer:
            if "dpop_bound_access_tokens" in settings:
                settings["dpop_public_key"] = json.dumps(public)  # the same key makes the proofs
            sign = lambda octets, alg, _, key=key: certificates.sign(key, alg, octets)  # noqa: E731
        else:
            settings["client_private_key"] = key.read_text()
    if settings["token_endpoint_auth_method"] == "private_key_jwt":
        settings["token_endpoint_auth_signing_alg"] = row.key
    if row.encrypted:
        algorithm = row.encrypted[0]
        kind = "RS256" if algorithm.startswith("RSA") else "ES256"
        key = certificates.key(f"{name}-encryption", kind)
        public = certificates.jwk(key, kind, f"{name}-encryption") | {"alg": algorithm, "use": "enc"}
        # The provider encrypts only what it signs.
        settings |= {"client_decryption_key": key.read_text(), "userinfo_signed_response_alg": "ES256"}
        for what in ("id_token", "userinfo"):
            settings |= dict(zip((f"{what}_encrypted_response_alg", f"{what}_encrypted_response_enc"), row.encrypted))
    if row.requests:
        settings["backchannel_authentication_request_signing_alg"] = row.requests
    if row.certificate:
        make = certificates.certificate if row.certificate == "issued" else certificates.self_signed
        certificate, tls_key = make(name, "client", name)
        if row.certificate == "self-signed":
            public = certificates.jwk(tls_key, "ES256", name) | {"x5c": [certificates.der(certificate)]}
        if row.other_certificate:
            certificate, tls_key = make(f"{name}-other", "client", f"{name}-other")
        settings |= {"tls_client_certificate_file": str(certificate), "tls_client_key_file": str(tls_key)}
    settings |= {"id_token_signed_response_alg": row.alg}
    settings |= {"ca_file": str(certificates.ca_file), "ca_mode": "replace", "proxy": "none"}
    settings["request_timeout_ms"] = "60000"  # on a busy machine a provider that has just started is slow
    return settings, public, sign


def faults_of(row, case, interval):
    """What a sign-in did that its row does not say; the interval in seconds."""
    # A poll that is sent again with the nonce that was asked for is one.
    faults, polls = list(case.faults), len(case.events("poll.sent")) - len(case.events("poll.nonce"))
    if case.oauth_error != row.oauth_error:
        faults.append(f"the provider's code is {case.oauth_error!r}, not {row.oauth_error!r}")
    least, most = row.polls
    most = int((case.done - case.began) / interval) if most is None else most
    if not least <= polls <= most:
        faults.append(f"{polls} polls, not {least} to {most}")
    # Each slow_down adds 5 s. None comes but where the provider may have read the poll before that too late.
    if polls and not 0 <= case.interval_ms - interval * 1000 <= 5000 * case.slow_exchanges():
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
        faults, oauth_error, interval_ms, inbox, began, done = (), "access_denied", 3000, Inbox(), 1.0, 5.0
        slow_exchanges = staticmethod(lambda: 0)
        events = staticmethod(lambda name: ["x"] * {"poll.sent": 2, "poll.nonce": 1}.get(name, 0))

    row = Row("", "denied", polls=ONE, pings=DELIVERED, **DENIED)
    changes = {
        "a fault of its own": {"faults": ["x"]},
        "another code": {"oauth_error": None},
        "a poll too many": {"events": staticmethod(lambda name: ["x"] * 2 * (name == "poll.sent"))},
        "no poll": {"events": staticmethod(lambda _: [])},
        "a slow_down": {"interval_ms": 8000},
        "a second one": {"interval_ms": 13000, "slow_exchanges": staticmethod(lambda: 1)},
        "no ping": {"inbox": None},
        "a second ping": {"inbox": type("", (), {"came": Inbox.came * 2})},
    }
    missed = ["a good sign-in has faults"] if faults_of(row, Good(), 3) else []
    more = type("Bad", (Good,), {"events": staticmethod(lambda name: ["x"] * 2 * (name == "poll.sent"))})
    if not faults_of(replace(row, polls=SOON), more, 3) or faults_of(replace(row, polls=SOON), Good(), 3):
        missed.append("more polls than intervals")
    return missed + [what for what, change in changes.items() if not faults_of(row, type("Bad", (Good,), change)(), 3)]
