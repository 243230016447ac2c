"""A sign-in in ping mode, with an HTTP server of the standard library that takes the provider's pings.

The server belongs behind one that speaks https: the provider sends to an https URL, which is what the client is
registered with (backchannel_client_notification_endpoint).
"""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import ciba

MOST_BYTES = 1 << 20

# {"issuer": "…", "client_id": "desk-7", "backchannel_token_delivery_mode": "ping", …}
client = ciba.Client(**json.loads(os.environ["CIBA_SETTINGS"]))


class NotificationEndpoint(BaseHTTPRequestHandler):
    timeout = 10  # seconds

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, MOST_BYTES + 1))
        notification = client.deliver_notification(
            self.command, self.headers.get("Authorization"), self.headers.get("Content-Type"), body
        )
        self.send_response(notification.http_status)
        if notification.http_status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass  # what is worth it stands in the log of ciba


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), NotificationEndpoint)
server.daemon_threads = False  # so that server_close() waits for them
threading.Thread(target=server.serve_forever, daemon=True).start()

with client.init(login_hint="alice") as flow:  # the phone rings
    tokens = flow.poll()  # the ping comes, and the tokens are fetched
print("Hello", tokens.claims["sub"])
server.shutdown()
server.server_close()  # once the ping that brought the tokens is answered
