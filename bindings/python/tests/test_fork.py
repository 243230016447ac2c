# SPDX-License-Identifier: MIT OR Apache-2.0
"""A process that has used the library forks, and both sides go on."""

import pytest

from conftest import Program

# `used`: a client that has signed in. `both`: runs a function in a child and in the parent.
BEGIN = """
def both(work):
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if work("child") else 2
        except BaseException as error:
            say(f"{type(error).__name__}: {error}")
        finally:
            os._exit(status)
    parent = work("parent")
    _, status = os.waitpid(child, 0)
    say(f"child {os.waitstatus_to_exitcode(status)} parent {parent}")

used = client()
assert signs_in(used)
"""

FORKS = {
    "both sides sign in with the same client": """
for _ in range(3):
    both(lambda side: signs_in(used))
""",
    "both sides make clients of their own": """
both(lambda side: signs_in(client()))
""",
    "a child forks again": """
def work(side):
    if side == "child":
        grandchild = os.fork()
        if grandchild == 0:
            os._exit(0 if signs_in(used) else 1)
        return os.waitpid(grandchild, 0)[1] == 0 and signs_in(used)
    return signs_in(used)
both(work)
""",
    "a flow stays with the process that started it": """
flow = used.init(login_hint="alice", binding_message="approve after 1 s")
def work(side):
    if side == "parent":
        return flow.poll(60).claims["sub"] != ""
    for call in (flow.poll, flow.step, flow.cancel):
        try: call(); return False
        except ciba.UsageError as error: assert error.status is ciba.Status.OTHER_PROCESS
    assert flow.auth_req_id is None and flow.outcome is ciba.Status.OTHER_PROCESS
    return True
both(work)
""",
    "a block that the child leaves does the parent's flow no harm": """
with used.init(login_hint="alice", binding_message="approve after 1 s") as flow:
    child = os.fork()
    if child == 0:
        try:
            with flow: pass
        finally:
            os._exit(0)
    tokens = flow.poll(60)
    _, status = os.waitpid(child, 0)
    say(f"child {os.waitstatus_to_exitcode(status)} parent {tokens is not None}")
""",
    "another thread waits meanwhile": """
flow = used.init(login_hint="alice", binding_message="approve after 1500 ms")
answers = []
waiting = threading.Thread(target=lambda: answers.append(flow.poll(60)))
waiting.start()
time.sleep(0.2)
both(lambda side: signs_in(used))
waiting.join()
assert answers[0]
""",
    "other threads sign in meanwhile, with every event logged": """
import logging
logging.basicConfig(level=logging.DEBUG, stream=open(os.devnull, "w"))
logged = client()
stop = threading.Event()
def keep_signing_in():
    while not stop.is_set():
        assert signs_in(logged)
threads = [threading.Thread(target=keep_signing_in) for _ in range(4)]
for thread in threads: thread.start()
for _ in range(10):
    both(lambda side: signs_in(logged))
stop.set()
for thread in threads: thread.join()
""",
    "multiprocessing": """
import multiprocessing
def work(number):
    return signs_in(used)
with multiprocessing.get_context("fork").Pool(3) as pool:
    results = pool.map(work, range(6))
say(f"child {0 if all(results) else 1} parent {signs_in(used)}")
""",
    "workers of a program that was loaded before, as gunicorn --preload has it": """
import socket
server = socket.create_server(("127.0.0.1", 0))
workers = []
for _ in range(3):
    worker = os.fork()
    if worker == 0:
        while True:
            connection, _ = server.accept()
            with connection:
                if connection.recv(1) == b"q": os._exit(0)
                connection.sendall(b"y" if signs_in(used) else b"n")
    workers.append(worker)
def ask(what):
    with socket.create_connection(server.getsockname()) as connection:
        connection.sendall(what)
        return connection.recv(1)
answers = [ask(b"s") for _ in range(6)] + [ask(b"q") for _ in workers]
server.close()
ends = [os.waitpid(worker, 0)[1] for worker in workers]
say(f"child {0 if answers == [b'y'] * 6 + [b''] * 3 and not any(ends) else (answers, ends)} parent {signs_in(used)}")
""",
}


@pytest.mark.parametrize("name", FORKS)
def test_fork(provider, name):
    with Program(provider, BEGIN + FORKS[name]) as program:
        lines = program.ends()
    assert lines and set(lines) == {"child 0 parent True"}


def test_a_program_ends_at_once_while_a_flow_is_pending(provider):
    source = """
import logging
logging.basicConfig(level=logging.DEBUG, stream=open(os.devnull, "w"))
flow = client().init(login_hint="alice")
threading.Thread(target=flow.poll, daemon=True).start()
flow.poll(0.2)
say("ends")
"""
    with Program(provider, source) as program:
        assert program.ends() == ["ends"]
