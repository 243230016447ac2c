# SPDX-License-Identifier: MIT OR Apache-2.0
"""Events in ``logging``, or in a callable of the program's own."""

import logging
import sys
from datetime import datetime, timezone

import pytest

import ciba


@pytest.fixture(autouse=True)
def level():
    before = logging.getLogger("ciba").level
    yield
    logging.getLogger("ciba").setLevel(before)


def signs_in(provider, client):
    flow = client.init(login_hint="alice", binding_message="approve after 0 s", correlation="order 7")
    return flow.poll()


def test_events_go_to_the_logger(provider, caplog):
    caplog.set_level(logging.INFO, "ciba")
    signs_in(provider, provider.client())
    names = [record.ciba_event for record in caplog.records]
    assert names == ["start.sent", "start.acknowledged", "flow.approved"]
    record = caplog.records[-1]
    assert (record.name, record.levelno, record.ciba_correlation) == ("ciba", logging.INFO, "order 7")
    assert record.getMessage().startswith("flow.approved [order 7] ")


def test_debug_events_only_where_the_logger_wants_them_when_the_client_is_made(provider, caplog):
    quiet = provider.client()
    caplog.set_level(logging.DEBUG, "ciba")
    signs_in(provider, quiet)
    assert logging.DEBUG not in {record.levelno for record in caplog.records}
    caplog.clear()
    signs_in(provider, provider.client())
    assert "poll.sent" in {record.ciba_event for record in caplog.records}


def test_events_go_to_a_callable_in_place_of_the_logger(provider, caplog):
    caplog.set_level(logging.DEBUG, "ciba")
    events = []
    before = datetime.now(timezone.utc)
    signs_in(provider, provider.client(log=events.append))
    assert caplog.records == []
    event = {event.name: event for event in events}["flow.approved"]
    assert isinstance(event, ciba.LogEvent) and (event.level, event.correlation) == (logging.INFO, "order 7")
    assert before.replace(microsecond=0) <= event.when <= datetime.now(timezone.utc)
    assert {"start.sent", "poll.sent"} <= {event.name for event in events}


@pytest.fixture
def unraisable(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda hook: seen.append((hook.exc_value, hook.object)))
    return seen


def test_what_a_log_callable_raises_ends_nothing_and_is_reported(provider, unraisable):
    def throws(event):
        raise ZeroDivisionError("planted")

    assert signs_in(provider, provider.client(log=throws))
    assert unraisable and all(isinstance(thrown, ZeroDivisionError) and what is throws for thrown, what in unraisable)


def test_a_log_callable_may_read_a_flow_and_must_not_wait(provider, unraisable):
    seen, flows = [], []

    def log(event):
        if flows:
            seen.append(flows[0].outcome)
            flows[0].poll(0)

    client = provider.client(log=log)
    flows.append(client.init(login_hint="alice", binding_message="approve after 0 s"))
    assert flows[0].poll()
    assert ciba.Status.OK in seen
    assert {type(thrown) for thrown, _ in unraisable} == {ciba.UsageError}
    assert {thrown.status for thrown, _ in unraisable} == {ciba.Status.IN_CALLBACK}


def test_a_closed_client_gives_its_callable_back(provider):
    class Log:
        def __call__(self, event):
            pass

    log = Log()
    before = sys.getrefcount(log)
    client = provider.client(log=log)
    assert sys.getrefcount(log) > before
    client.close()
    assert sys.getrefcount(log) == before
