# SPDX-License-Identifier: MIT OR Apache-2.0
"""DPoP proofs by a key that the library never sees: the callable is told which key is asked for."""

import json

import pytest
from conftest import STARTED, Provider
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from with_simulator import KEYS, client_with_keys

import ciba

TOKENS = "POST /token -> 200 tokens"
PSS = padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH)


def key(file):
    return load_pem_private_key((KEYS / f"{file}.pem").read_bytes(), None)


RSA, P256 = key("rsa_pkcs8"), key("p256_pkcs8")


class Store:
    """The client's key and that of its proofs, each asked for by its name."""

    def __init__(self):
        self.asked, self.confused = [], False

    def sign(self, data, algorithm, key_id):
        self.asked.append(key_id)
        if key_id == "rsa":
            assert algorithm == "PS256"
            return RSA.sign(data, PSS, SHA256())
        assert (algorithm, key_id) == ("ES256", "proofs")
        if self.confused:
            return bytes(64)
        r, s = utils.decode_dss_signature(P256.sign(data, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@pytest.fixture
def provider():
    with Provider(clients=[{**client_with_keys(), "dpop_bound_access_tokens": True}]) as provider:
        yield provider


@pytest.fixture
def public():
    """The public half of the key for proofs, with a name of the program's own."""
    whole = json.loads((KEYS / "keys.jwk.json").read_text())["p256"]
    return {"kid": "proofs", **{member: whole[member] for member in ("kty", "crv", "x", "y")}}


def client_with(provider, store, public):
    return provider.client(
        token_endpoint_auth_method="private_key_jwt",
        token_endpoint_auth_signing_alg="PS256",
        client_key_id="rsa",
        dpop_bound_access_tokens=True,
        dpop_public_key=public,
        signer=store.sign,
    )


@pytest.mark.parametrize("as_text", [False, True])
def test_a_program_with_two_keys_is_told_which_one_is_asked_for_r51(provider, public, as_text):
    store = Store()
    client = client_with(provider, store, json.dumps(public) if as_text else public)
    flow = client.init(login_hint="alice", binding_message="approve after 0 s")
    assert store.asked == ["rsa"], "in poll mode the start shows no key"
    tokens = flow.poll()
    assert tokens.token_type == "DPoP"
    assert store.asked == ["rsa", "rsa", "proofs"]
    assert client.userinfo(tokens)["sub"] == "alice"
    assert store.asked[3:] == ["proofs"]
    assert client.introspect(tokens, "access_token")["cnf"]["jkt"], "of this key, or it were an error"
    provider.assert_requests_then_silence(
        [*STARTED, TOKENS, "GET /userinfo -> 200 userinfo", "POST /introspect -> 200 introspection"], flow
    )


def test_a_proof_of_another_key_is_never_sent_r48(provider, public):
    store = Store()
    client = client_with(provider, store, public)
    flow = client.init(login_hint="alice", binding_message="approve after 0 s")
    store.confused = True
    assert flow.poll(2) is None
    assert flow.trouble.status is ciba.Status.SIGNER_FAILED
    assert provider.lines() == STARTED, "nothing was sent"
    store.confused = False
    assert flow.poll().claims["sub"] == "alice"


def test_a_private_key_is_no_public_one_r06(provider, public):
    with pytest.raises(ciba.CibaError) as refused:
        client_with(provider, Store(), {**public, "d": "planted"})
    assert refused.value.status is ciba.Status.INVALID_VALUE
    assert "planted" not in str(refused.value)
    assert client_with(provider, Store(), public)
