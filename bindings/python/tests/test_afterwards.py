# SPDX-License-Identifier: MIT OR Apache-2.0
"""What is done with tokens after a person has approved."""

import asyncio
import threading

import pytest

import ciba
from conftest import eventually
from test_aio import client_of, run

REFRESH = "POST /token -> 200 tokens"


def signed_in(provider, client):
    asked = {"scope": ["openid", "offline_access"], "binding_message": "approve after 0 s"}
    tokens = client.init(login_hint="alice", **asked).poll()
    provider.control("DELETE /journal")
    return tokens


def test_a_refresh_brings_fresh_tokens_of_the_same_person_once(provider):
    client = provider.client()
    tokens = signed_in(provider, client)
    fresh = client.refresh(tokens)
    assert fresh.claims["sub"] == "alice"
    assert fresh.access_token != tokens.access_token and fresh.refresh_token != tokens.refresh_token
    assert client.refresh(tokens).access_token == fresh.access_token
    del fresh
    with pytest.raises(ciba.UsageError) as error:
        client.refresh(tokens)
    assert error.value.status is ciba.Status.ALREADY_REFRESHED
    assert provider.lines() == [REFRESH]


def test_time_that_is_up_loses_nothing(provider):
    client = provider.client()
    tokens = signed_in(provider, client)
    provider.fault("refresh", {"process_then_hold": 300})
    provider.fault("userinfo", {"hold": 300})
    provider.fault("revocation", {"hold": 300})
    assert client.refresh(tokens, timeout=0) is None and client.refresh(tokens, timeout=0.01) is None
    assert client.userinfo(tokens, timeout=0) is None
    fresh = client.refresh(tokens)
    assert client.userinfo(tokens)["sub"] == "alice"
    assert client.revoke(fresh, "refresh_token", timeout=0) is False
    assert client.revoke(fresh, "refresh_token") is True
    assert provider.lines() == [REFRESH, "GET /userinfo -> 200 userinfo", "POST /revoke -> 200 revoked"]


def test_threads_refresh_with_one_request(provider):
    client = provider.client()
    tokens = signed_in(provider, client)
    provider.fault("refresh", {"hold": 100})
    fresh = []
    threads = [threading.Thread(target=lambda: fresh.append(client.refresh(tokens))) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len({one.access_token for one in fresh}) == 1 and len(fresh) == 8
    assert provider.lines() == [REFRESH]


def test_what_is_refused_is_raised_as_its_kind(provider):
    client = provider.client()

    def refused(kind, fault, call):
        tokens = signed_in(provider, client)
        provider.fault(kind, fault)
        with pytest.raises(ciba.CibaError) as error:
            call(tokens)
        secrets = (tokens.access_token, tokens.refresh_token, tokens.id_token)
        assert not any(secret in f"{error.value} {error.value!r}" for secret in secrets)
        return type(error.value), error.value.status.name

    bad = {"answer": {"status": 400, "headers": [["content-type", "application/json"]], "body": '{"error":"invalid_grant"}'}}
    assert refused("refresh", bad, client.refresh) == (ciba.ProviderError, "INVALID_GRANT")
    assert refused("refresh", "cut_before_headers", client.refresh) == (ciba.TransportError, "REFRESH_UNKNOWN")
    assert refused("userinfo", {"patch": {"sub": "bob"}}, client.userinfo) == (ciba.TokenError, "USERINFO_SUBJECT")
    provider.control("POST /id_token", {"claims": {}})  # that of the sign-in
    provider.control("POST /id_token", {"claims": {"sub": "bob"}})
    assert refused("refresh", "pass", client.refresh) == (ciba.TokenError, "TOKEN_SUBJECT")
    later = {"answer": {"status": 503, "headers": [["retry-after", "7"]]}}
    tokens = signed_in(provider, client)
    provider.fault("revocation", later)
    with pytest.raises(ciba.TransportError) as error:
        client.revoke(tokens, "access_token")
    assert error.value.retry_after == 7


def test_tokens_that_were_kept_are_refreshed_in_another_run(provider):
    first = signed_in(provider, provider.client())
    client = provider.client()
    kept = client.restore_tokens(first.refresh_token, first.id_token)
    assert kept.access_token == "" and kept.claims == {} and kept["refresh_token"] == first.refresh_token
    with pytest.raises(ciba.UsageError) as error:
        client.userinfo(kept)
    assert error.value.status is ciba.Status.NOT_PRESENT
    for refresh_token, id_token in (("", first.id_token), ("r", "no token")):
        with pytest.raises(ciba.InvalidInput):
            client.restore_tokens(refresh_token, id_token)
    with pytest.raises(ciba.UsageError):
        client.restore_tokens(first.refresh_token)
    assert client.refresh(kept).claims["sub"] == "alice"


def test_an_answer_is_read_by_name(provider):
    client = provider.client()
    tokens = signed_in(provider, client)
    provider.fault("userinfo", {"patch": {"a.b": [1.50, "\u00e6"], "null": None}})
    person = client.userinfo(tokens)
    assert person["sub"] == "alice" and person["a.b"] == [1.50, "\u00e6"] and "a" not in person and "a.b" in person
    assert person.get("no.such") is None and person.get("no.such", 7) == 7 and person.members["sub"] == "alice"
    assert '"alice"' in person.json and "alice" not in repr(person)
    with pytest.raises(KeyError):
        person["no.such"]
    with pytest.raises(TypeError):
        person[7]
    assert client.introspect(tokens, "access_token")["active"] is True
    with pytest.raises(ciba.UsageError):
        client.introspect(tokens, "id_token")


def test_asyncio_waits_without_a_thread_and_a_cancelled_wait_loses_nothing(provider):
    async def all_of_it():
        async with client_of(provider) as client:
            flow = await client.init(login_hint="alice", scope="openid offline_access", binding_message="approve after 0 s")
            tokens = await flow.poll()
            assert (await client.userinfo(tokens))["sub"] == "alice"
            assert (await client.introspect(tokens, "refresh_token"))["active"] is True
            provider.control("DELETE /journal")
            provider.fault("refresh", {"process_then_hold": 200})
            waiting = asyncio.ensure_future(client.refresh(tokens))
            await asyncio.sleep(0.1)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert await client.refresh(tokens, timeout=0) is None
            fresh = await client.refresh(tokens)
            assert await client.revoke(fresh, "refresh_token") is True
            with pytest.raises(ciba.ProviderError):
                await client.refresh(fresh)
            kept = client.restore_tokens(tokens.refresh_token, tokens.id_token)
            with pytest.raises(ciba.ProviderError):
                await client.refresh(kept)

    run(all_of_it())
    eventually(lambda: len(provider.lines()) == 4, "the requests")
    assert provider.lines()[:2] == [REFRESH, "POST /revoke -> 200 revoked"]
