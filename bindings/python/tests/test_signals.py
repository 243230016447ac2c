# SPDX-License-Identifier: MIT OR Apache-2.0
"""Waiting: without the GIL, and ended by Ctrl-C."""

import signal
import time

import pytest

import ciba
from conftest import PATIENCE, Program

# Each waits for something that does not come, until SIGINT does.
WAITS = {
    "poll": "flow = client().init(login_hint='alice'); wait = flow.poll",
    "poll with a timeout": "flow = client().init(login_hint='alice'); wait = lambda: flow.poll(60)",
    "poll with progress": "flow = client().init(login_hint='alice'); wait = lambda: flow.poll(on_progress=print)",
    "step": "flow = client().init(login_hint='alice'); time.sleep(1.3); wait = flow.step",
    "init": "c = client(); wait = lambda: c.init(login_hint='alice')",
    "check": "c = client(); wait = c.check",
}


@pytest.mark.parametrize("name", WAITS)
def test_ctrl_c_ends_a_wait(provider, name):
    provider.fault("poll", {"hold": 20_000}, always=True)
    if name in ("check", "init"):
        provider.fault("discovery", {"hold": 20_000})
    source = f"{WAITS[name]}\nsay('waits')\n" + (
        "try: wait()\n"
        "except KeyboardInterrupt: say(f'ended {time.monotonic()}')\n"
        "else: say('not ended')\n"
    )  # fmt: skip
    with Program(provider, source) as program:
        while program.line() != "waits":
            assert program.process.poll() is None
        time.sleep(0.3)
        sent = time.monotonic()
        program.process.send_signal(signal.SIGINT)
        lines = program.ends()
    ended = [float(line.split()[1]) for line in lines if line.startswith("ended")]
    assert ended, lines
    # 100 ms on a machine with nothing else to do, and 5 s for a cancelled start; this notices a hang.
    assert ended[0] - sent < 15


def test_ctrl_c_in_init_cancels_the_flow_at_the_provider(signaturgruppen):
    signaturgruppen.fault("start", {"process_then_hold": 1_500})
    source = (
        "c = client()\n"
        "hint = {'uuid': '8a9856e0-f12d-4217-b320-c8a076be9320', 'ip': '127.0.0.1', 'referenceTextBody': 'wait'}\n"
        "try: c.init(login_hint_token=hint)\n"
        "except KeyboardInterrupt: say('ended')\n"
    )
    with Program(signaturgruppen, source) as program:
        signaturgruppen.wait_for("/connect/ciba")
        program.process.send_signal(signal.SIGINT)
        assert program.ends() == ["ended"]
    assert [line.split()[0] for line in signaturgruppen.lines()] == ["POST", "DELETE"]


def test_signals_are_seen_many_times_in_a_second_while_waiting(provider):
    flow = provider.client().init(login_hint="alice")
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(time.monotonic()))
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    try:
        assert flow.poll(2) is None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(seen) >= 10, "20 in a second where nothing else runs"


def test_what_a_signal_handler_raises_comes_out_and_the_flow_goes_on(provider):
    flow = provider.client().init(login_hint="alice", binding_message="approve after 1500 ms")

    def throws(*_):
        raise ZeroDivisionError("planted")

    before = signal.signal(signal.SIGALRM, throws)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(ZeroDivisionError, match="planted"):
            flow.poll()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert flow.outcome is ciba.Status.PENDING and flow.poll()


@pytest.mark.parametrize("call", ["flow.poll(1.5)", "client.check(1.5)"])
def test_other_threads_run_while_one_waits(provider, call):
    import threading

    client = provider.client()
    flow = client.init(login_hint="alice")
    if "check" in call:
        provider.fault("discovery", {"hold": 1_000})
        client = provider.client()
    turns, stop = [0], threading.Event()

    def counts():
        while not stop.is_set():
            turns[0] += 1
            time.sleep(0.001)

    counting = threading.Thread(target=counts)
    counting.start()
    before = turns[0]
    eval(call)
    waited = turns[0] - before
    stop.set()
    counting.join(PATIENCE)
    assert waited > 20, "a wait that held the GIL would leave none"
