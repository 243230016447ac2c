# SPDX-License-Identifier: MIT OR Apache-2.0
"""What stands around a provider in a test: the person's phone, and the client's notification endpoint."""

import base64
import http.server
import json
import socket
import ssl
import threading
import time
import urllib.request
from dataclasses import dataclass, field

LARGEST = 1 << 20
PATIENCE = 60  # seconds; bounds a hang, nothing else


class Server(http.server.ThreadingHTTPServer):
    """Answers each request on the loopback by `take(method, path, headers, body)`, which gives a status."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, take, certificate=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), LARGEST))
                self.send_response(take(self.command, self.path, self.headers, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            # Each handshake in its own thread, so that none waits for another.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            self.scheme = "https"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"{self.scheme}://localhost:{self.server_port}{path}"


@dataclass
class Person:
    """Does this so many seconds after the phone rang; `first`: the ping comes before the acknowledgement."""

    status: str
    after: float
    first: bool = False


class Phone:
    """Keycloak's authentication channel: it asks here, and is called back."""

    def __init__(self, people, ca_file):
        self.people, self.rung, self.failures = people, [], []
        self.proxy = SlowProxy()  # before the client of the person who is `first`
        self.context = ssl.create_default_context(cafile=ca_file)
        self.server = Server(self.ring)

    def ring(self, _, __, headers, body):
        asked = json.loads(body)
        self.rung.append(asked)
        ticket = headers["Authorization"].removeprefix("Bearer ")
        payload = ticket.split(".")[1]
        issuer = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["iss"]
        person = self.people.get(asked["login_hint"])
        if person:
            if person.first:
                self.proxy.flowing.clear()
            timer = threading.Timer(person.after, self.decide, (issuer, ticket, person))
            timer.daemon = True
            timer.start()
        return 201

    def decide(self, issuer, ticket, person):
        request = urllib.request.Request(
            f"{issuer}/protocol/openid-connect/ext/ciba/auth/callback",
            json.dumps({"status": person.status}).encode(),
            {"Authorization": f"Bearer {ticket}", "Content-Type": "application/json"},
        )
        until = time.monotonic() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(request, context=self.context, timeout=PATIENCE).close()
            except OSError as error:
                # Refused until Keycloak has read that it rang.
                if getattr(error, "code", 0) == 403 and time.monotonic() < until:
                    time.sleep(0.2)
                    continue
                self.failures.append(f"{person.status}: {error}")
            break
        if person.first:
            self.proxy.flowing.set()


@dataclass
class Inbox:
    """The notification endpoint of one client; `answers`: a status that it answers by itself, as a broken one does."""

    answers: int = 0
    client: object = None
    came: list = field(default_factory=list)

    def take(self, method, headers, body):
        at = time.monotonic()
        if self.answers:
            self.came.append((at, self.answers, "not delivered"))
            return self.answers
        status, what = self.client.deliver(method, headers, body)
        self.came.append((at, status, what))
        return status


class Notifications:
    """The endpoints of all clients, by their names, on one server."""

    def __init__(self, certificate):
        self.inboxes = {}
        self.server = Server(self.take, certificate)

    def endpoint(self, name, answers=0):
        self.inboxes[name] = Inbox(answers)
        return self.server.url(f"/{name}")

    def take(self, method, path, headers, body):
        inbox = self.inboxes.get(path.lstrip("/"))
        return inbox.take(method, headers, body) if inbox else 404


class SlowProxy:
    """An HTTP proxy (CONNECT) that keeps back what a server answers until it is let go."""

    def __init__(self):
        self.flowing = threading.Event()
        self.flowing.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            octet = near.recv(1)
            if not octet:
                return near.close()
            head += octet
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        far = socket.create_connection(("127.0.0.1", port))
        near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=self.copy, args=(near, far), daemon=True).start()
        self.copy(far, near, self.flowing)

    @staticmethod
    def copy(source, sink, flowing=None):
        try:
            while octets := source.recv(65536):
                if flowing:
                    flowing.wait(PATIENCE)
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass
