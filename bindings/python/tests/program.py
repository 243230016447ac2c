# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the programs beside the tests begin with."""

import json
import os
import signal
import sys
import threading
import time
import warnings

import ciba

warnings.simplefilter("error")
warnings.filterwarnings("ignore", "This process .* is multi-threaded, use of fork", DeprecationWarning)


def say(text):
    print(text, flush=True)


def client(**settings):
    return ciba.Client(**{**json.loads(os.environ["CIBA_SETTINGS"]), **settings})


def signs_in(client):
    """Whether a sign-in works from its start to its tokens."""
    with client.init(login_hint="alice", binding_message="approve after 0 s") as flow:
        return flow.poll(60).claims["sub"] != ""
