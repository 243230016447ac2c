# SPDX-License-Identifier: MIT OR Apache-2.0
"""The same exchange by httpx: one Client, whose connection is kept."""

import os
import ssl

import httpx
import poll

words = poll.exchange()
trust = ssl.create_default_context(cafile=os.environ["CIBA_SIM_CA_FILE"])
client = httpx.Client(verify=trust, timeout=60, limits=httpx.Limits(keepalive_expiry=None))
client.headers.clear()  # no header that the others do not send


def once():
    poll.check(client.post(**words))


poll.rounds(once)
