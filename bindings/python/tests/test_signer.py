# SPDX-License-Identifier: MIT OR Apache-2.0
"""Keys that the library never sees: a callable signs."""

import asyncio
import gc
import sys
import threading
import weakref

import pytest

import ciba
import ciba.aio

SETTINGS = {
    "token_endpoint_auth_method": "private_key_jwt",
    "token_endpoint_auth_signing_alg": "ES256",
    "client_key_id": "card 1",
}
DISCOVERED = ["GET /.well-known/openid-configuration -> 200 discovery"]


def client_with(provider, signer):
    return provider.client(**SETTINGS, signer=signer)


def test_a_callable_signs_on_the_thread_that_waits(provider):
    seen = []

    def sign(data, algorithm, key_id):
        seen.append((type(data), data.count(b"."), algorithm, key_id, threading.current_thread()))
        return b"A" * 64  # of a key that the provider does not know

    client = client_with(provider, sign)
    with pytest.raises(ciba.ProviderError) as refused:
        client.init(login_hint="alice")
    assert refused.value.status is ciba.Status.INVALID_CLIENT
    assert seen == [(bytes, 1, "ES256", "card 1", threading.current_thread())]


@pytest.fixture
def unraisable(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda hook: seen.append(hook.exc_type))
    return seen


@pytest.mark.parametrize(
    ("gives", "says", "told"),
    [
        (lambda: 1 // 0, "it raised ZeroDivisionError", [ZeroDivisionError]),
        (lambda: "text", "it raised", None),
        (lambda: None, "it raised", None),
        (lambda: b"A" * 70, "not DER", []),
        (lambda: b"", "0 bytes", []),
    ],
)
def test_what_is_no_signature_fails_the_start_and_nothing_is_sent(provider, unraisable, gives, says, told):
    client = client_with(provider, lambda *_: gives())
    with pytest.raises(ciba.TransportError) as failed:
        client.init(login_hint="alice")
    assert failed.value.status is ciba.Status.SIGNER_FAILED and says in str(failed.value)
    assert provider.lines() == DISCOVERED
    assert len(unraisable) == 1 if told is None else unraisable == told


def test_a_signer_must_not_call_into_ciba(provider, unraisable):
    client = client_with(provider, lambda *_: client.check(0))
    with pytest.raises(ciba.TransportError):
        client.init(login_hint="alice")
    assert len(unraisable) == 1 and issubclass(unraisable[0], ciba.UsageError)


def test_with_asyncio_too(provider):
    async def signs():
        settings = {**provider.settings(), **SETTINGS}
        async with ciba.aio.Client(**settings, signer=lambda *_: b"A" * 64) as client:
            with pytest.raises(ciba.ProviderError) as refused:
                await client.init(login_hint="alice")
            assert refused.value.status is ciba.Status.INVALID_CLIENT

    asyncio.run(asyncio.wait_for(signs(), 60))


def test_a_signer_is_let_go_with_its_client(provider):
    class Signer:
        def __call__(self, *_):
            return b"A" * 64

    signer = Signer()
    alive = weakref.ref(signer)
    client = client_with(provider, signer)
    del signer
    assert alive() is not None
    del client
    gc.collect()
    assert alive() is None


def test_what_is_not_callable_is_refused(provider):
    with pytest.raises(TypeError, match="signer"):
        client_with(provider, b"A" * 64)
