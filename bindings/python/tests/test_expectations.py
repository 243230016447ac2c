# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a program expects of the ID Token beside what the protocol asks."""

import time

import pytest

import ciba


def sign_in(provider, expected):
    verified = {"verification": {"trust_framework": "au_connectid"}, "claims": {"over18": True}}
    said = {"acr": "loa3", "auth_time": int(time.time()), "email_verified": True, "verified_claims": verified}
    provider.control("POST /id_token", {"claims": said})
    flow = provider.client().init(login_hint="alice", binding_message="approve after 0 s", expected=expected)
    return flow.poll()


def test_an_id_token_is_what_the_program_expects_or_it_is_not_handed_out(provider):
    good = {
        "acr": ["loa4", "loa3"],
        "max_age": 600,
        "sub": "alice",
        "email_verified": True,
        "auth_time": None,  # any value
        "verified_claims": {"verification": {"trust_framework": "au_connectid"}, "claims": {"over18": None}},
    }
    assert sign_in(provider, good).claims["acr"] == "loa3"
    for name, wrong, status in [
        ("acr", ["loa4"], ciba.Status.TOKEN_ACR),
        ("sub", "bob", ciba.Status.TOKEN_SUBJECT),
        ("email_verified", False, ciba.Status.TOKEN_UNEXPECTED_CLAIM),
        ("txn", "order 4711", ciba.Status.TOKEN_UNEXPECTED_CLAIM),
        ("not_there", None, ciba.Status.TOKEN_UNEXPECTED_CLAIM),
        ("verified_claims", {"claims": {"over18": False}}, ciba.Status.TOKEN_UNEXPECTED_CLAIM),
    ]:
        with pytest.raises(ciba.TokenError) as error:
            sign_in(provider, {**good, name: wrong})
        assert error.value.status is status, name
    assert not any("expected" in line for line in provider.lines())


def test_an_expectation_that_cannot_be_is_refused_when_it_is_set(provider):
    with pytest.raises(ciba.UsageError) as error:
        sign_in(provider, {"max_age": -1})
    assert error.value.status is ciba.Status.INVALID_VALUE


def test_a_profile_is_one_setting_and_names_what_it_forbids(provider):
    with pytest.raises(ciba.UsageError) as error:
        provider.client(profile="fapi-ciba", token_endpoint_auth_method="client_secret_basic")
    assert error.value.status is ciba.Status.CONFLICTING_SETTINGS
    assert "token_endpoint_auth_method: the profile fapi-ciba" in str(error.value)
