# SPDX-License-Identifier: MIT OR Apache-2.0
"""Flows that outlive their process."""

import base64
import os
import threading

import pytest

import ciba
from conftest import Program, eventually
from test_aio import client_of, run

KEYS = f"2026:{base64.b64encode(bytes(range(32))).decode()}"


def started(provider, phrase, **settings):
    flow = provider.client(saved_flow_keys=KEYS, **settings).init(login_hint="alice", binding_message=phrase, correlation="order 7")
    provider.wait_for("/jwks")
    return flow


def test_a_flow_that_was_handed_over_goes_on_elsewhere(provider):
    flow = started(provider, "approve after 0 s")
    saved = flow.hand_over("row 7")
    assert flow.outcome is ciba.Status.HANDED_OVER and saved.revision == flow.revision == 1
    with pytest.raises(ciba.HandedOver):
        flow.poll()
    again = provider.client(saved_flow_keys=[KEYS]).resume(bytes(saved), "row 7")
    assert (again.auth_req_id, again.correlation, again.revision) == (flow.auth_req_id, "order 7", 1)
    assert again.poll().access_token
    assert provider.lines().count("POST /bc-authorize -> 200 ack") == 1


def test_another_process_goes_on_with_it(provider, tmp_path):
    file = tmp_path / "saved"
    file.write_bytes(bytes(started(provider, "approve after 0 s").hand_over("row 7")))
    source = """
with open(sys.argv[1], "rb") as file: saved = file.read()
say(client(saved_flow_keys=sys.argv[2]).resume(saved, "row 7").poll(60).token_type)
"""
    with Program(provider, source, str(file), KEYS) as program:
        assert program.ends() == ["Bearer"]


def test_a_checkpoint_leaves_the_flow_running(provider):
    flow = started(provider, "approve after 0 s")
    assert [flow.checkpoint("row 7").revision for _ in range(2)] == [1, 2]
    assert flow.outcome is ciba.Status.PENDING and flow.poll()
    with pytest.raises(ciba.SavedFlowError) as error:
        flow.checkpoint("row 7")
    assert error.value.status is ciba.Status.NOT_SAVEABLE


def test_what_cannot_be_resumed(provider):
    client = provider.client(saved_flow_keys=KEYS)
    saved = bytes(started(provider, "wait").checkpoint("row 7"))
    assert client.resume(saved, "row 7").outcome is ciba.Status.PENDING, "the good twin"
    other = f"2027:{base64.b64encode(bytes(32)).decode()}"
    for resume, status in (
        (lambda: client.resume(saved, "row 8"), "SAVED_FLOW_CONTEXT"),
        (lambda: client.resume(saved[:-1], "row 7"), "SAVED_FLOW_MALFORMED"),
        (lambda: client.resume(b"", "row 7"), "SAVED_FLOW_MALFORMED"),
        (lambda: provider.client(saved_flow_keys=other).resume(saved, "row 7"), "SAVED_FLOW_KEY"),
        (lambda: provider.client(saved_flow_keys=KEYS, client_id="another").resume(saved, "row 7"), "SAVED_FLOW_CLIENT"),
    ):
        with pytest.raises(ciba.SavedFlowError) as error:
            resume()
        assert error.value.status_name == status
    for wrong in (None, 7, "planted", [256]):
        with pytest.raises(TypeError, match="saved: must be bytes, not ") as refused:
            client.resume(wrong)
        assert "planted" not in str(refused.value)
    with pytest.raises(ciba.InvalidInput, match="saved_flow_keys"):
        provider.client().init(login_hint="alice").checkpoint()
    with pytest.raises(ciba.InvalidInput, match="saved_flow_keys") as error:
        provider.client(saved_flow_keys="planted")
    assert "planted" not in repr(error.value)


def test_what_is_saved_is_taken_as_it_is_and_as_a_store_has_it(provider):
    flow = started(provider, "wait")
    saved = flow.checkpoint("row 7")
    for kept in (saved, bytes(saved), bytearray(bytes(saved)), memoryview(bytes(saved))):
        again = provider.client(saved_flow_keys=KEYS).resume(kept, "row 7")
        assert again.auth_req_id == flow.auth_req_id, type(kept)


def test_what_is_saved_shows_nothing(provider):
    flow = started(provider, "wait")
    saved = flow.checkpoint("row 7")
    assert repr(saved) == "<ciba.SavedFlow, revision 1>"
    assert flow.auth_req_id.encode() not in bytes(saved)
    unsealed = provider.client(saved_flow_unsealed=True).init(login_hint="alice")
    assert unsealed.auth_req_id.encode() in bytes(unsealed.checkpoint()), "the search finds what is there"


def test_asyncio(provider):
    async def main():
        client = client_of(provider, saved_flow_keys=KEYS)
        flow = await client.init(login_hint="alice", binding_message="approve after 0 s")
        assert flow.checkpoint("row 7").revision == flow.revision == 1
        saved = await flow.hand_over("row 7")
        assert flow.outcome is ciba.Status.HANDED_OVER
        assert (await client.resume(bytes(saved), "row 7").poll()).access_token

    run(main())


def test_many_flows_have_one_waiter(provider):
    client = provider.client()
    flows = ciba.FlowSet(client)
    assert len(flows) == 0 and flows.wait(0) is None and repr(flows) == "<ciba.FlowSet of 0>"
    phrases = ["approve after 0 s", "deny after 0 s", "approve after 1 s", "wait"]
    added = {client.init(login_hint="alice", binding_message=phrase): phrase for phrase in phrases}
    for flow in added:
        flows.add(flow)
    with pytest.raises(ciba.UsageError) as error:
        flows.add(flow)
    assert error.value.status is ciba.Status.IN_SET and len(flows) == 4
    outcomes = {}
    while len(outcomes) < 3:
        flow = flows.wait(60)
        outcomes[added[flow]] = flow.outcome.name
    assert outcomes == {"approve after 0 s": "OK", "deny after 0 s": "DENIED", "approve after 1 s": "OK"}
    assert len(flows) == 1 and flows.wait(0.01) is None
    flows.cancel()
    assert flows.wait(60).outcome is ciba.Status.CANCELLED and flows.wait(0) is None


def test_a_flow_that_was_taken_out_is_not_reported(provider):
    client = provider.client()
    flows, flow = ciba.FlowSet(client), client.init(login_hint="alice", binding_message="approve after 0 s")
    flows.add(flow)
    assert flows.remove(flow) is True and flows.remove(flow) is False and flows.wait(0) is None
    flows.add(flow)
    assert flows.wait() is flow and flows.remove(flow) is False


def test_a_set_keeps_its_flows_and_gives_them_back(provider):
    import gc
    import weakref

    client = provider.client()
    flows = ciba.FlowSet(client)
    kept = weakref.ref(client.init(login_hint="alice", binding_message="wait"))
    assert kept() is None, "the twin in no set"
    flow = client.init(login_hint="alice", binding_message="wait")
    flows.add(flow)
    kept = weakref.ref(flow)
    del flow
    assert kept() is not None and len(flows) == 1
    del flows
    gc.collect()
    assert kept() is None


def test_an_event_loop_may_own_the_waiting(provider):
    import select

    client = provider.client()
    flows = ciba.FlowSet(client)
    poll = select.poll()
    poll.register(flows, select.POLLIN)
    flows.add(client.init(login_hint="alice", binding_message="approve after 0 s"))
    assert poll.poll(60_000) == [(flows.fileno(), select.POLLIN)]
    assert flows.wait(0).poll(0) and poll.poll(0) == []


def test_a_thread_that_waits_for_a_set_can_be_woken(provider):
    client = provider.client()
    flows = ciba.FlowSet(client)
    flows.add(client.init(login_hint="alice", binding_message="wait"))
    for _ in range(3):
        waker = threading.Timer(0.2, flows.wake)
        waker.start()
        assert flows.wait() is None, "on the main thread, which waits in pieces"
        waker.join()
    flows.wake()
    assert flows.wait() is None, "the next one, where none waits"
    assert len(flows) == 1 and flows.wait(0.1) is None


def test_bad_input_to_a_set(provider):
    for client in (None, 7, object()):
        with pytest.raises(TypeError):
            ciba.FlowSet(client)
    client = provider.client()
    flows = ciba.FlowSet(client)
    for flow in (None, 7, client):
        for call in (flows.add, flows.remove):
            with pytest.raises(TypeError):
                call(flow)
    with pytest.raises(TypeError, match="timeout"):
        flows.wait("soon")
    client.close()
    with pytest.raises(ciba.UsageError, match="closed"):
        ciba.FlowSet(client)


def test_a_set_stays_with_its_process(provider):
    flows = ciba.FlowSet(provider.client())
    child = os.fork()
    if child == 0:
        try:
            flows.wait(0)
        except ciba.UsageError as error:
            os._exit(0 if error.status is ciba.Status.OTHER_PROCESS else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    eventually(lambda: flows.wait(0) is None, "the parent goes on")
