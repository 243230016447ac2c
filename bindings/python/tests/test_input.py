# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bad input: an exception that says what to do; never a crash, never a hang, and nothing is sent."""

import enum
import pathlib
import pickle

import pytest

import ciba

GOOD = {"issuer": "https://id.example", "client_id": "me", "client_secret": "planted-secret-Zk3vQ9"}
SURROGATE = "planted-secret-Zk3vQ9\udc80"


def test_the_good_twin():
    assert ciba.Client(**GOOD)


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"client_secert": "planted-secret-Zk3vQ9"}, ciba.InvalidInput, "the nearest is client_secret"),
        ({"client_secret": ""}, ciba.InvalidInput, "client_secret"),
        ({"client_id": None}, TypeError, "client_id: must be str, .* not NoneType; leave it out"),
        ({"client_secret": b"planted-secret-Zk3vQ9"}, TypeError, "client_secret: must be .* not bytes"),
        ({"client_secret": 1.5}, TypeError, "not float"),
        ({"client_secret": object()}, TypeError, "not object"),
        ({"client_secret": SURROGATE}, ciba.InvalidInput, "client_secret: .*lone surrogate"),
        ({"\udc80": "x"}, ciba.InvalidInput, "lone surrogate"),
        ({"a\nb" * 100: None}, TypeError, r"a\?ba\?b"),
        ({"client_id": "a\nb"}, ciba.InvalidInput, "client_id: control characters"),
        ({"client_id": "a\0b"}, ciba.InvalidInput, "client_id: control characters"),
        ({"poll_timeout_ms": 34_999}, ciba.InvalidInput, "from 35000 to 600000"),
        ({"poll_timeout_ms": -1}, ciba.InvalidInput, "whole number"),
        ({"poll_timeout_ms": 2**70}, ciba.InvalidInput, "poll_timeout_ms: is too large"),
        ({"poll_timeout_ms": True}, ciba.InvalidInput, "whole number"),
        ({"id_token_required": 1}, ciba.InvalidInput, "true or false"),
        ({"allowed_hosts": ["a", 7]}, TypeError, "allowed_hosts: must be a list of str, not int"),
        ({"allowed_hosts": {"a", "b"}}, TypeError, "not set"),
        ({"client_secret": {"planted-secret-Zk3vQ9": "x"}}, ciba.InvalidInput, "no setting named"),
        ({"client_secret": {7: "x"}}, TypeError, "names that are str"),
        ({"client_secret": {"a": {"b": "c"}}}, TypeError, "not dict"),
        ({"provider": "nobody"}, ciba.InvalidInput, "signaturgruppen"),
        ({"issuer": "http://id.example"}, ciba.InvalidInput, "https"),
        ({"ca_mode": "replace"}, ciba.InvalidInput, "ca_file"),
        ({"ca_file": pathlib.Path("/nowhere/at/all")}, ciba.UsageError, "ca_file cannot be read"),
        ({"log": "x"}, TypeError, "log: must be a callable"),
    ],
)
def test_settings(settings, error, says):
    with pytest.raises(error, match=says) as raised:
        ciba.Client(**{**GOOD, **settings})
    seen = f"{raised.value!s} {raised.value!r} {vars(raised.value)!r} {raised.value.__cause__!r} {raised.value.__context__!r}"
    if "client_secert" not in settings and "client_secret" not in settings:
        return
    # A name that was mistaken for a value is shown; a value never is.
    assert "planted" not in seen or {"planted-secret-Zk3vQ9": "x"} in settings.values()


def test_a_mapping_is_no_request_and_a_request_no_setting():
    with pytest.raises(TypeError):
        ciba.Client("telenor", "me")
    for request in ("login_hint=alice", 7, [("login_hint", "alice")], object()):
        with pytest.raises(TypeError, match="request: must be a mapping"):
            ciba.Client(**GOOD).init(request)
    with pytest.raises(TypeError, match="a name must be str, not int"):
        ciba.Client(**GOOD).init({7: "alice"})


def test_values_of_kin():
    class Level(str, enum.Enum):
        DEBUG = "debug"

    class Number(enum.IntEnum):
        MANY = 40_000

    class Text(str):
        pass

    client = ciba.Client(
        **{**GOOD, "client_id": Text("me")}, log_level=Level.DEBUG, poll_timeout_ms=Number.MANY,
        id_token_required=False, allowed_hosts=("a.example", "b.example"), clock_tolerance_s="30",
    )  # fmt: skip
    assert not client.closed


def test_a_path_is_taken(tmp_path, provider):
    log = tmp_path / "log"
    with pytest.raises(ciba.InvalidInput):
        provider.client(log_file=log).init(login_hint="a", scope="profile")
    assert log.exists()


@pytest.mark.parametrize(
    ("parameters", "error", "says"),
    [
        ({}, ciba.InvalidInput, "a hint is missing"),
        ({"login_hint": "alice", "id_token_hint": "x"}, ciba.InvalidInput, "more than one hint"),
        ({"login_hint": "alice", "scope": "profile"}, ciba.InvalidInput, "scope must contain openid"),
        ({"login_hint": "alice", "scope": ["profile", "email"]}, ciba.InvalidInput, "scope must contain openid"),
        ({"login_hint": None}, TypeError, "login_hint: .*leave it out"),
        ({"login_hint": 1.0}, TypeError, "login_hint"),
        ({"login_hint": SURROGATE}, ciba.InvalidInput, "login_hint: .*surrogate"),
        ({"login_hint": "alice", "requested_expiry": "soon"}, ciba.InvalidInput, "requested_expiry"),
        ({"login_hint": "alice", "request_expiry": 3}, ciba.InvalidInput, "the nearest is requested_expiry"),
        ({"login_hint_token": {"uuid": "x"}}, ciba.InvalidInput, "login_hint_token"),
        ({"login_hint_token": {"nobody": "x"}}, ciba.InvalidInput, "no request parameter named"),
        ({"login_hint": "alice", "timeout": "soon"}, TypeError, "timeout"),
        ({"login_hint": "alice", "timeout": -1}, ciba.InvalidInput, "timeout: must be None"),
        ({"login_hint": "alice", "timeout": float("nan")}, ciba.InvalidInput, "timeout"),
    ],
)
def test_requests(provider, parameters, error, says):
    with pytest.raises(error, match=says) as raised:
        provider.client().init(**parameters)
    assert "planted" not in f"{raised.value!r} {vars(raised.value)!r} {raised.value.__context__!r}"
    assert provider.lines() == [], "nothing was sent"


def test_timeouts(provider):
    client = provider.client()
    flow = client.init(login_hint="alice")
    for call in (client.check, flow.poll, flow.step, flow.cancel):
        for timeout, error in ((-0.1, ciba.InvalidInput), (float("nan"), ciba.InvalidInput), ("1", TypeError), ([], TypeError)):
            with pytest.raises(error):
                call(timeout)
    assert flow.outcome is ciba.Status.PENDING
    for timeout in (0, 0.0, 1e-300, False):
        assert flow.poll(timeout) is None
    assert client.check(1e300) and client.check(float("inf"))


def test_no_callable(provider):
    with pytest.raises(TypeError, match="on_progress: must be a callable"):
        provider.client().init(login_hint="alice").poll(on_progress=7)


def test_a_closed_client(provider):
    client = provider.client()
    client.close()
    client.close()
    assert client.closed
    for call in (lambda: client.init(login_hint="alice"), client.check):
        with pytest.raises(ciba.UsageError, match="the client is closed: make another one") as error:
            call()
        assert error.value.status is ciba.Status.FREED
    assert provider.lines() == []


def test_what_cannot_be_made_changed_or_pickled(provider):
    client = provider.client()
    flow = client.init(login_hint="alice", binding_message="approve after 0 s")
    tokens = flow.poll()
    for kind in (ciba.Flow, ciba.Tokens):
        with pytest.raises(TypeError):
            kind()
    for thing in (client, flow, tokens):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
        with pytest.raises(AttributeError):
            thing.outcome = thing.access_token = thing.closed = 7


def test_a_subscript_that_is_no_name():
    with pytest.raises(TypeError):
        ciba.Client[7]
