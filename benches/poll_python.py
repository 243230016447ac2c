# SPDX-License-Identifier: MIT OR Apache-2.0
"""A poll through the Python binding: step() makes the one exchange that is due."""

import os

import ciba
import poll

settings = {name: os.environ[f"CIBA_SIM_{name.upper()}"] for name in ("issuer", "client_id", "client_secret", "ca_file")}
hint = {"uuid": "8a9856e0-f12d-4217-b320-c8a076be9320", "ip": "127.0.0.1", "referenceTextBody": "never"}
flow = ciba.Client("signaturgruppen", **settings).init(login_hint_token=hint, timeout=30)


def once():
    if flow.step() is not None:
        raise SystemExit("tokens in place of nothing")


poll.rounds(once)
