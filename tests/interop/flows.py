# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sign-ins through libciba's C ABI: what one did, and what it was to do."""

import base64
import json
import re
import threading
import time
import traceback
from dataclasses import dataclass, field

import library

PATIENCE = 90  # seconds in all; bounds a hang, nothing else
CALL_MS = 90_000
SLACK_MS = 1000


@dataclass
class SignIn:
    """One sign-in: its settings and parameters, what it has to end with, what follows."""

    name: str
    settings: dict
    parameters: dict
    outcome: str = "OK"  # a status by its name
    after: tuple = ()  # of AFTER, in this order
    claims: dict = field(default_factory=dict)  # what the ID Token has to say
    header: dict = field(default_factory=dict)  # and its header
    inbox: object = None  # of phone.py
    sign: object = None  # signs in place of a key of the library's
    # What came of it.
    ended: str = ""
    message: str = ""
    oauth_error: str = None
    interval_ms: int = -1
    began: float = 0
    acknowledged: float = 0
    done: float = 0
    tokens: object = None
    client: object = None
    faults: list = field(default_factory=list)

    def run(self):
        self.began = time.monotonic()
        try:
            self.sign_in()
        except Exception:  # of the suite itself: a thread that ends with it would say nothing
            self.faults.append(traceback.format_exc())
        self.done = self.done or time.monotonic()

    def sign_in(self):
        try:
            self.client = library.Client(self.settings, self.sign)
            if self.inbox:
                self.inbox.client = self.client
            flow = self.client.init(self.parameters, CALL_MS)
            self.acknowledged = time.monotonic()
            try:
                self.tokens = flow.poll(PATIENCE * 1000)
            finally:
                self.interval_ms = flow.interval_ms()
            self.ended = "OK"
        except library.Failure as failure:
            self.ended, self.message, self.oauth_error = failure.status, str(failure), failure.oauth_error
        self.done = time.monotonic()
        if self.ended != self.outcome:
            self.faults.append(f"ended with {self.message or self.ended}, not {self.outcome}")
        elif self.tokens:
            self.check_tokens()

    def check_tokens(self):
        claims = self.tokens.claims()
        for name, value in self.claims.items():
            if claims.get(name) != value:
                self.faults.append(f"the claim {name} is {claims.get(name)!r}, not {value!r}")
        if self.tokens.get("id_token") and self.header:
            self.faults += header_faults(self.tokens.get("id_token"), self.header)
        for name in self.after:
            try:
                fault = AFTER[name](self)
            except library.Failure as failure:
                fault = str(failure)
            if fault:
                self.faults.append(f"{name}: {fault}")

    def events(self, name):
        return [said for event, said, _ in self.client.events if event == name] if self.client else []

    def slow_exchanges(self):
        """How many polls took longer to be answered than the library adds to the interval for it: SLACK_MS at most."""
        times = [(name, ms) for name, _, ms in (self.client.events if self.client else []) if name.startswith("poll.")]
        pairs = zip(times, times[1:])
        return sum(sent == "poll.sent" and then - at > SLACK_MS for (sent, at), (_, then) in pairs)

    def explained(self, faults, journal=()):
        """The faults and, where there are any, what the client logged and the provider saw."""
        if not faults:
            return []
        events = self.client.events if self.client else []
        said = [f"{(ms - events[0][2]) / 1000:.3f} s {name}: {text}" for name, text, ms in events]
        said = [line for line in said if not any(secret in line for secret in self.secrets())]
        return [*faults, *(f"  log: {line}" for line in said), *(f"  journal: {line}" for line in journal)]

    def secrets(self):
        """What may stand in no message and no log."""
        names = ("client_secret", "client_private_key", "tls_client_key")
        found = [value for name, value in self.settings.items() if name in names]
        if self.tokens:
            found += [self.tokens.get(name) or "" for name in ("access_token", "refresh_token", "id_token")]
        return {piece for value in found for piece in re.findall(r"[A-Za-z0-9+/_.-]{20,}", value)}

    def search(self):
        said = "\n".join([self.message, *(f"{name} {text}" for name, text, _ in (self.client.events if self.client else ()))])
        if any(secret in said for secret in self.secrets()):
            self.faults.append("a secret, a key or a token is in a message or in the log")


def header_faults(jwt, expected):
    header = decoded(jwt, 0)
    return [f"the ID Token's {name} is {header.get(name)!r}" for name in expected if header.get(name) != expected[name]]


def decoded(jwt, part):
    piece = jwt.split(".")[part]
    return json.loads(base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4)))


# ---- after the tokens: each says what is wrong, or nothing ------------------


def userinfo(case):
    answer = case.client.userinfo(case.tokens, CALL_MS)
    if answer.get("sub") != case.tokens.claims()["sub"]:
        return f"about {answer.get('sub')!r}"


def refresh(case):
    before = case.tokens.claims()["sub"]
    fresh = case.client.refresh(case.tokens, CALL_MS)
    if not fresh.get("access_token") or fresh.get("access_token") == case.tokens.get("access_token"):
        return "no new access token"
    if fresh.get("id_token") and fresh.claims()["sub"] != before:
        return "about another person"
    case.tokens = fresh


def introspect(case):
    answer = case.client.introspect(case.tokens, "access_token", CALL_MS)
    if answer.get("active") is not True:
        return f"active is {answer.get('active')!r}"


def revoke(token):
    def act(case):
        case.client.revoke(case.tokens, token, CALL_MS)
        answer = case.client.introspect(case.tokens, token, CALL_MS)
        if answer.get("active") is not False:
            return f"after revocation active is {answer.get('active')!r}"

    return act


AFTER = {
    "userinfo": userinfo,
    "introspect": introspect,
    "refresh": refresh,
    "revoke_access_token": revoke("access_token"),
    "revoke_refresh_token": revoke("refresh_token"),
}


def run_all(cases):
    threads = [threading.Thread(target=case.run) for case in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for case in cases:
        case.search()


def planted():
    """Plants a secret, a wrong claim and a wrong outcome, and names what goes unnoticed."""
    missed = []

    class Silent:
        events = [("poll.sent", "with planted-secret-0123456789abcdef", 0), ("poll.pending", "", 1001)]

    case = SignIn("", {"client_secret": "planted-secret-0123456789abcdef"}, {}, client=Silent())
    case.search()
    if not case.faults:
        missed.append("a secret in the log")
    if case.slow_exchanges() != 1:
        missed.append("an answer that took longer than the slack")
    case = SignIn("", {"client_secret": "planted-secret-0123456789abcdeg"}, {}, client=Silent())
    case.search()
    if case.faults:
        missed.append("a clean log is taken for a leak")
    if not header_faults("eyJhbGciOiJSUzI1NiJ9.e30.x", {"alg": "ES256"}):
        missed.append("an ID Token with another algorithm")
    case = SignIn("", {"client_id": "c", "no_such_setting": "x"}, {})
    case.run()
    if not case.faults:
        missed.append("another outcome")
    case = SignIn("", {"client_id": "c"}, None)
    case.run()
    if not case.faults:
        missed.append("an exception of the suite itself")
    return missed


def report(results, seconds, said):
    """Prints pairs of a name and its faults and, where there are any, what the provider said; the exit code."""
    for name, faults in results:
        print(f"{'FAIL' if faults else 'ok  '} {name}" + "".join(f"\n     {fault}" for fault in faults))
    failed = sum(bool(faults) for _, faults in results)
    if failed:
        print("\nthe provider said:", *said.splitlines(), sep="\n     ")
    print(f"\n{len(results) - failed} passed, {failed} failed ({seconds:.0f} s)")
    return 1 if failed else 0
