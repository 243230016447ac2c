# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the programs beside the tests begin with."""

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
    return ciba.Client(
        **{
            "issuer": os.environ["CIBA_SIM_ISSUER"],
            "client_id": os.environ["CIBA_SIM_CLIENT_ID"],
            "client_secret": os.environ["CIBA_CLIENT_SECRET"],
            "ca_file": os.environ["CIBA_SIM_CA_FILE"],
            "ca_mode": "replace",
            "proxy": "none",
            **settings,
        }
    )


def signs_in(client):
    """Whether a sign-in works from its start to its tokens."""
    with client.init(login_hint="alice", binding_message="approve after 0 s") as flow:
        return flow.poll(60).claims["sub"] != ""
