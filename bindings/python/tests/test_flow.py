# SPDX-License-Identifier: MIT OR Apache-2.0
"""A sign-in to each of its outcomes, by the provider's journal."""

import threading
import time
import urllib.parse
from datetime import datetime, timedelta, timezone

import pytest

import ciba
from conftest import PATIENCE, PENDING, STARTED, UUID, hint


def flow_that(provider, phrase, **parameters):
    return provider.client().init(login_hint="alice", binding_message=phrase, **parameters)


def test_approved(provider):
    flow = flow_that(provider, "approve after 1500 ms")
    assert flow.outcome is ciba.Status.PENDING and flow.tokens is None
    tokens = flow.poll()
    assert flow.outcome is ciba.Status.OK
    assert flow.poll(0).access_token == flow.tokens.access_token == tokens.access_token
    provider.assert_requests_then_silence([*STARTED, PENDING + "*", "POST /token -> 200 tokens"], flow)


def test_denied_r47(provider):
    flow = flow_that(provider, "deny after 0 s")
    for _ in range(2):
        with pytest.raises(ciba.Denied) as denied:
            flow.poll()
    assert flow.outcome is ciba.Status.DENIED
    assert (denied.value.status_name, denied.value.oauth_error, denied.value.http_status) == ("DENIED", "access_denied", 400)
    provider.assert_requests_then_silence([*STARTED, "POST /token -> 400 access_denied"], flow)


def test_expired_r49(provider):
    flow = flow_that(provider, "never", requested_expiry=2)
    with pytest.raises(ciba.Expired):
        flow.poll()
    assert flow.outcome is ciba.Status.EXPIRED
    provider.assert_requests_then_silence([*STARTED, PENDING + "*"], flow)


def test_cancelled_on_another_thread_ends_the_wait_at_once(signaturgruppen):
    flow = signaturgruppen.client().init(login_hint_token=hint("wait"))
    signaturgruppen.wait_for("jwks")
    answers = []

    def wait():
        try:
            flow.poll()
        except ciba.Cancelled as cancelled:
            answers.append(cancelled)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert flow.cancel() is True
    waiting.join(PATIENCE)
    assert answers and flow.outcome is ciba.Status.CANCELLED
    assert flow.cancel() is True, "again, with nothing to do"
    signaturgruppen.assert_requests_then_silence(
        [
            "POST /op/connect/ciba -> 200 ack",
            "GET /op/.well-known/openid-configuration/jwks -> 200 jwks",
            f"DELETE /op/api/v1/ciba/{flow.auth_req_id} -> 204 cancelled",
        ],
        flow,
    )


def test_cancel_after_the_answer_changes_nothing(provider):
    flow = flow_that(provider, "approve after 0 s")
    assert flow.poll() and flow.cancel() is True
    assert flow.outcome is ciba.Status.OK and flow.poll(0)


def test_the_provider_that_does_not_cancel_is_reported_and_the_flow_is_cancelled_all_the_same(signaturgruppen):
    signaturgruppen.fault("cancel", {"answer": {"status": 500}})
    flow = signaturgruppen.client().init(login_hint_token=hint())
    with pytest.raises(ciba.TransportError) as error:
        flow.cancel()
    assert (error.value.http_status, flow.outcome) == (500, ciba.Status.CANCELLED)


def test_a_wrong_secret(provider):
    with pytest.raises(ciba.ProviderError) as error:
        provider.client(client_secret="another-secret").init(login_hint="alice")
    assert isinstance(error.value, ciba.Failed)
    assert (error.value.status, error.value.oauth_error) == (ciba.Status.INVALID_CLIENT, "invalid_client")
    provider.assert_requests_then_silence([STARTED[0], "POST /bc-authorize -> 401 invalid_client"])


def test_an_answer_with_tokens_that_was_lost_is_unknown_and_no_denial_r50(provider):
    provider.fault("poll", {"cut_in_body": {"status": None}})
    with pytest.raises(ciba.Unknown):
        flow_that(provider, "approve after 0 s").poll()


def test_a_forged_token_is_not_handed_out(provider):
    provider.control("POST /id_token", {"signer": "other"})
    flow = flow_that(provider, "approve after 0 s")
    with pytest.raises(ciba.TokenError):
        flow.poll()
    assert (flow.outcome, flow.tokens) == (ciba.Status.FAILED, None)


def test_the_provider_that_cannot_be_reached(provider):
    provider.control("POST /offline")
    with pytest.raises(ciba.TransportError) as error:
        provider.client(backchannel_authentication_endpoint=provider.facts["issuer"] + "/bc-authorize",
                        token_endpoint=provider.facts["issuer"] + "/token", jwks_uri=provider.facts["issuer"] + "/jwks",
                        ).init(login_hint="alice")  # fmt: skip
    assert error.value.status is ciba.Status.CONNECT_FAILED
    with pytest.raises(ciba.DiscoveryError):
        provider.client().init(login_hint="alice")


def test_check_is_a_trial_that_rings_nobody(provider):
    client = provider.client()
    assert client.check() is True
    provider.control("POST /offline")
    with pytest.raises(ciba.DiscoveryError):
        provider.client().check()
    assert provider.lines() == [STARTED[0], STARTED[2]]


def test_when_the_time_is_up_nothing_is_lost(provider):
    client = provider.client()
    provider.fault("start", {"process_then_hold": 400})
    flow = client.init(timeout=0, login_hint="alice", binding_message="approve after 1 s")
    assert (flow.auth_req_id, flow.acknowledgement, flow.expires_at, flow.interval) == (None,) * 4
    assert flow.poll(0) is None and flow.poll(0.1) is None and flow.poll(timeout=1e-9) is None
    assert flow.poll(float("inf")).access_token
    assert provider.lines().count("POST /bc-authorize -> 200 ack") == 1
    assert client.check(0) in (True, False)


def test_step_makes_the_one_exchange_that_is_due(provider):
    flow = flow_that(provider, "approve after 1500 ms")
    provider.wait_for("/jwks")
    began = provider.lines()
    assert flow.step() is None and flow.step(0) is None, "nothing is due"
    assert provider.lines() == began
    tokens = None
    while tokens is None:
        time.sleep(max(0, (flow.next_poll_at - datetime.now(timezone.utc)).total_seconds()) + 0.01)
        before = len(provider.lines())
        tokens = flow.step()
        assert len(provider.lines()) == before + 1, "one request for each step that is due"
    assert tokens.access_token


def test_nobody_waits_so_nobody_asks(provider):
    flow = flow_that(provider, "approve after 0 s")
    provider.wait_for("/jwks")
    provider.assert_requests_then_silence(STARTED)
    assert flow.poll(), "the twin that is waited for"


def test_a_binding_code_is_sent_and_the_flow_tells_it(provider):
    client = provider.client()
    code = client.binding_code()
    assert len(code) == 7 and code != client.binding_code()
    flow = client.init(login_hint="alice", binding_message=code)
    assert (flow.binding_message, flow.authentication_uri) == (code, None)
    assert client.init(login_hint="alice").binding_message is None
    with pytest.raises(ciba.InvalidInput, match="U\\+202E"):
        client.init(login_hint="alice", binding_message="\u202e100 kr.")


def test_json_is_given_as_it_is_in_python_and_other_parameters_as_a_dict(provider):
    flow = provider.client().init(
        login_hint="alice",
        claims={"id_token": {"auth_time": {"essential": True}}},
        authorization_details=[{"type": "payment", "amount": 1.5}],
        request_context="{}",
        resource=["https://api.example/a", "urn:b"],
        extra={"audience": "x y"},
    )
    assert flow.auth_req_id
    start = next(entry for entry in provider.control("GET /journal") if entry["kind"] == "start")
    assert urllib.parse.parse_qsl(start["body"]) == [
        ("scope", "openid"),
        ("login_hint", "alice"),
        ("resource", "https://api.example/a"),
        ("resource", "urn:b"),
        ("authorization_details", '[{"type": "payment", "amount": 1.5}]'),
        ("claims", '{"id_token": {"auth_time": {"essential": true}}}'),
        ("request_context", "{}"),
        ("audience", "x y"),
    ]
    for wrong in ({"claims": []}, {"authorization_details": {}}, {"extra": {"client_id": "me"}}, {"claims": None}):
        with pytest.raises((ciba.InvalidInput, TypeError)):
            provider.client().init(login_hint="alice", **wrong)


def test_what_can_be_asked_of_a_flow(provider):
    before = datetime.now(timezone.utc) - timedelta(seconds=1)
    flow = flow_that(provider, "wait", correlation="order 7", requested_expiry=60)
    assert before <= flow.started_at <= flow.next_poll_at < flow.expires_at
    assert flow.expires_at - flow.started_at <= timedelta(seconds=62)
    assert flow.started_at.tzinfo is timezone.utc
    assert flow.acknowledgement == {"auth_req_id": flow.auth_req_id, "expires_in": 60, "interval": 1}
    assert (flow.interval, flow.correlation, flow.trouble) == (1.0, "order 7", None)
    progress = flow.progress
    assert isinstance(progress, ciba.Progress) and progress.stage is ciba.Stage.PENDING
    assert 0 < progress.next_poll_in < progress.expires_in <= 60 and progress.polls == 0
    flow.acknowledgement["auth_req_id"] = "changed"
    assert flow.acknowledgement["auth_req_id"] == flow.auth_req_id, "a new dict each time"


def test_trouble_that_is_waited_out_can_be_seen(provider):
    provider.fault("poll", {"answer": {"status": 503, "headers": [["retry-after", "1"]]}})
    flow = flow_that(provider, "approve after 0 s")
    assert flow.poll()
    assert isinstance(flow.trouble, ciba.TransportError)
    assert (flow.trouble.http_status, flow.trouble.retry_after) == (503, 1.0)


def test_tokens(provider):
    before = datetime.now(timezone.utc)
    tokens = flow_that(provider, "approve after 0 s").poll()
    assert tokens.claims["iss"] == provider.facts["issuer"] and isinstance(tokens.claims["exp"], int)
    tokens.claims["sub"] = "changed"
    assert tokens.claims["sub"] != "changed", "a new dict each time"
    assert tokens["access_token"] == tokens.access_token and tokens["id_token"] == tokens.id_token
    assert isinstance(tokens["expires_in"], int)
    assert tokens.token_type == "Bearer" and "openid" in tokens.scope and tokens.refresh_token is None
    assert before < tokens.expires_at and tokens.expires_at.tzinfo is timezone.utc
    assert "access_token" in tokens and "another" not in tokens and 7 not in tokens and "\ud800" not in tokens
    assert tokens.get("another") is None and tokens.get("another", 7) == 7 and tokens.get("token_type") == "Bearer"
    for name in ("another", "\ud800"):
        with pytest.raises(KeyError):
            tokens[name]
    for name in (7, None, b"access_token"):
        with pytest.raises(TypeError):
            tokens[name]


def test_claims_have_every_digit_and_any_depth(provider):
    big = 2**70
    provider.control("POST /id_token", {"claims": {"big": big, "list": [1, {"a": None}], "yes": True, "dotted.name": "x"}})
    claims = flow_that(provider, "approve after 0 s").poll().claims
    assert claims["list"] == [1, {"a": None}] and claims["yes"] is True and claims["dotted.name"] == "x"


def test_a_date_beyond_what_python_knows_is_its_last_one(provider):
    provider.fault("poll", {"patch": {"expires_in": 2**60}})
    tokens = flow_that(provider, "approve after 0 s").poll()
    assert tokens.expires_at.year == 9999 and tokens["expires_in"] == 2**60


def test_leaving_a_block_cancels_what_has_no_outcome(signaturgruppen):
    client = signaturgruppen.client()
    with client, client.init(login_hint_token=hint()) as flow:
        assert flow.poll(0) is None
    assert client.closed and flow.outcome is ciba.Status.CANCELLED
    assert any(line.endswith("-> 204 cancelled") for line in signaturgruppen.lines()), "the provider has taken note"


def test_leaving_a_block_after_the_outcome_sends_nothing(signaturgruppen):
    with signaturgruppen.client().init(login_hint_token=hint("approve after 0 s")) as flow:
        assert flow.poll()
    assert flow.outcome is ciba.Status.OK
    assert not any("DELETE" in line for line in signaturgruppen.lines())


def test_an_exception_leaves_a_block_as_it_is_even_where_the_provider_does_not_cancel(signaturgruppen):
    signaturgruppen.fault("cancel", {"answer": {"status": 500}})
    with pytest.raises(ZeroDivisionError):
        with signaturgruppen.client().init(login_hint_token=hint()) as flow:
            1 / 0
    assert flow.outcome is ciba.Status.CANCELLED


def test_flows_go_on_without_their_client(provider):
    with provider.client() as client:
        flow = client.init(login_hint="alice", binding_message="approve after 0 s")
    del client
    assert flow.poll()


def test_several_threads_may_wait_for_one_flow_and_the_provider_is_asked_once(provider):
    flow = flow_that(provider, "approve after 0 s")
    tokens = []
    threads = [threading.Thread(target=lambda: tokens.append(flow.poll().access_token)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(tokens) == 8 and len(set(tokens)) == 1
    assert provider.lines().count("POST /token -> 200 tokens") == 1


def test_progress_is_told_on_the_waiting_thread_when_something_changes(provider):
    told = []
    flow = flow_that(provider, "approve after 1500 ms")
    flow.poll(on_progress=lambda progress: told.append((progress, threading.get_ident())))
    assert {thread for _, thread in told} == {threading.get_ident()}
    assert told[0][0].stage is ciba.Stage.PENDING and told[0][0].polls == 0
    assert any(progress.polls == 1 for progress, _ in told)
    polls = flow.progress.polls
    assert len(told) <= 4 * (polls + 2), "not at every look for signals"


def test_what_a_progress_callable_raises_comes_out_and_the_flow_goes_on(provider):
    flow = flow_that(provider, "approve after 0 s")

    def throws(progress):
        raise ZeroDivisionError("planted")

    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match="planted"):
            flow.poll(on_progress=throws)
    assert flow.outcome is ciba.Status.PENDING and flow.poll()


def test_a_progress_callable_may_cancel_the_flow(provider):
    flow = flow_that(provider, "wait")
    with pytest.raises(ciba.Cancelled):
        flow.poll(on_progress=lambda progress: flow.cancel(0))


def test_presets(signaturgruppen):
    client = signaturgruppen.client(provider="signaturgruppen")
    flow = client.init(login_hint_token=hint("approve after 0 s"))
    assert flow.poll().claims["mitid.uuid"] == UUID
    by_name = {f"login_hint_token.{name}": value for name, value in hint("approve after 0 s").items()}
    assert client.init(by_name).poll().claims["mitid.uuid"] == UUID
    assert client.init({"login_hint_token": hint("deny after 0 s")}, login_hint_token=hint("approve after 0 s")).poll()
