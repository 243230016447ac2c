#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What many pending flows cost: memory, CPU, lateness, wake-ups.

    benches/flows.py [--chart FILE.svg]

Runs benches/flows against the simulator, each on a core of its own, and prints a table; with
--chart draws it. Needs `make lib debug` and a release ciba-sim (`cargo build --release -p ciba-sim`).
The exit code is 1 if a program failed or the provider counted other polls than were claimed.
"""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import with_simulator  # noqa: E402

with_simulator.PROGRAM = ROOT / "target" / "release" / "ciba-sim"
OPTIONS = ["--host", "localhost", "--outcome", "never", "--expires-in", "3600", "--journal-limit", "0"]
# How the flows wait, how many there are, the interval in s, how many of them are approved.
RUNS = (
    ("set", 1, 5, 1), ("set", 1_000, 5, 100), ("set", 10_000, 5, 200), ("set", 50_000, 10, 500),
    ("threads", 1_000, 5, 100), ("threads", 10_000, 5, 200),
)  # fmt: skip
MOST_BYTES, MOST_LATE_MS, MOST_WAKE_MS = 512, 20, 1


def build():
    command = ["cargo", "bench", "--locked", "-p", "ciba-flows-bench", "--bench", "flows", "--no-run", "--message-format=json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return next(line["executable"] for line in lines if line.get("executable"))


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, len(values) * percent // 100)] if values else None


def measure(program, way, count, interval, approved):
    """One run: two intervals in which everybody is asked for, then two that are measured."""
    window_ms = interval * 2_100
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-1:])  # what is started now stays on the last core
    try:
        with with_simulator.Simulator([*OPTIONS, "--interval", str(interval)]) as provider:
            os.sched_setaffinity(0, cores[:1])
            words = [program, way, count, window_ms, window_ms, approved]
            process = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True, env=provider.environment())
            os.sched_setaffinity(0, cores)
            facts, polls = {}, []
            for line in process.stdout:
                fact = json.loads(line)
                facts.update(fact)
                if "begins_cpu_ns" in fact or "ends_cpu_ns" in fact:
                    polls.append(provider.control("GET /count")["poll"])
            if process.wait():
                raise SystemExit(f"flows {way} {count} failed")
            counted = provider.control("GET /count")["poll"]
    finally:
        os.sched_setaffinity(0, cores)
    if counted != facts["polls"]:
        raise SystemExit(f"WRONG: the provider counted {counted} polls, {facts['polls']} were claimed")
    further = count - facts["flows_before"]
    bytes_each = (facts["memory_kb"] - facts["memory_before_kb"]) * 1024 / further if further else None
    asked = max(polls[1] - polls[0], 1)
    return {
        "way": way, "count": count, "interval_s": interval, "identifier": facts["identifier"],
        "bytes_per_flow": bytes_each and bytes_each - facts["identifier"],
        "polls_per_s": asked / window_ms * 1000,
        "cpu_us_per_poll": (facts["ends_cpu_ns"] - facts["begins_cpu_ns"]) / 1000 / asked,
        "late_ms": [percentile(facts["late_ms"], p) for p in (50, 99, 100)],
        "woken_ms": [percentile(facts["woken_ns"], p) / 1e6 for p in (50, 99, 100)],
        "threads": len(facts["threads"]),
    }  # fmt: skip


def chart(rows):
    """Three small bar charts, legible on light and dark."""
    panels = (
        ("memory per flow, bytes", lambda row: row["bytes_per_flow"]),
        ("CPU per poll, µs", lambda row: row["cpu_us_per_poll"]),
        ("lateness of polls, p99, ms", lambda row: row["late_ms"][1]),
    )
    rows = [row for row in rows if row["count"] > 1]
    parts = []
    for number, (title, value) in enumerate(panels):
        top, most = 20 + number * 150, max(value(row) or 0 for row in rows) or 1
        parts.append(f'<text x="10" y="{top}" font-weight="bold">{title}</text>')
        for line, row in enumerate(rows):
            y, width = top + 10 + line * 22, max((value(row) or 0) / most * 330, 1)
            colour = "#2f81f7" if row["way"] == "set" else "#d29922"
            name = f"{row['count']:,} " + ("in a set" if row["way"] == "set" else "threads")
            parts.append(f'<text x="130" y="{y + 13}" text-anchor="end">{name}</text>')
            parts.append(f'<rect x="140" y="{y}" width="{width:.0f}" height="16" fill="{colour}"/>')
            parts.append(f'<text x="{148 + width:.0f}" y="{y + 13}">{value(row) or 0:,.0f}</text>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 460" font-family="sans-serif" font-size="13" fill="#8b949e">'
        + "".join(parts) + "</svg>\n"
    )  # fmt: skip


def main():
    words = sys.argv[1:]
    if words and (words[0] != "--chart" or len(words) != 2):
        sys.exit(__doc__)
    program = build()
    rows = []
    print(f"{'flows':>16} {'polls/s':>8} {'bytes each':>11} {'CPU µs/poll':>12} {'late ms p50/p99/max':>20} {'wake ms p50/p99':>16} threads")
    for run in RUNS:
        row = measure(program, *run)
        rows.append(row)
        late, woken = row["late_ms"], row["woken_ms"]
        missed = row["way"] == "set" and (
            (row["count"] == 50_000 and row["bytes_per_flow"] > MOST_BYTES) or late[1] > MOST_LATE_MS or woken[1] > MOST_WAKE_MS
        )
        print(
            f"{row['way'] + ' ' + format(row['count'], ','):>16} {row['polls_per_s']:>8,.0f} {row['bytes_per_flow'] or 0:>11,.0f} "
            f"{row['cpu_us_per_poll']:>12.1f} {'/'.join(map(str, late)):>20} {woken[0]:>8.2f}/{woken[1]:<7.2f} {row['threads']:>7}"
            + ("  MISSED" if missed else ""), flush=True,
        )  # fmt: skip
    print(f"required of sets: at most {MOST_BYTES} bytes each at 50,000, {MOST_LATE_MS} ms late and {MOST_WAKE_MS} ms to wake (p99)")
    place = ROOT / "target" / "bench" / "flows.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(rows, indent=1))
    if words:
        pathlib.Path(words[1]).write_text(chart(rows))


if __name__ == "__main__":
    main()
