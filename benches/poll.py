# SPDX-License-Identifier: MIT OR Apache-2.0
"""What poll.c is, for Python: makes polls by the round, and prints the same lines."""

import json
import os
import pathlib
import re
import sys
import time
from urllib.parse import parse_qsl, quote_plus


def tell(name, value):
    print(json.dumps({name: value}), flush=True)


def rounds(poll):
    """Each number on stdin is a round of so many calls of poll; 0 asks for memory and threads."""
    tell("ready", 1)
    for line in sys.stdin:
        count = int(line)
        if count == 0:
            memory = pathlib.Path("/proc/self/smaps_rollup").read_text()
            tell("resident_kb", int(re.search(r"^Rss:\s+(\d+)", memory, re.M)[1]))
            tell("threads", [path.read_text().strip() for path in pathlib.Path("/proc/self/task").glob("*/comm")])
            continue
        times = []
        cpu = time.process_time_ns()
        for _ in range(count):
            began = time.perf_counter_ns()
            poll()
            times.append(time.perf_counter_ns() - began)
        cpu = time.process_time_ns() - cpu
        tell("times", times)
        tell("cpu", cpu)


def exchange():
    """The words of the same token request for an HTTP client, as a program would have them."""
    return {
        "url": os.environ["POLL_URL"],
        "headers": {"Accept": "application/json", "User-Agent": os.environ["POLL_USER_AGENT"]},
        # As RFC 6749 section 2.3.1 has it, and HTTP clients have it not.
        "auth": tuple(quote_plus(os.environ[f"CIBA_SIM_CLIENT_{part}"]) for part in ("ID", "SECRET")),
        "data": dict(parse_qsl(os.environ["POLL_BODY"], strict_parsing=True)),
    }


def check(response):
    if response.status_code != 400 or response.json()["error"] != "authorization_pending":
        sys.exit(f"HTTP {response.status_code}: {response.text}")
