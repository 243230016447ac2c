#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the C example against a provider that no one here wrote.

    run.py --sign-in PATH
    run.py --serve [PORT]    only starts the provider; `journal` and the end of stdin are for it

Needs Node 20 or newer with npm, and the openssl command. See README.md.
"""

import argparse
import fcntl
import hashlib
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from certificates import Certificates
from checks import (
    APPROVED,
    DISCOVERY,
    ERROR,
    KEYS,
    METHODS,
    PATIENCE,
    PLANS,
    SETTLE,
    Case,
    gives_away,
    journal_faults,
    output_faults,
    self_check,
    time_faults,
    told,
)

HERE = pathlib.Path(__file__).resolve().parent
SERVER = HERE / "oidc-provider"
MOST = 60  # seconds for one answer of the provider's own; for one that hangs


class Skip(Exception):
    """Something that the suite needs is not installed."""


class Trouble(Exception):
    """The suite itself could not do its work."""


# ---- the provider -----------------------------------------------------------


def need_tools():
    node, npm, openssl = (shutil.which(name) for name in ("node", "npm", "openssl"))
    version = ""
    if node:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    major = re.match(r"v(\d+)\.", version)
    if not major or int(major[1]) < 20:
        raise Skip("Node 20 or newer is missing" + (f" ({version} is here)" if version else ""))
    if not npm:
        raise Skip("npm is missing")
    if not openssl:
        raise Skip("the openssl command is missing")
    return node, npm, version


def install(npm):
    """npm ci, once for each package-lock.json."""
    # Two at a time would take from each other what they install.
    with (SERVER / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        install_alone(npm)


def install_alone(npm):
    digest = hashlib.sha256((SERVER / "package-lock.json").read_bytes()).hexdigest()
    stamp = SERVER / "node_modules" / ".installed-from"
    if stamp.exists() and stamp.read_text() == digest:
        return
    done = subprocess.run(
        [npm, "ci"], cwd=SERVER, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )  # fmt: skip
    if done.returncode:
        raise Trouble(f"npm ci failed:\n{done.stdout}")
    stamp.write_text(digest)


class Provider:
    """server.mjs as a child that ends with this program: it reads our pipe. `clients`: its clients, or how many of each kind."""

    def __init__(self, node, certificates, clients, port=0):
        certificate, key = certificates.certificate("provider", "server", "localhost")
        files = {"ca_file": certificates.ca_file, "certificate": certificate, "key": key}
        given = {name: str(path) for name, path in files.items()}
        options = ["--port", str(port)]
        if isinstance(clients, int):
            options += ["--clients", str(clients)]
        else:
            given["clients"] = clients
        certificates.path("given.json").write_text(json.dumps(given))
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [node, "server.mjs", "--given", str(certificates.path("given.json")), *options],
            cwd=SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**os.environ, "NODE_EXTRA_CA_CERTS": str(certificates.ca_file)},
        )  # fmt: skip
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def line(self):
        try:
            line = self.lines.get(timeout=MOST)
        except queue.Empty:
            line = None
        if line is None:
            raise Trouble(f"the provider said nothing:\n{self.said()}")
        return json.loads(line)

    def journal(self):
        """Every request, when each has been answered or given up."""
        until = time.monotonic() + MOST
        while True:
            rows = self.ask()
            if all(row["until"] is not None for row in rows) or time.monotonic() > until:
                return rows
            time.sleep(0.1)

    def ask(self):
        try:
            self.process.stdin.write("journal\n")
            self.process.stdin.flush()
        except OSError as error:
            raise Trouble(f"the provider ended early:\n{self.said()}") from error
        return self.line()

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def end(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# ---- the sign-ins -----------------------------------------------------------


def launch(case, program, running):
    names = ("client_id", "token_endpoint_auth_method", "token_endpoint_auth_signing_alg")
    names += ("backchannel_authentication_request_signing_alg", "id_token_signed_response_alg")
    settings = {"issuer": case.issuer, **{name: case.client[name] for name in names if name in case.client}}
    if case.key_file:
        settings["client_private_key_file"] = case.key_file
        if "PRIVATE KEY" in pathlib.Path(case.key_file).read_text():
            settings["client_key_id"] = case.client["kid"]  # a JWK has it in itself
    # A proxy or a secret of the surroundings has no part in this.
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment.pop("CIBA_CLIENT_SECRET", None)
    if case.ca_file:
        settings["ca_file"] = case.ca_file
    if case.secret_by_environment:
        environment["CIBA_CLIENT_SECRET"] = case.secret
    elif case.secret:
        settings["client_secret"] = case.secret
    words = [f"{name}={value}" for name, value in settings.items()]
    words += ["--"] + [f"{name}={value}" for name, value in case.parameters.items()]

    began = time.monotonic()
    process = subprocess.Popen(
        [program, *words], env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
    )  # fmt: skip
    running.append(process)

    def follow():
        try:
            case.stdout, case.stderr = process.communicate(timeout=PATIENCE)
            case.code = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            case.stdout, case.stderr = process.communicate()
        case.ended = time.monotonic()
        case.seconds = case.ended - began

    thread = threading.Thread(target=follow)
    thread.start()
    return thread


def run_all(cases, program, running):
    for thread in [launch(case, program, running) for case in cases]:
        thread.join()


def kind_of(client):
    kind = " ".join(filter(None, (client["token_endpoint_auth_method"], client.get("token_endpoint_auth_signing_alg"))))
    signs = client.get("backchannel_authentication_request_signing_alg")
    return f"{kind}, requests signed with {signs}" if signs else kind


def make_cases(ready):
    kinds = {}
    for client in ready["clients"]:
        kinds.setdefault(kind_of(client), []).append(client)
    common = {"issuer": ready["issuer"], "ca_file": ready["ca_file"]}
    parameters = {"scope": "openid", "binding_message": "W4+7/#?", "requested_expiry": "60"}

    flows = []
    for kind, clients in kinds.items():
        for plan in PLANS:
            if kind not in METHODS[:2] and not plan.brief:
                continue
            client = clients.pop()
            method, keys = client["token_endpoint_auth_method"], client.get("key_files")
            secret = client.get("client_secret", "")
            if plan.wrong and not keys:
                secret = secret[:-1] + ("1" if secret[-1] == "0" else "0")
            # A key that signs the request alone is not what the client is known by.
            by_key = keys and method != "private_key_jwt"
            refused = (400, "invalid_request", "INVALID_REQUEST") if by_key else (401, "invalid_client", "INVALID_CLIENT")
            flows.append(
                Case(
                    f"{plan.name}, {kind}", client, parameters={
                        **parameters, "login_hint": plan.hint, "requested_expiry": str(plan.expiry)
                    },
                    exit_code=plan.exit_code, plan=plan, secret=secret, secret_by_environment=kind != METHODS[0],
                    key_file=keys[plan.wrong] if keys else "", refused=refused[:2],
                    status=refused[2] if plan.wrong else "", **common,
                )  # fmt: skip
            )

    # These two must fail before anything is asked, so they run first and alone.
    client = kinds[METHODS[0]].pop()
    refused = {
        "client": client, "parameters": {**parameters, "login_hint": PLANS[0].hint},
        "exit_code": ERROR, "secret": client["client_secret"],
    }  # fmt: skip
    by_number = ready["issuer"].replace("localhost", "127.0.0.1")
    untrusted = Case("an authority that is not trusted", issuer=ready["issuer"], **refused)
    misnamed = Case("a provider that names another issuer", issuer=by_number, ca_file=ready["ca_file"], **refused)
    return untrusted, misnamed, flows


def seen(rows):
    return [f"{row['method']} {row['path'].split('?')[0]}" for row in rows]


def run_cases(provider, program, running):
    """Returns pairs of a name and its faults."""
    ready = provider.line()
    untrusted, misnamed, flows = make_cases(ready)

    run_all([untrusted], program, running)
    rows = provider.journal()
    if rows:
        untrusted.faults.append(f"requests reached the provider: {seen(rows)}")
    run_all([misnamed], program, running)
    rows = provider.journal()
    if any(row["path"] != DISCOVERY or row["method"] != "GET" for row in rows) or not rows:
        misnamed.faults.append(f"the provider saw {seen(rows)}, not its discovery document alone")
    run_all(flows, program, running)

    # Most sign-ins were over seconds ago: what they still sent is in the journal.
    time.sleep(SETTLE)
    journal = provider.journal()
    tokens = [token for row in journal for token in row.get("tokens", [])]
    secrets = {client.get("client_secret") for client in ready["clients"]} | {case.secret for case in flows}
    secrets |= {pathlib.Path(case.key_file).read_text() for case in flows if case.key_file}
    secrets = sorted(secrets - {None, ""})

    for case in [untrusted, misnamed, *flows]:
        case.faults += output_faults(case, secrets, tokens)
        rows = []
        if case.plan:
            rows = [row for row in journal if row.get("client_id") == case.client["client_id"]]
            case.faults += journal_faults(rows, case) + time_faults(rows, case)
        yield f"{case.name} ({case.seconds:.1f} s)", case.faults, (case, rows, secrets, tokens)

    faults = []
    owned = {case.client["client_id"] for case in flows}
    gets = [row for row in journal if row["method"] == "GET"]
    stray = [row for row in journal if row not in gets and row.get("client_id") not in owned]
    stray += [row for row in gets if row["path"] not in (DISCOVERY, KEYS)]
    if stray:
        faults.append(f"requests that belong to no sign-in: {seen(stray)}")
    approved = sum(case.exit_code == APPROVED for case in flows)
    if sum(row["path"] == KEYS for row in gets) < approved:
        faults.append(f"the keys were fetched fewer times than the {approved} ID Tokens needed")
    broken = [row for row in journal if row["status"] in (None, 0) or row["status"] >= 500]
    if broken:
        faults.append(f"requests given up or failed: {seen(broken)}")
    yield f"nothing else in the provider's journal of {len(journal)} requests", faults, None


def show(detail):
    """The outputs and the journal behind a failure; never with a secret in them."""
    case, rows, secrets, tokens = detail
    for line in told(rows):
        print(f"      journal: {line}")
    for stream, text in (("stdout", case.stdout), ("stderr", case.stderr)):
        if gives_away(text, secrets, tokens):
            text = "(withheld: it holds a secret)"
        for line in text.splitlines():
            print(f"      {stream}: {line}")


def serve(port):
    """For a sign-in by hand: what the provider says, and what is typed to it."""
    node, npm, _ = need_tools()
    install(npm)
    with tempfile.TemporaryDirectory(prefix="ciba-interop-") as folder:
        provider = Provider(node, Certificates(folder), 1, port)
        try:
            print(json.dumps(provider.line()), flush=True)
            for line in sys.stdin:
                if line.strip() == "journal":
                    print(json.dumps(provider.journal()), flush=True)
        except KeyboardInterrupt:
            pass
        finally:
            provider.end()
    return 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = arguments.add_mutually_exclusive_group(required=True)
    what.add_argument("--sign-in", metavar="PATH", help="the compiled examples/c/sign_in.c")
    what.add_argument("--serve", type=int, nargs="?", const=0, metavar="PORT", help="only starts the provider")
    options = arguments.parse_args()
    if options.serve is not None:
        return serve(options.serve)
    program = os.path.abspath(options.sign_in)

    passed = failed = 0

    def report(name, faults, detail=None):
        nonlocal passed, failed
        passed, failed = passed + (not faults), failed + bool(faults)
        print(f"{'FAIL' if faults else 'ok  '} {name}" + (": " + "; ".join(faults) if faults else ""), flush=True)
        if faults and detail:
            show(detail)

    provider, running, folder = None, [], tempfile.TemporaryDirectory(prefix="ciba-interop-")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        node, npm, version = need_tools()
        if not os.access(program, os.X_OK):
            raise Trouble(f"{program} is not a program")
        report("the checks find each fault planted for them", self_check())
        install(npm)
        name = json.loads((SERVER / "node_modules/oidc-provider/package.json").read_text())
        print(f"     {name['name']} {name['version']} on Node {version}; about 20 seconds", flush=True)
        provider = Provider(node, Certificates(folder.name), len(PLANS) + 1)
        for name, faults, detail in run_cases(provider, program, running):
            report(name, faults, detail)
        if failed:
            print("      the provider said:\n" + "".join(f"      {line}\n" for line in provider.said().splitlines()))
    except Skip as reason:
        print(f"skipped: {reason}", flush=True)
        return 1 if os.environ.get("CI") == "true" else 77
    except Trouble as reason:
        report("the suite runs", [str(reason)])
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
        if provider:
            provider.end()
        folder.cleanup()
    print(f"{passed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
