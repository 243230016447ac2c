#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the C example against a provider that no one here wrote.

    run.py --sign-in PATH

Needs Node 20 or newer with npm, and the openssl command. See README.md.
"""

import argparse
import base64
import copy
import dataclasses
import functools
import hashlib
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
SERVER = HERE / "oidc-provider"

INTERVAL = 5.0  # oidc-provider never sends one, so this is the protocol's
JITTER = 0.1  # between the sending of a request and its arrival, in seconds
PATIENCE = 30.0  # for one sign-in
SETTLE = 0.5  # after the last sign-in, before the journal is read

CIBA = "urn:openid:params:grant-type:ciba"
START, POLL, KEYS = "/backchannel", "/token", "/jwks"
DISCOVERY = "/.well-known/openid-configuration"
METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt")
# What may stand beside a signed request; what carries a secret is not in the journal.
OUTSIDE = {"client_id", "client_assertion_type"}

APPROVED, ERROR, DENIED, EXPIRED = 0, 1, 2, 3


class Skip(Exception):
    """Something that the suite needs is not installed."""


class Trouble(Exception):
    """The suite itself could not do its work."""


# ---- what a sign-in is expected to do -------------------------------------


@dataclasses.dataclass(frozen=True)
class Plan:
    """One way for a sign-in to go, tried with each kind of client or, if it is not `brief`, with two of them."""

    name: str
    hint: str
    exit_code: int
    # The answers at the token endpoint in order: error codes, or None for tokens.
    # The journal must show exactly these: nothing else, nothing after them.
    polls: tuple
    expiry: int = 60  # requested_expiry
    told: int = 0  # expires_in in the answer, where it is not `expiry`
    wrong: bool = False  # another secret or key than the registered one
    brief: bool = False


PENDING = "authorization_pending"
PLANS = (
    Plan("approved", "approved+1@example.test", APPROVED, (None,)),
    Plan("approved late", "late+1@example.test", APPROVED, (PENDING, None), brief=True),
    Plan("denied", "denied+1@example.test", DENIED, ("access_denied",), brief=True),
    # One poll at 5 s, then the client's own clock ends it at 8 s.
    Plan("expired", "silent+1@example.test", EXPIRED, (PENDING,), expiry=8),
    # The provider's clock ends it: the client was told 60 s and hears expired_token.
    Plan("expired at the provider", "lapsed+1@example.test", EXPIRED, ("expired_token",), expiry=2, told=60),
    Plan("wrong credentials", "approved+1@example.test", ERROR, (), wrong=True, brief=True),
)


@dataclasses.dataclass
class Case:
    name: str
    client: dict
    issuer: str
    parameters: dict
    exit_code: int
    plan: Plan = None
    ca_file: str = None
    secret: str = ""
    secret_by_environment: bool = False
    key_file: str = ""
    status: str = ""  # has to be in the error line
    refused: tuple = ()  # status and error code that the start is answered with
    process: object = None
    code: int = None
    ended: float = 0.0  # on the monotonic clock, as the journal's times are
    seconds: float = 0.0
    stdout: str = ""
    stderr: str = ""
    faults: list = dataclasses.field(default_factory=list)


# ---- the search for secrets -------------------------------------------------


@functools.lru_cache(None)
def traces_of(secret):
    """Every text that would give the secret away, or eight characters of it, or sixteen of a private key.

    Secrets here are two random words with special characters between them;
    the words survive any of the form encodings, hexadecimal and Base64 do not.
    """
    traces = set()
    if "PRIVATE KEY" in secret or secret.startswith("{"):
        words = re.findall(r"[A-Za-z0-9+/_-]{20,}", secret)
        return {word[i : i + 16] for word in words for i in range(len(word) - 15)}
    for word in re.findall(r"[0-9a-z]{16,}", secret):
        traces.update(word[i : i + 8] for i in range(len(word) - 7))
        traces.add(word.encode().hex())
        # Base64 of the word wherever it stands within what was encoded.
        for before in range(3):
            text = base64.b64encode(b"\0" * before + word.encode()).decode().rstrip("=")
            traces.add(text[0 if before == 0 else 4 : -2])
    return traces


def gives_away(text, secrets, tokens=()):
    low = text.lower()
    for secret in secrets:
        for trace in traces_of(secret):
            # Hexadecimal and the words have no capitals; Base64 is searched as it is.
            if trace in text or (trace.islower() and trace in low):
                return "a secret or a key of the client"
    for token in tokens:
        # Of a JWT the signature is enough.
        if token.rsplit(".", 1)[-1] in text:
            return "a token"
    return None


# ---- the journal as the oracle ----------------------------------------------


def signature_faults(rows, case):
    """What is wrong with the JWTs of one sign-in, whose signatures the provider has verified."""
    client, used, faults = case.client, set(), []
    signs = client.get("backchannel_authentication_request_signing_alg")
    asserts = client["token_endpoint_auth_method"].endswith("_jwt")
    alg = client.get("token_endpoint_auth_signing_alg")

    def check(name, jwt, alg, more, life):
        header, claims = jwt["header"], dict(jwt["claims"])
        kid = {} if alg.startswith("HS") or case.plan.wrong else {"kid": client["kid"]}
        if not {"alg": alg, **kid}.items() <= header.items() or "typ" in header:
            faults.append(f"{name} with the header {header}")
        jti, times = claims.pop("jti", ""), [claims.pop(time, 0) for time in ("nbf", "iat", "exp")]
        if len(jti) < 22 or jti in used:
            faults.append(f"{name} with a short jti, or one that was used")
        used.add(jti)
        if [time - times[1] for time in times] != [-10, 0, life]:
            faults.append(f"{name} with the times {times}")
        expected = {"iss": client["client_id"], "aud": case.issuer, **more}
        if claims != expected:
            faults.append(f"{name} with the claims {sorted(claims)}, not {sorted(expected)}, or other values")

    for row in rows:
        path, assertion, request = row["path"].split("?")[0], row.get("assertion"), row.get("request")
        if bool(assertion) != asserts or bool(request) != bool(signs and path == START):
            faults.append(f"{path} with an assertion or a signed request too many, or too few")
            continue
        if assertion:
            check(f"an assertion at {path}", assertion, alg, {"sub": client["client_id"]}, 60)
        if request:
            check("a signed request", request, signs, {"client_id": client["client_id"], **case.parameters}, 300)
            outside = set(row["parameters"]) - OUTSIDE
            if outside:
                faults.append(f"{sorted(outside)} outside of the signed request")
    return faults


def journal_faults(rows, case):
    """What the provider saw of one sign-in that it should not have seen."""
    plan, method = case.plan, case.client["token_endpoint_auth_method"]
    faults = signature_faults(rows, case)

    for row in rows:
        if row["method"] != "POST" or "?" in row["path"]:
            faults.append(f"a request {row['method']} {row['path'].split('?')[0]} with a query or another method")
        if row.get("authentication") != [method]:
            faults.append(f"{row['path'].split('?')[0]} with authentication {row.get('authentication')}, not {method}")
        if (row.get("content_type") or "").split(";")[0] != "application/x-www-form-urlencoded":
            faults.append(f"{row['path'].split('?')[0]} with content type {row.get('content_type')}")

    starts = [row for row in rows if row["path"].split("?")[0] == START]
    polls = [row for row in rows if row["path"].split("?")[0] == POLL]
    if len(starts) + len(polls) != len(rows):
        faults.append("a request at an unknown path")
    if len(starts) != 1 or rows[0] is not starts[0]:
        return faults + [f"{len(starts)} authentication requests (with this client_id) instead of one, sent first"]

    start = starts[0]
    answer = start["answer"]
    asked = start["request"]["claims"] if start.get("request") else start["parameters"]
    for name, value in case.parameters.items():
        if asked.get(name) != value:
            faults.append(f"{name} arrived as {asked.get(name)!r}, not {value!r}")
    if plan.wrong:
        if (start["status"], answer.get("error")) != case.refused:
            faults.append(f"the provider answered the start with {start['status']} {answer}")
        return faults + ["a poll after a refused start"] * bool(polls)
    if start["status"] != 200 or answer.get("expires_in") != (plan.told or plan.expiry) or "interval" in answer:
        return faults + [f"the provider answered the start with {start['status']} {answer}"]

    for poll in polls:
        if poll["parameters"].get("grant_type") != CIBA:
            faults.append(f"a poll with grant_type {poll['parameters'].get('grant_type')!r}")
        if poll["parameters"].get("auth_req_id") != answer["auth_req_id"]:
            faults.append("a poll with another auth_req_id")
        if (poll["at"] - start["at"]) / 1000 > answer["expires_in"] + JITTER:
            faults.append("a poll after expiry")
    for before, poll in zip([start] + polls, polls):
        gap = (poll["at"] - before["at"]) / 1000
        if gap < INTERVAL - JITTER:
            faults.append(f"a poll {gap:.2f} s after the request before it, sooner than {INTERVAL:g} s")
        if before["until"] is None or poll["at"] < before["until"]:
            faults.append("a poll before the answer to the request before it")
    answers = tuple(poll["answer"].get("error") for poll in polls)
    over = [i for i, error in enumerate(answers) if error != PENDING]
    if over and len(answers) > over[0] + 1:
        faults.append(f"{len(answers) - over[0] - 1} poll(s) after the outcome")
    if answers != plan.polls:
        faults.append(f"the polls were answered with {list(answers)}, not {list(plan.polls)}")
    for poll in polls:
        if poll["status"] != (200 if poll["answer"].get("error") is None else 400):
            faults.append(f"a poll answered with status {poll['status']}")
    return faults


def output_faults(case, secrets, tokens):
    """What the example said that it should not have said, or left out."""
    faults = []
    if case.code is None:
        return [f"did not end within {PATIENCE:g} s"]
    if case.code != case.exit_code:
        faults.append(f"exit code {case.code}, not {case.exit_code}")

    subjects = re.findall(r"(?m)^[ \t]*sub[ \t]+(.*?)[ \t]*$", case.stdout)
    if case.exit_code == APPROVED:
        if subjects != [case.parameters["login_hint"]]:
            faults.append(f"printed {subjects} as sub, not {case.parameters['login_hint']}")
    elif subjects:
        faults.append("printed claims without an approval")
    if case.exit_code == ERROR:
        lines = [line for line in case.stderr.splitlines() if line.startswith("sign_in: ")]
        if len(lines) != 1:
            faults.append(f'{len(lines)} lines on stderr that start with "sign_in: " instead of one')
        elif case.status not in lines[0]:
            faults.append(f"the error line does not name {case.status}: {lines[0]}")

    for stream, text in (("stdout", case.stdout), ("stderr", case.stderr)):
        given = gives_away(text, secrets, tokens)
        if given:
            faults.append(f"{given} on {stream}")
    return faults


def time_faults(rows, case):
    """Where the provider stays silent, the client's own clock ends the sign-in."""
    if rows and case.plan.exit_code == EXPIRED and not case.plan.told:
        lived = case.ended - rows[0]["at"] / 1000
        if not case.plan.expiry - 0.5 <= lived <= case.plan.expiry + 2:
            return [f"ended {lived:.1f} s after its start, with {case.plan.expiry} s to live"]
    return []


# ---- proof that the checks can fail -----------------------------------------


def self_check():
    """Plants each fault that the checks are for and returns those not found."""
    secret, missed = "0123456789abcdef01234567 +/=:%&?\"2B%89abcdef0123456776543210", []

    def expect(found, what):
        if not found:
            missed.append(what)

    word = "89abcdef0123456776543210"
    for what, text in {
        "plain": secret,
        "eight characters": f"…{word[7:15]}…",
        "capitals": word.upper(),
        "hexadecimal": secret.encode().hex(),
        **{f"Base64 at {i}": base64.b64encode(b"client:"[i:] + secret.encode()).decode() for i in range(3)},
        **{f"Base64url at {i}": base64.urlsafe_b64encode(b"x:y"[i:] + word.encode()).decode() for i in range(3)},
    }.items():
        expect(gives_away(f"debug {text} end", [secret]), f"a planted secret, {what}")
    expect(gives_away("id_token eyJ.eyJ.c2lnbmF0dXJl", [], ["eyJ.eyJ.c2lnbmF0dXJl"]), "a planted token")
    expect(not gives_away("sub  approved+1@example.test\niss  https://localhost:1", [secret], ["a.b.c2ln"]), "a clean text")

    plan = Plan("", "late", APPROVED, (PENDING, None))
    case = Case("", {"token_endpoint_auth_method": METHODS[0]}, "", {"login_hint": "late"}, APPROVED, plan)

    def row(at, path, status, parameters, answer):
        return {
            "at": at, "until": at + 5, "method": "POST", "path": path, "status": status, "parameters": parameters,
            "answer": answer, "authentication": [METHODS[0]], "content_type": "application/x-www-form-urlencoded",
        }  # fmt: skip

    poll = {"grant_type": CIBA, "auth_req_id": "a"}
    good = [
        row(100, START, 200, {"login_hint": "late"}, {"auth_req_id": "a", "expires_in": 60}),
        row(5200, POLL, 400, poll, {"error": PENDING}),
        row(10300, POLL, 200, poll, {}),
    ]
    expect(not journal_faults(good, case), "a good journal")

    def plant(what, change):
        rows = copy.deepcopy(good)
        change(rows)
        expect(journal_faults(rows, case), what)

    plant("a first poll too soon", lambda r: r[1].update(at=3100))
    plant("a second poll too soon", lambda r: r[2].update(at=9200))
    plant("two polls at once", lambda r: r[1].update(until=10301))
    plant("a poll after the outcome", lambda r: r.append(row(15400, POLL, 400, poll, {"error": "invalid_grant"})))
    plant("a poll after expiry", lambda r: r[2].update(at=60400))
    plant("a second start", lambda r: r.append(copy.deepcopy(r[0])))
    plant("a request of another kind", lambda r: r.append(row(15400, "/me", 200, {}, {})))
    plant("other client authentication", lambda r: r[1].update(authentication=[METHODS[1]]))
    plant("client authentication twice", lambda r: r[1].update(authentication=list(METHODS)))
    plant("a query", lambda r: r[1].update(path=f"{POLL}?x"))
    plant("another auth_req_id", lambda r: r[1]["parameters"].update(auth_req_id="b"))
    plant("a garbled parameter", lambda r: r[0]["parameters"].update(login_hint="la te"))
    plant("another outcome", lambda r: r[2].update(answer={"error": "access_denied"}))
    plant("no pending answer", lambda r: r.pop(1))
    silent = dataclasses.replace(case, plan=Plan("", "silent", EXPIRED, (PENDING,), expiry=8), ended=9.0)
    expect(not time_faults([{"at": 1000}], silent), "an end in time")
    for ended in (8.0, 12.0):
        expect(time_faults([{"at": 1000}], dataclasses.replace(silent, ended=ended)), "an end too early or too late")

    key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIBwuCdV8s0XQd1w2\n-----END PRIVATE KEY-----\n"
    expect(gives_away("x IBwuCdV8s0XQd1w2", [key]), "a planted piece of a PEM")
    expect(gives_away("d=0123456789abcDEF_", ['{"d":"x0123456789abcDEF_-yz"}']), "a planted piece of a JWK")
    client = {
        "client_id": "c", "kid": "k", "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256", "backchannel_authentication_request_signing_alg": "ES256",
    }  # fmt: skip
    case = Case("", client, "https://i", {"login_hint": "late"}, APPROVED, plan)

    def jwt(jti, life, **more):
        times = {"iat": 100, "nbf": 90, "exp": 100 + life}
        return {"header": {"alg": "ES256", "kid": "k"}, "claims": {"iss": "c", "aud": "https://i", "jti": jti * 22, **times, **more}}

    proof, asked = {"client_id": "c", "client_assertion_type": "t"}, {"client_id": "c", "login_hint": "late"}
    good = [
        {**row(100, START, 200, proof, {}), "assertion": jwt("a", 60, sub="c"), "request": jwt("b", 300, **asked)},
        {**row(5200, POLL, 200, {**poll, **proof}, {}), "assertion": jwt("c", 60, sub="c")},
    ]
    expect(not signature_faults(good, case), "good signatures")

    def plant_signature(what, change):
        rows = copy.deepcopy(good)
        change(rows)
        expect(signature_faults(rows, case), what)

    claims = lambda rows, row, name: rows[row][name]["claims"]  # noqa: E731
    plant_signature("a jti that was used", lambda r: claims(r, 1, "assertion").update(jti="a" * 22))
    plant_signature("a jti that the other JWT has", lambda r: claims(r, 0, "request").update(jti="a" * 22))
    plant_signature("a short jti", lambda r: claims(r, 1, "assertion").update(jti="x"))
    plant_signature("another audience", lambda r: claims(r, 1, "assertion").update(aud=["https://i"]))
    plant_signature("a longer life", lambda r: claims(r, 1, "assertion").update(exp=161))
    plant_signature("a subject in a request", lambda r: claims(r, 0, "request").update(sub="c"))
    plant_signature("a parameter that is no text", lambda r: claims(r, 0, "request").update(login_hint=["late"]))
    plant_signature("a parameter outside", lambda r: r[0]["parameters"].update(login_hint="late"))
    plant_signature("a request in a poll", lambda r: r[1].update(request=r[0]["request"]))
    plant_signature("no assertion", lambda r: r[1].update(assertion=None))
    plant_signature("no signed request", lambda r: r[0].update(request=None))
    plant_signature("another algorithm", lambda r: r[0]["assertion"]["header"].update(alg="RS256"))
    plant_signature("another key", lambda r: r[0]["assertion"]["header"].update(kid="l"))
    plant_signature("a type", lambda r: r[0]["request"]["header"].update(typ="JWT"))
    return [f"not found: {what}" for what in missed]


# ---- the provider -----------------------------------------------------------


def need_tools():
    node, npm, openssl = (shutil.which(name) for name in ("node", "npm", "openssl"))
    version = ""
    if node:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    major = re.match(r"v(\d+)\.", version)
    if not major or int(major[1]) < 20:
        raise Skip("Node 20 or newer is missing" + (f" ({version} is here)" if version else ""))
    if not npm:
        raise Skip("npm is missing")
    if not openssl:
        raise Skip("the openssl command is missing")
    return node, npm, version


def install(npm):
    """npm ci, once for each package-lock.json."""
    digest = hashlib.sha256((SERVER / "package-lock.json").read_bytes()).hexdigest()
    stamp = SERVER / "node_modules" / ".installed-from"
    if stamp.exists() and stamp.read_text() == digest:
        return
    done = subprocess.run(
        [npm, "ci"], cwd=SERVER, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )  # fmt: skip
    if done.returncode:
        raise Trouble(f"npm ci failed:\n{done.stdout}")
    stamp.write_text(digest)


class Provider:
    """server.mjs as a child that ends with this program: it reads our pipe."""

    def __init__(self, node, clients):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [node, "server.mjs", "--clients", str(clients)],
            cwd=SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
        )  # fmt: skip
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def line(self, seconds):
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            line = None
        if line is None:
            raise Trouble(f"the provider said nothing:\n{self.said()}")
        return json.loads(line)

    def ready(self):
        return self.line(20)

    def journal(self):
        try:
            self.process.stdin.write("journal\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Trouble(f"the provider ended early:\n{self.said()}") from error
        return self.line(10)

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def end(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# ---- the sign-ins -----------------------------------------------------------


def launch(case, program, running):
    names = ("client_id", "token_endpoint_auth_method", "token_endpoint_auth_signing_alg")
    names += ("backchannel_authentication_request_signing_alg", "id_token_signed_response_alg")
    settings = {"issuer": case.issuer, **{name: case.client[name] for name in names if name in case.client}}
    if case.key_file:
        settings["client_private_key_file"] = case.key_file
        if "PRIVATE KEY" in pathlib.Path(case.key_file).read_text():
            settings["client_key_id"] = case.client["kid"]  # a JWK has it in itself
    # A proxy or a secret of the surroundings has no part in this.
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment.pop("CIBA_CLIENT_SECRET", None)
    if case.ca_file:
        settings["ca_file"] = case.ca_file
    if case.secret_by_environment:
        environment["CIBA_CLIENT_SECRET"] = case.secret
    elif case.secret:
        settings["client_secret"] = case.secret
    words = [f"{name}={value}" for name, value in settings.items()]
    words += ["--"] + [f"{name}={value}" for name, value in case.parameters.items()]

    began = time.monotonic()
    process = subprocess.Popen(
        [program, *words], env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
    )  # fmt: skip
    running.append(process)

    def follow():
        try:
            case.stdout, case.stderr = process.communicate(timeout=PATIENCE)
            case.code = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            case.stdout, case.stderr = process.communicate()
        case.ended = time.monotonic()
        case.seconds = case.ended - began

    thread = threading.Thread(target=follow)
    thread.start()
    return thread


def run_all(cases, program, running):
    for thread in [launch(case, program, running) for case in cases]:
        thread.join()


def kind_of(client):
    kind = " ".join(filter(None, (client["token_endpoint_auth_method"], client.get("token_endpoint_auth_signing_alg"))))
    signs = client.get("backchannel_authentication_request_signing_alg")
    return f"{kind}, requests signed with {signs}" if signs else kind


def make_cases(ready):
    kinds = {}
    for client in ready["clients"]:
        kinds.setdefault(kind_of(client), []).append(client)
    common = {"issuer": ready["issuer"], "ca_file": ready["ca_file"]}
    parameters = {"scope": "openid", "binding_message": "W4+7/#?", "requested_expiry": "60"}

    flows = []
    for kind, clients in kinds.items():
        for plan in PLANS:
            if kind not in METHODS[:2] and not plan.brief:
                continue
            client = clients.pop()
            method, keys = client["token_endpoint_auth_method"], client.get("key_files")
            secret = client.get("client_secret", "")
            if plan.wrong and not keys:
                secret = secret[:-1] + ("1" if secret[-1] == "0" else "0")
            # Where the key signs the request alone, the provider has no code of CIBA's for a wrong one.
            by_key = keys and method != "private_key_jwt"
            refused = (400, "invalid_request_object", "PROVIDER_ERROR") if by_key else (401, "invalid_client", "INVALID_CLIENT")
            flows.append(
                Case(
                    f"{plan.name}, {kind}", client, parameters={
                        **parameters, "login_hint": plan.hint, "requested_expiry": str(plan.expiry)
                    },
                    exit_code=plan.exit_code, plan=plan, secret=secret, secret_by_environment=kind != METHODS[0],
                    key_file=keys[plan.wrong] if keys else "", refused=refused[:2],
                    status=refused[2] if plan.wrong else "", **common,
                )  # fmt: skip
            )

    # These two must fail before anything is asked, so they run first and alone.
    client = kinds[METHODS[0]].pop()
    refused = {
        "client": client, "parameters": {**parameters, "login_hint": PLANS[0].hint},
        "exit_code": ERROR, "secret": client["client_secret"],
    }  # fmt: skip
    by_number = ready["issuer"].replace("localhost", "127.0.0.1")
    untrusted = Case("an authority that is not trusted", issuer=ready["issuer"], **refused)
    misnamed = Case("a provider that names another issuer", issuer=by_number, ca_file=ready["ca_file"], **refused)
    return untrusted, misnamed, flows


def seen(rows):
    return [f"{row['method']} {row['path'].split('?')[0]}" for row in rows]


def run_cases(provider, program, running):
    """Returns pairs of a name and its faults."""
    ready = provider.ready()
    untrusted, misnamed, flows = make_cases(ready)

    run_all([untrusted], program, running)
    rows = provider.journal()
    if rows:
        untrusted.faults.append(f"requests reached the provider: {seen(rows)}")
    run_all([misnamed], program, running)
    rows = provider.journal()
    if any(row["path"] != DISCOVERY or row["method"] != "GET" for row in rows) or not rows:
        misnamed.faults.append(f"the provider saw {seen(rows)}, not its discovery document alone")
    run_all(flows, program, running)

    # Most sign-ins were over seconds ago: what they still sent is in the journal.
    time.sleep(SETTLE)
    journal = provider.journal()
    tokens = [token for row in journal for token in row.get("tokens", [])]
    secrets = {client.get("client_secret") for client in ready["clients"]} | {case.secret for case in flows}
    secrets |= {pathlib.Path(case.key_file).read_text() for case in flows if case.key_file}
    secrets = sorted(secrets - {None, ""})

    for case in [untrusted, misnamed, *flows]:
        case.faults += output_faults(case, secrets, tokens)
        if case.plan:
            rows = [row for row in journal if row.get("client_id") == case.client["client_id"]]
            case.faults += journal_faults(rows, case) + time_faults(rows, case)
        yield f"{case.name} ({case.seconds:.1f} s)", case.faults, (case, secrets, tokens)

    faults = []
    owned = {case.client["client_id"] for case in flows}
    gets = [row for row in journal if row["method"] == "GET"]
    stray = [row for row in journal if row not in gets and row.get("client_id") not in owned]
    stray += [row for row in gets if row["path"] not in (DISCOVERY, KEYS)]
    if stray:
        faults.append(f"requests that belong to no sign-in: {seen(stray)}")
    approved = sum(case.exit_code == APPROVED for case in flows)
    if sum(row["path"] == KEYS for row in gets) < approved:
        faults.append(f"the keys were fetched fewer times than the {approved} ID Tokens needed")
    broken = [row for row in journal if row["status"] in (None, 0) or row["status"] >= 500]
    if broken:
        faults.append(f"requests given up or failed: {seen(broken)}")
    yield f"nothing else in the provider's journal of {len(journal)} requests", faults, None


def show(detail):
    """The outputs behind a failure; never with a secret in them."""
    case, secrets, tokens = detail
    for stream, text in (("stdout", case.stdout), ("stderr", case.stderr)):
        if gives_away(text, secrets, tokens):
            text = "(withheld: it holds a secret)"
        for line in text.splitlines():
            print(f"      {stream}: {line}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--sign-in", required=True, metavar="PATH", help="the compiled examples/c/sign_in.c")
    program = os.path.abspath(arguments.parse_args().sign_in)

    passed = failed = 0

    def report(name, faults, detail=None):
        nonlocal passed, failed
        passed, failed = passed + (not faults), failed + bool(faults)
        print(f"{'FAIL' if faults else 'ok  '} {name}" + (": " + "; ".join(faults) if faults else ""), flush=True)
        if faults and detail:
            show(detail)

    provider, running = None, []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        node, npm, version = need_tools()
        if not os.access(program, os.X_OK):
            raise Trouble(f"{program} is not a program")
        report("the checks find each fault planted for them", self_check())
        install(npm)
        name = json.loads((SERVER / "node_modules/oidc-provider/package.json").read_text())
        print(f"     {name['name']} {name['version']} on Node {version}; about 15 seconds", flush=True)
        provider = Provider(node, len(PLANS) + 1)
        for name, faults, detail in run_cases(provider, program, running):
            report(name, faults, detail)
        if failed:
            print("      the provider said:\n" + "".join(f"      {line}\n" for line in provider.said().splitlines()))
    except Skip as reason:
        print(f"skipped: {reason}", flush=True)
        return 1 if os.environ.get("CI") == "true" else 77
    except Trouble as reason:
        report("the suite runs", [str(reason)])
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
        if provider:
            provider.end()
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
