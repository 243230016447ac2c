# SPDX-License-Identifier: MIT OR Apache-2.0
"""A provider of its own for each test, and a client that signs in there."""

import pathlib
import subprocess
import sys
import time

import pytest

import ciba

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))
import with_simulator  # noqa: E402

UUID = "8a9856e0-f12d-4217-b320-c8a076be9320"
INTERVAL = 1  # seconds
PATIENCE = 60  # seconds; only to notice a hang

# The requests of a start at the generic provider, with the keys fetched behind it.
STARTED = ["GET /.well-known/openid-configuration -> 200 discovery", "POST /bc-authorize -> 200 ack", "GET /jwks -> 200 jwks"]
PENDING = "POST /token -> 400 authorization_pending"


class Provider(with_simulator.Simulator):
    """The simulator, and what signs in there."""

    def __init__(self, *options, personality="generic", clients=()):
        options = ["--personality", personality, "--interval", str(INTERVAL), "--outcome", "wait", *options]
        super().__init__(options, clients)

    def settings(self):
        # A proxy of the surroundings has no part in this.
        return {**super().settings(), "proxy": "none"}

    def client(self, **settings):
        return ciba.Client(**{**self.settings(), **settings})

    def lines(self):
        """The requests so far, without their times."""
        return [line.split(" ", 1)[1] for line in self.control("GET /lines")]

    def wait_for(self, text):
        """Waits for a request."""
        eventually(lambda: any(text in line for line in self.lines()), text)

    def fault(self, kind, fault, always=False):
        self.control("POST /fault", {"kind": kind, "fault": fault, "always": always})

    def assert_requests_then_silence(self, expected, flow=None):
        """``expected`` are all requests; where one ends in ``*`` it comes once or more."""
        lines = self.lines()
        counted = [line for at, line in enumerate(lines) if at == 0 or line != lines[at - 1] or f"{line}*" not in expected]
        assert counted == [line.rstrip("*") for line in expected], lines
        until = time.monotonic() + 3 * INTERVAL
        while time.monotonic() < until:
            if flow is not None:
                with pytest.raises(ciba.CibaError) if flow.outcome is not ciba.Status.OK else nothing():
                    flow.poll(0)
            time.sleep(INTERVAL / 4)
        assert self.lines() == lines, "silence afterwards"


class nothing:
    def __enter__(self):
        pass

    def __exit__(self, *_):
        pass


def eventually(done, what):
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.01)


@pytest.fixture
def provider():
    with Provider() as provider:
        yield provider


@pytest.fixture
def signaturgruppen():
    with Provider(personality="signaturgruppen") as provider:
        yield provider


def hint(text="Sign in at the desk"):
    """A ``login_hint_token`` of Signaturgruppen."""
    return {"uuid": UUID, "ip": "127.0.0.1", "referenceTextBody": text}


class Program:
    """A Python program beside the tests, which talks by lines."""

    def __init__(self, provider, source, *arguments):
        environment = {**provider.environment(), "PYTHONPATH": str(pathlib.Path(__file__).parent)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from program import *\n" + source, *arguments],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def line(self):
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def ends(self):
        """What it printed; it must have ended well, with nothing on stderr."""
        stdout, stderr = self.process.communicate(timeout=PATIENCE)
        assert (self.process.returncode, stderr) == (0, "")
        return stdout.splitlines()

