# SPDX-License-Identifier: MIT OR Apache-2.0
"""A client that proves itself by a certificate."""

import base64
import json
import subprocess

import pytest

import ciba
from conftest import Provider

CLIENT = {
    "client_id": "desk-7",
    "token_endpoint_auth_method": "tls_client_auth",
    "tls_client_auth_san_dns": "desk-7.example",
    "tls_client_certificate_bound_access_tokens": True,
}


@pytest.fixture
def certificate(tmp_path):
    return tmp_path / "client.pem"


@pytest.fixture
def mutual(tmp_path, certificate):
    metadata = tmp_path / "client.json"
    metadata.write_text(json.dumps(CLIENT))
    options = ["--mtls", "requested", "--client-certificate-out", str(certificate), "--client-metadata", str(metadata)]
    with Provider(*options) as provider:
        yield provider


def method(**settings):
    return {
        "client_secret": "",
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_certificate_bound_access_tokens": True,
        **settings,
    }


def test_a_certificate_from_a_file_or_from_memory_or_in_pkcs12_signs_in_at_the_aliases_r03(mutual, certificate, tmp_path):
    store = tmp_path / "client.p12"
    subprocess.run(
        ["openssl", "pkcs12", "-export", "-in", certificate, "-passout", "pass:a password", "-out", store], check=True
    )
    for settings in (
        {"tls_client_certificate_file": certificate},
        {"tls_client_certificate": certificate.read_text()},
        {"tls_client_certificate_file": store, "tls_client_password": "a password"},
        {"tls_client_certificate": base64.b64encode(store.read_bytes()).decode(), "tls_client_password": "a password"},
    ):
        mutual.control("DELETE /journal")
        client = mutual.client(**method(**settings))
        tokens = client.init(login_hint="alice", binding_message="approve after 0 s").poll()
        told = client.introspect(tokens, "access_token")
        assert told["active"] and set(told["cnf"]) == {"x5t#S256"}
        assert sorted(line for line in mutual.lines() if "over mTLS" in line) == [
            "POST /bc-authorize over mTLS -> 200 ack",
            "POST /introspect over mTLS -> 200 introspection",
            "POST /token over mTLS -> 200 tokens",
        ]


def test_aliases_are_given_as_a_dict_and_a_wrong_password_is_an_error_that_shows_nothing(mutual, certificate):
    aliases = {"token_endpoint": "https://127.0.0.1:1/token"}
    mutual.client(**method(tls_client_certificate_file=certificate, mtls_endpoint_aliases=aliases))
    with pytest.raises(ciba.CibaError) as error:
        mutual.client(mtls_endpoint_aliases=aliases)
    assert error.value.status is ciba.Status.CONFLICTING_SETTINGS
    with pytest.raises(ciba.CibaError) as error:
        mutual.client(**method(tls_client_certificate="bm9uc2Vuc2U=", tls_client_password="planted password"))
    assert error.value.status is ciba.Status.INVALID_VALUE
    assert "planted" not in str(error.value) + repr(error.value)
