# SPDX-License-Identifier: MIT OR Apache-2.0
"""What comes to the client's notification endpoint."""

import pytest

import ciba

SETTINGS = {
    "issuer": "https://id.example",
    "client_id": "desk-7",
    "client_secret": "secret",
    "backchannel_token_delivery_mode": "ping",
    "backchannel_client_notification_endpoint": "https://desk.example/ciba",
}
BODY = b'{"auth_req_id": "planted-identifier"}'


def test_what_another_process_has_is_told_with_its_identifier() -> None:
    with ciba.Client(**SETTINGS) as client:
        told = client.deliver_notification("POST", "Bearer abc", "application/json", BODY)
    assert (told.status, told.http_status, told.kind) == (ciba.Status.NOTIFICATION_UNKNOWN_FLOW, 401, "ping")
    assert told.auth_req_id == "planted-identifier"
    assert repr(told) == "<ciba.Notification, ping, NOTIFICATION_UNKNOWN_FLOW>"


@pytest.mark.parametrize(
    ("request_", "http_status"),
    [
        (("GET", "Bearer abc", "application/json", BODY), 405),
        (("POST", None, "application/json", BODY), 401),
        (("POST", "Bearer abc", None, BODY), 415),
        (("POST", "Bearer abc", "application/json", b"\xff"), 400),
    ],
)
def test_one_wrong_fact_is_answered_with_its_http_status(request_, http_status) -> None:
    with ciba.Client(**SETTINGS) as client:
        told = client.deliver_notification(*request_)
    assert (told.http_status, told.kind, told.auth_req_id) == (http_status, None, None)


def test_a_ping_client_needs_its_endpoint() -> None:
    with pytest.raises(ciba.InvalidInput, match="backchannel_client_notification_endpoint"):
        ciba.Client(**{**SETTINGS, "backchannel_client_notification_endpoint": ""})
