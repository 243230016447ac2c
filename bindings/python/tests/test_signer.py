# SPDX-License-Identifier: MIT OR Apache-2.0
"""Keys that the library never sees: a callable signs."""

import asyncio
import gc
import sys
import threading
import weakref

import pytest
from conftest import STARTED, Provider
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from with_simulator import KEYS, client_with_keys

import ciba
import ciba.aio

SETTINGS = {
    "token_endpoint_auth_method": "private_key_jwt",
    "token_endpoint_auth_signing_alg": "ES256",
    "client_key_id": "card 1",
}
DISCOVERED = ["GET /.well-known/openid-configuration -> 200 discovery"]
TOKENS = "POST /token -> 200 tokens"
PSS = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)


def client_with(provider, signer):
    return provider.client(**SETTINGS, signer=signer)


def ecdsa(key, data):
    """r and s one after the other, as JWS has them: cryptography gives DER."""
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


# The key's name, its file, and how the package cryptography signs with it.
ALGORITHMS = {
    "RS256": ("rsa", "rsa_pkcs8", lambda key, data: key.sign(data, padding.PKCS1v15(), SHA256())),
    "PS256": ("rsa", "rsa_pkcs8", lambda key, data: key.sign(data, PSS, SHA256())),
    "ES256": ("p256", "p256_pkcs8", ecdsa),
    "EdDSA": ("ed25519", "ed25519", lambda key, data: key.sign(data)),
}


@pytest.fixture
def knowing():
    """A provider that knows the client's keys."""
    with Provider(clients=[client_with_keys()]) as provider:
        yield provider


class Store:
    """A key that the library never sees; ``is_changed``: whether one byte of each signature is another one."""

    def __init__(self, algorithm):
        self.algorithm = algorithm
        self.name, file, self.how = ALGORITHMS[algorithm]
        self.key = load_pem_private_key((KEYS / f"{file}.pem").read_bytes(), None)
        self.is_changed, self.signatures = False, 0

    def sign(self, data, algorithm, key_id):
        assert (algorithm, key_id) == (self.algorithm, self.name)
        signature = bytearray(self.how(self.key, data))
        signature[len(signature) // 2] ^= self.is_changed
        self.signatures += 1
        return bytes(signature)

    def settings(self):
        return {**SETTINGS, "token_endpoint_auth_signing_alg": self.algorithm, "client_key_id": self.name, "signer": self.sign}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_of_the_programs_own_signs_in_and_one_byte_changed_is_refused(knowing, algorithm):
    store = Store(algorithm)
    client = knowing.client(**store.settings())
    flow = client.init(login_hint="alice", binding_message="approve after 0 s")
    assert flow.poll().claims["sub"] == "alice"
    assert store.signatures == 2, "one for the start, one for the poll"
    knowing.assert_requests_then_silence([*STARTED, TOKENS], flow)

    store.is_changed = True
    with pytest.raises(ciba.ProviderError) as refused:
        client.init(login_hint="alice", binding_message="approve after 0 s")
    assert refused.value.status is ciba.Status.INVALID_CLIENT
    assert knowing.lines() == [*STARTED, TOKENS, "POST /bc-authorize -> 401 invalid_client"]


def test_with_asyncio_a_key_of_the_programs_own_signs_in_and_a_changed_poll_is_refused(knowing):
    async def signs():
        store = Store("ES256")
        async with ciba.aio.Client(**knowing.settings(), **store.settings()) as client:
            flow = await client.init(login_hint="alice", binding_message="approve after 0 s")
            assert (await flow.poll()).claims["sub"] == "alice"
            other = await client.init(login_hint="alice", binding_message="approve after 0 s")
            store.is_changed = True
            with pytest.raises(ciba.ProviderError) as refused:
                await other.poll()
            assert refused.value.status is ciba.Status.INVALID_CLIENT

    asyncio.run(asyncio.wait_for(signs(), 60))
    knowing.assert_requests_then_silence(
        [*STARTED, TOKENS, "POST /bc-authorize -> 200 ack", "POST /token -> 401 invalid_client"]
    )


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
