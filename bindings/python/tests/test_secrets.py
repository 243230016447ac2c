# SPDX-License-Identifier: MIT OR Apache-2.0
"""No secret, token, hint or phone number in any text."""

import logging
import traceback

import pytest

import ciba
import secret_search
from conftest import UUID, hint


def test_the_search_finds_what_is_planted():
    assert secret_search.faults() == []


def everything_shown(*things):
    texts = []
    for thing in things:
        texts += [repr(thing), str(thing), f"{thing}"]
        if isinstance(thing, BaseException):
            own = {name: value for name, value in vars(thing).items() if name != "oauth_error_description"}
            texts += [repr(own), *traceback.format_exception(type(thing), thing, thing.__traceback__)]
    return "\n".join(texts)


def test_nothing_shown_is_secret(signaturgruppen, caplog):
    provider = signaturgruppen
    caplog.set_level(logging.DEBUG, "ciba")
    logging.getLogger("ciba").setLevel(logging.DEBUG)
    client = provider.client()
    flow = client.init(login_hint_token=hint("approve after 0 s"), correlation="order 7")
    tokens = flow.poll()
    shown = [client, flow, flow.progress, tokens]

    # A provider that echoes what it was told.
    secret, echoed = provider.facts["client_secret"], f'{{"error":"x {UUID}","error_description":"{UUID}"}}'
    provider.fault("start", {"answer": {"status": 400, "body": echoed}})
    with pytest.raises(ciba.ProviderError) as error:
        client.init(login_hint_token=hint())
    shown.append(error.value)
    for settings in ({"client_secret": secret + "\udc80"}, {"client_secret": secret.encode()}, {"client_secret": secret + "\n"}):
        with pytest.raises((ciba.InvalidInput, TypeError)) as error:
            provider.client(**settings)
        shown.append(error.value)
        shown.append(error.value.__context__)
    with pytest.raises(ciba.InvalidInput) as error:
        client.init(login_hint_token={**hint(), "ip": UUID})
    shown.append(error.value)

    secrets = {
        "client_secret": secret, "auth_req_id": flow.auth_req_id, "access_token": tokens.access_token,
        "id_token": tokens.id_token, "uuid": UUID,
    }  # fmt: skip
    text = everything_shown(*shown) + caplog.text
    assert "flow.approved" in caplog.text and "poll.sent" in caplog.text and "INVALID" in repr(shown[-1].status)
    assert secret_search.found_in(text, secrets) == []
    for name, planted in secrets.items():
        assert secret_search.found_in(text + planted, secrets) != [], f"the search finds {name}"


def test_what_is_shown_says_what_it_is(provider):
    client = provider.client()
    flow = client.init(login_hint="alice", binding_message="approve after 0 s")
    assert repr(client) == f'<ciba.Client of "{provider.facts["issuer"]}">'
    assert repr(flow) == "<ciba.Flow pending>"
    assert repr(flow.poll()) == "<ciba.Tokens: access token, ID Token>" and repr(flow) == "<ciba.Flow ok>"
    client.close()
    assert repr(client).endswith("(closed)>")
