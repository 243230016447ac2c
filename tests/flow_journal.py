# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a provider's journal says of flows whose programs were interrupted, killed and started again.

Interruptions are marks in the journal itself: requests for /mark/NAME that the test
makes. "resumed" stands for a start that goes on with flows of a program that was
killed: whoever asks must wait a whole interval from there, but for a flow that was
"handed_over" before and that nobody has touched since.
"""

import collections
import dataclasses
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request

MARK = "/mark/"
KILLED, RESUMED, HANDED_OVER = "killed", "resumed", "handed_over"
UNDECIDED = ("authorization_pending", "slow_down")
# From an answer to its being written down, and from a due time to the poll: bounds for a busy machine.
SOON_MS = 2000


def mark(simulator, name):
    """Notes in the journal that something has happened; whatever was sent before is there already."""
    total = None
    while total != (total := simulator.control("GET /count")["total"]):
        time.sleep(0.05)
    context = ssl.create_default_context(cafile=simulator.facts["ca_file"])
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    origin = urllib.parse.urlsplit(simulator.facts["issuer"])
    try:
        urllib.request.build_opener(*handlers).open(f"{origin.scheme}://{origin.netloc}{MARK}{name}", timeout=30).close()
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise


@dataclasses.dataclass
class Flow:
    """One person, as the provider saw it."""

    starts: list = dataclasses.field(default_factory=list)  # when each arrived
    polls: list = dataclasses.field(default_factory=list)  # when each arrived, and its answer


@dataclasses.dataclass
class Journal:
    flows: dict  # person -> Flow
    marks: dict  # name -> when each was made
    strays: list  # polls of nobody's

    def next_mark(self, name, at):
        return next((when for when in self.marks[name] if when >= at), None)


def read(entries, person_of):
    """person_of: the person that the form of a start names."""
    flows, by_id, strays = collections.defaultdict(Flow), {}, []
    marks = collections.defaultdict(list)
    for entry in entries:
        form = dict(urllib.parse.parse_qsl(entry["body"]))
        if entry["kind"] == "start":
            flow = flows[person_of(form)]
            flow.starts.append(entry["at_ms"])
            by_id[entry["auth_req_id"]] = flow
        elif entry["kind"] == "poll":
            flow = by_id.get(form.get("auth_req_id"))
            poll = (entry["at_ms"], entry["answer"])
            flow.polls.append(poll) if flow else strays.append(poll)
        elif entry["path"].startswith(MARK):
            marks[entry["path"].removeprefix(MARK)].append(entry["at_ms"])
    return Journal(flows, marks, strays)


def pace_faults(journal, interval_ms):
    """Starts too many, and polls that came too soon."""
    faults = [f"a poll of nobody's: {poll}" for poll in journal.strays]
    for person, flow in journal.flows.items():
        if len(flow.starts) > 1:
            faults.append(f"{person}: {len(flow.starts)} starts")
        since = flow.starts[0]
        active = [since, *(at for at, _ in flow.polls)]
        resumes = [when for when in journal.marks[RESUMED] if not untouched(journal, active, when)]
        for at, answer in flow.polls:
            since = max(since, *(when for when in [0, *resumes] if when <= at))
            if at - since < interval_ms:
                faults.append(f"{person}: a poll at {at} ms, {at - since} ms after the one before or the resume")
            if answer == "slow_down":
                faults.append(f"{person}: told to slow down at {at} ms")
            since = at
    return faults


def untouched(journal, active, resumed):
    """Whether nobody has asked between the last hand-over and this resume."""
    handed_over = max((when for when in journal.marks[HANDED_OVER] if when < resumed), default=None)
    return handed_over is not None and not any(handed_over < at < resumed for at in active)


# What a person does, and what a program should say of it.
RIGHT = {"approve": ("CIBA_OK",), "deny": ("CIBA_DENIED", "CIBA_DENIED_OR_FAILED"), "never": ("CIBA_EXPIRED",)}


def judge(journal, flow, outcome, does, expires_ms, ambiguous=False):
    """What an outcome is: "right", one of the ways in which it may rightly be unknown, or "wrong: …".

    does: what the person did, see RIGHT. ambiguous: the provider says the same of a
    denial and of a request that it does not know any more.
    """
    started = flow.starts[0] if flow.starts else None
    ended = next((poll for poll in flow.polls if poll[1] not in UNDECIDED), None)
    if outcome == "CIBA_START_UNKNOWN":
        if flow.polls:
            return "wrong: its start is not known, and yet it was asked for"
        if started is not None:
            killed = journal.next_mark(KILLED, started)
            if killed is None or killed - started > SOON_MS:
                return "wrong: its start is not known, and nobody was killed then"
        return "start unknown"
    if started is None:
        return f"wrong: {outcome} without a start"
    if outcome == "CIBA_UNKNOWN":
        if ended is None or ended[1] == "expired_token":
            unseen = unseen_expiry(journal, flow, started + expires_ms)
            return "expired while killed" if unseen else "wrong: unknown without a kill or an answer"
        before = [at for at, _ in flow.polls if at < ended[0]]
        first = any(not any(at > when for at in before) for when in journal.marks[RESUMED] if started < when < ended[0])
        if ambiguous and does == "deny" and first:
            return "denied while killed"
        killed = journal.next_mark(KILLED, ended[0])
        if killed is not None and killed - ended[0] <= SOON_MS:
            return "answered, then killed"
        return "wrong: unknown without a kill at its answer"
    if outcome not in RIGHT[does]:
        return f"wrong: {outcome} of a person who would {does}"
    if does == "never":
        return "right" if ended is None or ended[1] == "expired_token" else f"wrong: expired after {ended[1]}"
    if ended is None or (ended[1] == "tokens") != (does == "approve"):
        return f"wrong: {outcome} without the answer that says so"
    return "right"


def unseen_expiry(journal, flow, expired):
    """Whether nobody saw the request undecided between the last kill and its expiry."""
    started, resumes = flow.starts[0], journal.marks[RESUMED]
    before = max((when for when in resumes if started < when <= expired), default=None)
    if before is not None and not any(answer in UNDECIDED for at, answer in flow.polls if at > before):
        return True
    after = next((when for when in resumes if when > expired), None)
    killed = max((when for when in journal.marks[KILLED] if after is not None and when <= after), default=None)
    return killed is not None and killed - expired <= SOON_MS


# ---- the proof that faults are found ----------------------------------------


def faults():
    """Plants each fault that the checks are for and returns those that went unnoticed."""

    def entry(at_ms, kind, answer="", **more):
        return {"at_ms": at_ms, "kind": kind, "answer": answer, "path": "", "body": "", "auth_req_id": None, **more}

    def start(at_ms):
        return entry(at_ms, "start", "ack", body="login_hint=7", auth_req_id="id")

    def poll(at_ms, answer, name="id"):
        return entry(at_ms, "poll", answer, body=f"auth_req_id={name}")

    def marked(at_ms, name):
        return entry(at_ms, "other", path=MARK + name)

    def look(*entries):
        return read(entries, lambda form: form["login_hint"])

    pending, kill = "authorization_pending", [marked(20_000, KILLED), marked(20_500, RESUMED)]
    good = look(start(0), poll(1200, pending), *kill, poll(21_700, "tokens"))
    missed = []
    if pace_faults(good, 1000) or judge(good, good.flows["7"], "CIBA_OK", "approve", 60_000) != "right":
        missed.append("a good journal is called bad")
    paced = {
        "two starts": look(start(0), start(5)),
        "a poll too soon": look(start(0), poll(1200, pending), poll(2199, pending)),
        "a poll too soon after a resume": look(start(0), poll(1200, pending), *kill, poll(21_499, pending)),
        "a poll of nobody's": look(start(0), poll(1200, pending, "another")),
        "slow_down": look(start(0), poll(1200, "slow_down")),
    }
    missed += [f"not found: {what}" for what, journal in paced.items() if not pace_faults(journal, 1000)]
    handed_over = [start(0), poll(1200, pending), marked(19_000, HANDED_OVER)]
    if pace_faults(look(*handed_over, *kill, poll(20_600, pending)), 1000):
        missed.append("a hand-over that was polled when it was due is called bad")
    if not pace_faults(look(*handed_over, poll(19_500, pending), *kill, poll(20_600, pending)), 1000):
        missed.append("not found: a poll too soon after a hand-over that was resumed twice")

    answered_early = look(start(0), poll(1200, "tokens"), *kill, poll(21_700, "invalid_grant"))
    answered_then = look(start(0), poll(19_900, "tokens"), *kill, poll(21_700, "invalid_grant"))
    undecided = look(start(0), poll(1200, pending), *kill, poll(21_700, pending))
    lost_start, good_start = look(start(19_990), *kill), look(start(0), *kill)
    denied = look(start(0), poll(1200, pending), *kill, poll(21_700, "invalid_grant"))
    judged = (
        ("answered, then killed", answered_then, "CIBA_UNKNOWN", "approve"),
        ("wrong", answered_early, "CIBA_UNKNOWN", "approve"),
        ("wrong", answered_then, "CIBA_DENIED", "approve"),
        ("wrong", answered_then, "CIBA_EXPIRED", "approve"),
        ("wrong", undecided, "CIBA_UNKNOWN", "never"),
        ("wrong", undecided, "CIBA_OK", "approve"),
        ("wrong", undecided, "CIBA_DENIED", "never"),
        ("wrong", undecided, "CIBA_PENDING", "never"),
        ("right", undecided, "CIBA_EXPIRED", "never"),
        ("start unknown", lost_start, "CIBA_START_UNKNOWN", "approve"),
        ("wrong", good_start, "CIBA_START_UNKNOWN", "approve"),
        ("wrong", good, "CIBA_START_UNKNOWN", "approve"),
        ("denied while killed", denied, "CIBA_UNKNOWN", "deny"),
        ("wrong", denied, "CIBA_UNKNOWN", "approve"),
    )
    for expected, journal, outcome, does in judged:
        found = judge(journal, journal.flows["7"], outcome, does, 60_000, ambiguous=True)
        if found.split(":")[0] != expected:
            missed.append(f"{outcome} of a person who would {does} is called {found!r}, not {expected!r}")
    asked = look(start(0), *kill, poll(21_700, pending))
    expiries = ((good_start, 21_000), (good_start, 20_200), (good_start, 19_900), (good_start, 15_000), (asked, 22_000))
    found = [judge(journal, journal.flows["7"], "CIBA_UNKNOWN", "never", at).split(":")[0] for journal, at in expiries]
    if found != ["expired while killed"] * 3 + ["wrong"] * 2:
        missed.append(f"expiries around a kill are called {found}")
    return missed
