# SPDX-License-Identifier: MIT OR Apache-2.0
"""What comes to the client's notification endpoint."""

import asyncio
import http.server
import json
import threading

import pytest
from conftest import PATIENCE, STARTED, Provider, eventually
from with_simulator import notified_clients

import ciba
import ciba.aio

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


def test_a_body_is_bytes_of_any_kind() -> None:
    with ciba.Client(**SETTINGS) as client:
        for body in (BODY, bytearray(BODY), memoryview(BODY)):
            assert client.deliver_notification("POST", "Bearer abc", "application/json", body).kind == "ping"
        with pytest.raises(TypeError, match="body: must be bytes, not str"):
            client.deliver_notification("POST", "Bearer abc", "application/json", BODY.decode())  # type: ignore[arg-type]


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


class Endpoint(http.server.ThreadingHTTPServer):
    """The notification endpoint; what a client made of each request is in ``delivered``."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.client, self.delivered = None, []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = (self.headers["Authorization"], self.headers["Content-Type"])
        notification = self.server.client.deliver_notification(self.command, *headers, body)
        self.server.delivered.append(notification)
        self.send_response(notification.http_status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_POST

    def log_message(self, *_):
        pass


class Notified(Provider):
    """A provider that sends to this process, with an interval that no test waits for."""

    def __init__(self):
        self.endpoint = Endpoint()
        self.clients = {c["backchannel_token_delivery_mode"]: c for c in notified_clients(self.endpoint.server_port)}
        super().__init__("--interval", "200", clients=self.clients.values())

    def settings_of(self, mode):
        return {**self.settings(), **self.clients[mode], "allow_http_loopback": True}

    def begun(self, mode, phrase, by_hand=False):
        """A flow, with the provider's notifications sent by hand alone or not."""
        self.control("POST /notices", {"times": 0} if by_hand else {})
        self.endpoint.client = ciba.Client(**self.settings_of(mode))
        return self.endpoint.client.init(login_hint="alice", binding_message=phrase)

    def send(self, notice):
        self.control("POST /send", {"notice": notice})
        return self.endpoint.delivered.pop()

    def assert_requests(self, *expected):
        """These and no others, after a start."""
        eventually(lambda: not any("(open)" in line for line in self.lines()), "every answer")
        assert self.lines() == [*STARTED, *expected]


@pytest.fixture
def notified():
    with Notified() as provider:
        yield provider
        provider.endpoint.shutdown()
        provider.endpoint.server_close()


FETCHED = ("POST /ping -> 204 ping", "POST /token -> 200 tokens")


def test_a_ping_wakes_a_waiting_flow(notified):
    flow = notified.begun("ping", "approve after 500 ms")
    assert flow.poll(PATIENCE).claims["sub"] == "alice"
    notified.assert_requests(*FETCHED)
    (told,) = notified.endpoint.delivered
    assert (told.kind, told.auth_req_id, told.status) == ("ping", flow.auth_req_id, ciba.Status.OK)


def test_a_ping_wakes_an_awaited_flow(notified):
    async def wait():
        async with ciba.aio.Client(**notified.settings_of("ping")) as client:
            notified.endpoint.client = client
            flow = await client.init(login_hint="alice", binding_message="approve after 500 ms")
            return await flow.poll()

    assert asyncio.run(asyncio.wait_for(wait(), PATIENCE)).claims["sub"] == "alice"
    notified.assert_requests(*FETCHED)


def changed(name, change):
    return lambda notice: {**notice, name: change(notice[name])}


WRONG = {
    "another token": (changed("authorization", lambda text: text + "x"), 401, "NOTIFICATION_UNKNOWN_FLOW"),
    "another scheme": (changed("authorization", lambda text: text.replace("Bearer", "Basic")), 401, "NOTIFICATION_UNAUTHORIZED"),
    "another request": (changed("body", lambda text: text.replace(':"', ':"x')), 401, "NOTIFICATION_OTHER_REQUEST"),
    "no identifier": (changed("body", lambda _: "{}"), 400, "NOTIFICATION_MALFORMED"),
    "another type": (changed("content_type", lambda _: "text/json"), 415, "NOTIFICATION_MALFORMED"),
    "another method": (changed("method", lambda _: "PUT"), 405, "NOTIFICATION_MALFORMED"),
    "tokens": (changed("body", lambda text: text.replace("}", ',"access_token":"t"}')), 400, "NOTIFICATION_WRONG_MODE"),
}


@pytest.mark.parametrize("what", WRONG)
def test_one_wrong_fact_is_refused_and_the_good_twin_wakes_the_flow(notified, what):
    change, http_status, status = WRONG[what]
    flow = notified.begun("ping", "approve after 0 s", by_hand=True)
    good = notified.control("POST /notice")
    bad = change(good)
    told = notified.send(bad)
    assert (told.http_status, told.status.name) == (http_status, status)
    if status == "NOTIFICATION_UNKNOWN_FLOW":
        assert told.auth_req_id == flow.auth_req_id, "whose it is"
    assert flow.poll(0) is None
    refused = f"{bad['method']} /ping -> {http_status} ping"
    notified.assert_requests(refused)
    assert notified.send(good).status is ciba.Status.OK
    assert flow.poll(PATIENCE).claims["sub"] == "alice"
    notified.assert_requests(refused, *FETCHED)


def test_pushed_tokens_end_a_flow_and_nothing_is_fetched(notified):
    flow = notified.begun("push", "approve after 500 ms")
    assert flow.poll(PATIENCE).claims["sub"] == "alice"
    notified.assert_requests("POST /push -> 204 push")
    assert [told.kind for told in notified.endpoint.delivered] == ["tokens"]


def test_pushed_tokens_with_one_character_changed_are_not_taken(notified):
    flow = notified.begun("push", "approve after 0 s", by_hand=True)
    notice = notified.control("POST /notice")
    body = json.loads(notice["body"])
    told = notified.send({**notice, "body": json.dumps({**body, "access_token": body["access_token"] + "x"})})
    assert told.http_status == 204, "it has arrived"
    with pytest.raises(ciba.TokenError) as refused:
        flow.poll(PATIENCE)
    assert refused.value.status is ciba.Status.TOKEN_ACCESS_TOKEN_HASH
    notified.assert_requests("POST /push -> 204 push")


def test_a_pushed_error_is_the_outcome(notified):
    flow = notified.begun("push", "deny after 500 ms")
    with pytest.raises(ciba.Denied):
        flow.poll(PATIENCE)
    notified.assert_requests("POST /push -> 204 push_error")
    assert [told.kind for told in notified.endpoint.delivered] == ["error"]
