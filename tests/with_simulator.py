#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs a command beside a provider of its own.

    tests/with_simulator.py [OPTIONS OF ciba-sim] -- COMMAND…

The provider speaks https. In the words of the command {issuer}, {control},
{ca_file} and {client_id} stand for the provider's own; the environment has them
as CIBA_SIM_ISSUER and so on, with CIBA_SIM_CLIENT_SECRET, the whole as JSON in
the file that CIBA_SIM_READY names, the folder of the test keys as CIBA_SIM_KEYS, and CIBA_CLIENT_SECRET and CIBA_SETTINGS (the
settings of a client, as JSON) for the examples. The exit code is the command's.
"""

import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target" / "debug" / "ciba-sim"
KEYS = ROOT / "tests" / "fixtures" / "keys"


def client_with_keys():
    """The metadata of a client that the provider knows by each of the test keys; `kid` is the key's name."""
    public = {"kty", "crv", "x", "y", "n", "e"}
    keys = [
        {"kid": name, **{member: value for member, value in key.items() if member in public}}
        for name, key in json.loads((KEYS / "keys.jwk.json").read_text()).items()
    ]
    return {"client_id": "desk-9", "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": keys}}


def notified_clients(port):
    """The metadata of a client for pings and of one for pushes, which listen at this port."""
    return [
        {
            "client_id": f"{mode}-desk", "client_secret": "a secret of the desk", "backchannel_token_delivery_mode": mode,
            "backchannel_client_notification_endpoint": f"http://127.0.0.1:{port}/{mode}",
        }
        for mode in ("ping", "push")
    ]  # fmt: skip


def free_port():
    """A port below those that the system gives out by itself: nobody is given it before a program of ours takes it."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise OSError("no port is free")


class Simulator:
    """ciba-sim as a child that ends with this program: it reads our pipe. `clients`: by their metadata."""

    def __init__(self, options=(), clients=()):
        self._place = tempfile.TemporaryDirectory(prefix="ciba-sim-")
        place = pathlib.Path(self._place.name)
        self._ready = place / "ready.json"
        options = [*options]
        for number, client in enumerate(clients):
            metadata = place / f"client-{number}.json"
            metadata.write_text(json.dumps(client))
            options += ["--client-metadata", str(metadata)]
        self._personality = options[options.index("--personality") + 1] if "--personality" in options else None
        fixed = ["--tls", "--ca-out", str(place / "ca.pem"), "--ready-file", str(self._ready), "--exit-with-stdin"]
        self._process = subprocess.Popen([PROGRAM, *fixed, *options], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def __enter__(self):
        try:
            deadline = time.monotonic() + 20
            while not self._ready.exists():
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("ciba-sim did not start")
                time.sleep(0.01)
            self.facts = json.loads(self._ready.read_text())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._place.cleanup()

    def environment(self):
        # A proxy or a secret of the surroundings has no part in this.
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        environment.update({f"CIBA_SIM_{name.upper()}": value for name, value in self.facts.items()})
        environment["CIBA_SIM_READY"] = str(self._ready)
        environment["CIBA_SIM_KEYS"] = str(KEYS)
        environment["CIBA_CLIENT_SECRET"] = self.facts["client_secret"]
        environment["CIBA_SETTINGS"] = json.dumps(self.settings())
        return environment

    def settings(self):
        """The settings of a client that signs in here."""
        settings = {name: self.facts[name] for name in ("issuer", "client_id", "client_secret", "ca_file")}
        provider = {"telenor": {"provider": "telenor-test"}, "generic": {}}
        return {**provider.get(self._personality, {"provider": "signaturgruppen-test"}), **settings, "ca_mode": "replace"}

    def control(self, call, body=None):
        """A call of the control interface, for example "POST /approve"; returns what it answers."""
        method, path = call.split()
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.facts["control"] + path, data, method=method)
        # Never by way of a proxy: it is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=10) as answer:
            return json.load(answer)

    def fill(self, word):
        """The secret is left out: words of a command can be seen by everybody."""
        names = r"\{(issuer|control|ca_file|client_id)\}"
        return re.sub(names, lambda match: self.facts[match[1]], word)


def main():
    if "--" not in sys.argv[1:-1]:
        sys.exit(__doc__)
    middle = sys.argv.index("--")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Simulator(sys.argv[1:middle]) as simulator:
        command = [simulator.fill(word) for word in sys.argv[middle + 1 :]]
        code = subprocess.call(command, env=simulator.environment())
    # As a shell has it: a program that a signal ended did not end well.
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
