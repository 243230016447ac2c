# SPDX-License-Identifier: MIT OR Apache-2.0
"""Keycloak for one run: had by Maven, built once, started on the loopback over TLS, ended by its process id."""

import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request

VERSION = "26.7.3"
ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:tar.gz"
JAVA = 17
HERE = pathlib.Path(__file__).resolve().parent
BUILD = ("--db=dev-mem", "--https-client-auth=request")
START = 600  # seconds at most, on a busy machine
FETCH = 300


class Missing(Exception):
    """What has to be there first."""


def run(*words, seconds, **options):
    try:
        done = subprocess.run(
            [str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=seconds, check=False, **options,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        return 124, str(late)
    return done.returncode, done.stdout


def need_tools(*names):
    for name in names:
        if not shutil.which(name):
            raise Missing(f"{name} is missing")


def need_java():
    need_tools("java", "openssl")
    major = re.search(r'version "(\d+)', run("java", "-version", seconds=60)[1])
    if not major or int(major[1]) < JAVA:
        raise Missing(f"Java {JAVA} or newer is missing")


def unpacked():
    """The folder of this version, fetched, unpacked and built where that was not done before."""
    need_java()
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "libciba"
    place = cache / f"keycloak-{VERSION}"
    if (place / "built").exists() and (place / "built").read_text() == " ".join(BUILD):
        return place
    need_tools("mvn")
    cache.mkdir(parents=True, exist_ok=True)
    # Made aside and renamed, so that a run that was ended leaves nothing half.
    work = cache / f"making-{os.getpid()}"
    shutil.rmtree(place, ignore_errors=True)
    try:
        work.mkdir()
        for goal in (("dependency:get", "-Dtransitive=false"), ("dependency:copy", f"-DoutputDirectory={work}")):
            code, said = run("mvn", "-q", "-B", *goal, f"-Dartifact={ARTIFACT}", seconds=FETCH)
            if code:
                raise Missing(f"Maven could not fetch {ARTIFACT}:\n{said}")
        made = work / f"keycloak-{VERSION}"
        unpack = ("tar", "-xf", next(work.glob("*.tar.gz")), "-C", work)
        for words in (unpack, (made / "bin/kc.sh", "build", *BUILD)):
            code, said = run(*words, seconds=FETCH)
            if code:
                raise OSError(f"{words[0]} failed:\n{said}")
        (made / "built").write_text(" ".join(BUILD))
        made.rename(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return place


class Keycloak:
    """A server with these realms, by name: what differs from realm.json."""

    def __init__(self, place, folder, certificates, realms, port, device_url):
        self.folder = pathlib.Path(folder) / "keycloak"
        # Of its own: what is built is shared, what is stored is not.
        for name in ("bin", "conf"):
            shutil.copytree(place / name, self.folder / name)  # it looks for the rest beside the real kc.sh
        for name in ("lib", "providers", "themes"):
            (self.folder / name).symlink_to(place / name)
        self.import_folder = self.folder / "data" / "import"
        self.import_folder.mkdir(parents=True)
        base = json.loads((HERE / "realm.json").read_text())
        for name, realm in realms.items():
            attributes = {**base["attributes"], **realm.pop("attributes", {})}
            whole = {**base, **realm, "realm": name, "attributes": attributes}
            (self.import_folder / f"{name}-realm.json").write_text(json.dumps(whole))
        certificate, key = certificates.certificate("keycloak", "server", "localhost", "RS256")
        self.url = f"https://localhost:{port}"
        self.ca_file = certificates.ca_file
        self.log = self.folder / "log"
        channel = "spi-ciba-auth-channel--ciba-http-auth-channel--http-authentication-channel-uri"
        self.process = subprocess.Popen(
            [
                str(self.folder / "bin/kc.sh"), "start", "--optimized", "--import-realm", "--cache=local", "--http-host=127.0.0.1",
                f"--https-port={port}", f"--hostname={self.url}", f"--https-certificate-file={certificate}",
                f"--https-certificate-key-file={key}",
                f"--truststore-paths={self.ca_file}", "--http-access-log-enabled=true",
                "--http-access-log-pattern=common", "--log-console-color=false", f"--{channel}={device_url}",
            ],
            stdin=subprocess.DEVNULL, stdout=self.log.open("w"), stderr=subprocess.STDOUT,
            env={**os.environ, "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx512m"},
        )  # fmt: skip

    def wait_ready(self, realms):
        context = ssl.create_default_context(cafile=self.ca_file)
        until = time.monotonic() + START
        while True:
            if self.process.poll() is not None or time.monotonic() > until:
                raise OSError(f"Keycloak did not start:\n{self.said()}")
            try:
                for realm in realms:
                    where = f"{self.url}/realms/{realm}/.well-known/openid-configuration"
                    urllib.request.urlopen(where, context=context, timeout=20).close()
                return
            except OSError:
                time.sleep(0.3)

    def journal(self):
        """The paths, below the protocol's, that were posted to; as the access log has them."""
        return re.findall(r'"POST /realms/\w+/protocol/openid-connect/([\w/]+) HTTP', self.said())

    def complaints(self):
        """What it said, but for the requests."""
        return "\n".join(line for line in self.said().splitlines() if "/realms/" not in line)

    def said(self):
        return self.log.read_text(errors="replace")

    def end(self):
        # kc.sh hands the signal on to Java, and waits for it.
        pid = self.process.pid
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            # As it is not waited for yet, its folder below /proc is there, and its number nobody else's.
            for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
            self.process.kill()
            self.process.wait()
