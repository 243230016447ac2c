# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a sign-in may look like in the provider's journal and in its own outputs, and proof that a fault is found."""

import base64
import copy
import dataclasses
import functools
import re

INTERVAL = 5.0  # oidc-provider never sends one, so this is the protocol's
JITTER = 0.1  # between the sending of a request and its arrival, in seconds, where nothing is late
BUSY = 60.0  # s that a loaded machine may be late with an end
PATIENCE = 150.0  # for one sign-in; for one that hangs
SETTLE = 0.5  # after the last sign-in, before the journal is read

CIBA = "urn:openid:params:grant-type:ciba"
START, POLL, KEYS = "/backchannel", "/token", "/jwks"
DISCOVERY = "/.well-known/openid-configuration"
METHODS = ("client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt")
# What may stand beside a signed request; what carries a secret is not in the journal.
OUTSIDE = {"client_id", "client_assertion_type"}

APPROVED, ERROR, DENIED, EXPIRED = 0, 1, 2, 3


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
    again: bool = False  # the last of these any number of times: as often as the interval allows before the expiry
    expiry: int = 60  # requested_expiry
    told: int = 0  # expires_in in the answer, where it is not `expiry`
    wrong: bool = False  # another secret or key than the registered one
    brief: bool = False


PENDING = "authorization_pending"
PLANS = (
    Plan("approved", "approved+1@example.test", APPROVED, (None,)),
    Plan("approved late", "late+1@example.test", APPROVED, (PENDING, None), brief=True),
    Plan("denied", "denied+1@example.test", DENIED, ("access_denied",), brief=True),
    # Polls at 5 s and at 10 s, then the client's own clock ends it at 12 s.
    Plan("expired", "silent+1@example.test", EXPIRED, (PENDING,), again=True, expiry=12),
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


def earliest(row):
    """When a request can have come: a provider on a busy machine reads it later."""
    return row["at"] - row["late"]


def told(rows):
    """The journal of one sign-in as lines; nothing secret is in them."""
    for row in rows:
        answer = (row.get("answer") or {}).get("error", "")
        times = f"{(row['at'] - rows[0]['at']) / 1000:.3f} s, {row['late']:.0f} ms late"
        yield f"{times}: {row['method']} {row['path'].split('?')[0]} -> {row['status']} {answer}"


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
        if (earliest(poll) - start["at"]) / 1000 > answer["expires_in"] + JITTER:
            faults.append("a poll after expiry")
    for before, poll in zip([start] + polls, polls):
        gap = (poll["at"] - earliest(before)) / 1000
        if gap < INTERVAL - JITTER:
            faults.append(f"a poll {gap:.2f} s after the request before it, sooner than {INTERVAL:g} s")
        if before["until"] is None or poll["at"] < before["until"]:
            faults.append("a poll before the answer to the request before it")
    answers = tuple(poll["answer"].get("error") for poll in polls)
    over = [i for i, error in enumerate(answers) if error != PENDING]
    if over and len(answers) > over[0] + 1:
        faults.append(f"{len(answers) - over[0] - 1} poll(s) after the outcome")
    expected = plan.polls + plan.polls[-1:] * (len(answers) - len(plan.polls)) * plan.again
    if answers != expected:
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
        lived = case.ended - earliest(rows[0]) / 1000
        if not case.plan.expiry - JITTER <= lived <= case.plan.expiry + BUSY:
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
            "at": at, "late": 0, "until": at + 5, "method": "POST", "path": path, "status": status, "parameters": parameters,
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
    # A first poll that seems too soon, where the start was read late; and no later than that.
    plant("a poll sooner than lateness explains", lambda r: (r[0].update(late=1000), r[1].update(at=3900)))
    late = copy.deepcopy(good)
    late[0].update(late=1000)
    late[1].update(at=4200)
    expect(not journal_faults(late, case), "a good journal of a machine that is late")
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
    silent = dataclasses.replace(case, plan=Plan("", "silent", EXPIRED, (PENDING,), again=True, expiry=8), ended=9.0)
    expect(not time_faults([{"at": 1000, "late": 0}], silent), "an end in time")
    for answers in ([PENDING], [PENDING] * 2, [], [PENDING, None], ["access_denied", PENDING]):
        rows = good[:1] + [row(5200 * (i + 1), POLL, 400 if e else 200, poll, {"error": e} if e else {}) for i, e in enumerate(answers)]
        open_ended = dataclasses.replace(silent, plan=dataclasses.replace(silent.plan, expiry=60))
        expect(bool(journal_faults(rows, open_ended)) != (set(answers) == {PENDING}), f"polls answered {answers}")
    for ended in (8.0, 9.5 + BUSY):
        expect(time_faults([{"at": 1000, "late": 0}], dataclasses.replace(silent, ended=ended)), "an end too early or too late")

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
