# SPDX-License-Identifier: MIT OR Apache-2.0
"""The same exchange by requests: one Session, whose connection is kept."""

import os

import poll
import requests
from urllib3.util import SKIP_HEADER

words = poll.exchange()
session = requests.Session()
session.headers.clear()
session.headers["Accept-Encoding"] = SKIP_HEADER  # no header that the others do not send


def once():
    poll.check(session.post(**words, verify=os.environ["CIBA_SIM_CA_FILE"], timeout=60))


poll.rounds(once)
