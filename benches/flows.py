#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What many pending flows cost: memory, CPU, lateness, wake-ups, and the most polls of one core.

    benches/flows.py [--chart FILE.svg]

Runs benches/flows against the simulator, each on a core of its own, and prints tables; with
--chart draws them. The figures are also in target/bench/flows.json. It takes about eight minutes.
The exit code is 1 if a program failed or the provider counted other polls than were claimed.
"""

import base64
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import with_simulator  # noqa: E402

with_simulator.PROGRAM = ROOT / "target" / "release" / "ciba-sim"
OPTIONS = ["--host", "localhost", "--outcome", "never", "--expires-in", "3600", "--journal-limit", "0"]
# How the flows wait, how many there are, the interval in s, how many of them are approved, and how
# the client proves itself.
RUNS = (
    ("set", 1, 5, 1, "basic"), ("set", 1_000, 5, 100, "basic"), ("set", 10_000, 5, 200, "basic"), ("set", 50_000, 10, 500, "basic"),
    ("set", 1_000, 5, 100, "ES256"), ("set", 10_000, 5, 200, "ES256"), ("set", 1_000, 5, 100, "RS256"), ("set", 5_000, 5, 200, "RS256"),
    ("threads", 1_000, 5, 100, "basic"), ("threads", 10_000, 5, 200, "basic"),
)  # fmt: skip
RATE_ROUNDS, RATE_MS = 7, 2_000
MOST_BYTES, MOST_LATE_MS, MOST_WAKE_MS, LEAST_RATE = 512, 20, 1, 0.7


def build(*features):
    """Builds the program; each form of it stays beside the others."""
    command = ["cargo", "bench", "--locked", "-p", "ciba-flows-bench", "--bench", "flows", "--no-run", "--message-format=json"]
    done = subprocess.run([*command, *features], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return next(line["executable"] for line in lines if line.get("executable"))


def key(algorithm, folder):
    """A new private key: the file it is in, and the public one as a JWK."""
    options = {"ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}[algorithm]
    file = folder / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", *options, "-out", file], check=True, stderr=subprocess.DEVNULL)

    def openssl(*words):
        return subprocess.run(["openssl", "pkey", "-in", file, *words], check=True, stdout=subprocess.PIPE).stdout

    def text(number):
        return base64.urlsafe_b64encode(number).rstrip(b"=").decode()

    der = openssl("-pubout", "-outform", "DER")
    if algorithm == "ES256":
        # It ends with the point: x and y.
        return file, {"kty": "EC", "crv": "P-256", "x": text(der[-64:-32]), "y": text(der[-32:])}
    # It ends with the modulus, then the number 65537 in five bytes.
    return file, {"kty": "RSA", "n": text(der[-261:-5]), "e": "AQAB"}


def proof(algorithm, folder):
    """Options of the provider and settings of the client for how it proves itself."""
    if algorithm == "basic":
        return [], {}
    file, public = key(algorithm, folder)
    client = {
        "client_id": "call-centre", "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": algorithm, "jwks": {"keys": [{**public, "kid": "k1"}]},
    }  # fmt: skip
    metadata = folder / "client.json"
    metadata.write_text(json.dumps(client))
    settings = {name: client[name] for name in ("client_id", "token_endpoint_auth_method", "token_endpoint_auth_signing_alg")}
    return ["--client-metadata", str(metadata)], {**settings, "client_private_key_file": str(file), "client_key_id": "k1"}


def run(program, words, options, settings):
    """Runs the program and a provider, each on a core of its own; returns the facts that it prints."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-1:])  # what is started now stays on the last core
    try:
        with with_simulator.Simulator([*OPTIONS, *options]) as provider:
            os.sched_setaffinity(0, cores[:1])
            environment = {**provider.environment(), "FLOWS_SETTINGS": json.dumps(settings)}
            words = [str(word) for word in (program, *words)]
            process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment)
            os.sched_setaffinity(0, cores)
            facts = {"polls_seen": [], "rounds": []}
            for line in process.stdout:
                fact = json.loads(line)
                facts.update(fact)
                facts["rounds"].append(fact)
                if "begins_cpu_ns" in fact or "ends_cpu_ns" in fact:
                    facts["polls_seen"].append(provider.control("GET /count")["poll"])
            if process.wait():
                raise SystemExit(f"{' '.join(words[1:])} failed")
            counted = provider.control("GET /count")["poll"]
    finally:
        os.sched_setaffinity(0, cores)
    if counted != facts["polls"]:
        raise SystemExit(f"WRONG: the provider counted {counted} polls, {facts['polls']} were claimed")
    return facts


def percentiles(values, per_ms):
    values = sorted(values)
    at = (50, 99, 100)
    return [round(values[min(len(values) - 1, len(values) * percent // 100)] / per_ms, 2) for percent in at] if values else [None] * 3


def measure(program, way, count, interval, approved, algorithm):
    """Two intervals in which everybody is asked for, then two that are measured; once without a log for
    memory and CPU time, and once with one."""
    window_ms = interval * 2_100
    with tempfile.TemporaryDirectory() as folder:
        options, settings = proof(algorithm, pathlib.Path(folder))
        options += ["--interval", str(interval)]
        quiet, told = (run(program, [way, count, window_ms, window_ms, number], options, settings) for number in (0, approved))
    further = count - quiet["flows_before"]
    bytes_each = (quiet["memory_kb"] - quiet["memory_before_kb"]) * 1024 / further if further else None
    polls = max(quiet["polls_seen"][1] - quiet["polls_seen"][0], 1)
    return {
        "way": way, "count": count, "interval_s": interval, "authentication": algorithm, "identifier": quiet["identifier"],
        "bytes_per_flow": bytes_each and round(bytes_each - quiet["identifier"]),
        "polls_per_s": round(polls / window_ms * 1000, 1),
        "cpu_us_per_poll": round((quiet["ends_cpu_ns"] - quiet["begins_cpu_ns"]) / 1000 / polls, 1),
        "late_ms": percentiles(told["late_ms"], 1), "woken_ms": percentiles(told["woken_ns"], 1e6),
        "threads": len(quiet["threads"]),
    }  # fmt: skip


def rate(program):
    """Polls per second of 64 flows that are due at once, and of bare tasks; rounds of both alternate."""
    facts = run(program, ["rate", RATE_ROUNDS, RATE_MS], ["--interval", "5", "--no-throttle"], {})
    rounds = {name: [fact[name] for fact in facts["rounds"] if name in fact] for name in ("ciba", "bare")}
    per_second = {name: statistics.median(polls / (ns / 1e9) for polls, ns, _ in these) for name, these in rounds.items()}
    cpu = {name: statistics.median(cpu / 1000 / polls for polls, _, cpu in these) for name, these in rounds.items()}
    pairs = zip(rounds["ciba"], rounds["bare"])
    ratio = statistics.median((ours[0] / ours[1]) / (bare[0] / bare[1]) for ours, bare in pairs)
    return {"per_second": per_second, "cpu_us_per_poll": cpu, "ratio": ratio}


def name(row):
    how = "in a set" if row["way"] == "set" else "threads"
    return f"{row['count']:,} {how}" + ("" if row["authentication"] == "basic" else f", {row['authentication']}")


def chart(rows):
    """Bars; grey text, legible on light and dark."""
    panels = (
        ("memory for each flow beside its identifier, bytes", lambda row: row["bytes_per_flow"]),
        ("CPU time for each poll, µs", lambda row: row["cpu_us_per_poll"]),
        ("polls sent later than scheduled, 99th percentile, ms", lambda row: row["late_ms"][1]),
    )
    rows = [row for row in rows if row["count"] > 1]
    height = 46 + len(rows) * 20
    parts = []
    for number, (title, value) in enumerate(panels):
        top, most = 20 + number * height, max(value(row) for row in rows) or 1
        parts.append(f'<text x="10" y="{top}" font-weight="bold">{title}</text>')
        for line, row in enumerate(rows):
            y, width = top + 10 + line * 20, max(value(row) / most * 400, 1)
            colour = "#2f81f7" if row["way"] == "set" else "#d29922"
            parts.append(f'<text x="170" y="{y + 12}" text-anchor="end">{name(row)}</text>')
            parts.append(f'<rect x="180" y="{y}" width="{width:.0f}" height="14" fill="{colour}"/>')
            parts.append(f'<text x="{188 + width:.0f}" y="{y + 12}">{value(row):,.0f}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 {height * len(panels)}" font-family="sans-serif" font-size="13" '
        'fill="#7d8590">' + "".join(parts) + "</svg>\n"
    )  # fmt: skip


def main():
    words = sys.argv[1:]
    if words and (words[0] != "--chart" or len(words) != 2):
        sys.exit(__doc__)
    subprocess.run(["cargo", "build", "--release", "--locked", "-q", "-p", "ciba-sim"], cwd=ROOT, check=True)
    program = build()
    rows = []
    print(f"{'flows':>24} {'polls/s':>8} {'bytes each':>11} {'CPU µs/poll':>12} {'late ms p50/p99/max':>20} {'wake ms p50/p99/max':>20} threads")
    for what in RUNS:
        row = measure(program, *what)
        rows.append(row)
        missed = row["way"] == "set" and (
            (row["count"] == 50_000 and row["bytes_per_flow"] > MOST_BYTES)
            or row["late_ms"][1] > MOST_LATE_MS
            or row["woken_ms"][1] > MOST_WAKE_MS
        )
        late, woken = ("/".join(map(str, row[times])) for times in ("late_ms", "woken_ms"))
        print(
            f"{name(row):>24} {row['polls_per_s']:>8,.0f} {row['bytes_per_flow'] or 0:>11,} {row['cpu_us_per_poll']:>12} "
            f"{late:>20} {woken:>20} {row['threads']:>7}" + ("  MISSED" if missed else ""), flush=True,
        )  # fmt: skip
    print(f"required of sets: at most {MOST_BYTES} bytes each at 50,000, {MOST_LATE_MS} ms late and {MOST_WAKE_MS} ms to wake (p99)")
    most = rate(build("--features", "without-interval"))
    print("64 in flight on one core:", *(f"{which} {per_s:,.0f} polls/s, {most['cpu_us_per_poll'][which]:.1f} µs CPU each;" for which, per_s in most["per_second"].items()))
    print(f"of bare reqwest tasks: {most['ratio']:.2f} (at least {LEAST_RATE})" + ("  MISSED" if most["ratio"] < LEAST_RATE else ""))
    place = ROOT / "target" / "bench" / "flows.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"flows": rows, "rate": most}, indent=1))
    if words:
        pathlib.Path(words[1]).write_text(chart(rows))


if __name__ == "__main__":
    main()
