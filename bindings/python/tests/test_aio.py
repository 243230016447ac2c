# SPDX-License-Identifier: MIT OR Apache-2.0
"""asyncio: no thread waits for a flow, and cancelling a task stops the native work."""

import asyncio
import os
import threading
import time

import pytest

import ciba
import ciba.aio
from conftest import PATIENCE, PENDING, STARTED, hint


def run(main):
    return asyncio.run(asyncio.wait_for(main, PATIENCE))


def client_of(simulator, **settings):
    return ciba.aio.Client(**{**simulator.settings(), **settings})


def test_approved(provider):
    async def main():
        async with client_of(provider) as client:
            assert await client.check() is True
            async with await client.init(login_hint="alice", binding_message="approve after 1500 ms") as flow:
                assert flow.outcome is ciba.Status.PENDING and flow.auth_req_id and flow.interval == 1.0
                tokens = await flow.poll()
            assert flow.outcome is ciba.Status.OK and flow.tokens.access_token == tokens.access_token
            assert (await flow.poll(0)).claims == tokens.claims
        assert client.closed

    run(main())
    provider.assert_requests_then_silence([STARTED[0], STARTED[2], STARTED[1], PENDING + "*", "POST /token -> 200 tokens"])


@pytest.mark.parametrize(("phrase", "error"), [("deny after 0 s", ciba.Denied), ("fail odd after 0 s", ciba.ProviderError)])
def test_outcomes_are_raised(provider, phrase, error):
    async def main():
        flow = await client_of(provider).init(login_hint="alice", binding_message=phrase)
        for _ in range(2):
            with pytest.raises(error):
                await flow.poll()

    run(main())


def test_expired(provider):
    async def main():
        flow = await client_of(provider).init(login_hint="alice", binding_message="never", requested_expiry=2)
        with pytest.raises(ciba.Expired):
            await flow.poll()

    run(main())


def test_why_a_start_failed_is_raised(provider):
    async def main():
        with pytest.raises(ciba.ProviderError) as error:
            await client_of(provider, client_secret="another-secret").init(login_hint="alice")
        assert error.value.status is ciba.Status.INVALID_CLIENT
        with pytest.raises(ciba.InvalidInput):
            await client_of(provider).init()
        provider.control("POST /offline")
        with pytest.raises(ciba.DiscoveryError):
            await client_of(provider).check()

    run(main())


def test_when_the_time_is_up_nothing_is_lost(provider):
    provider.fault("start", {"process_then_hold": 500})

    async def main():
        client = client_of(provider)
        flow = await client.init(login_hint="alice", binding_message="approve after 1 s", timeout=0)
        assert flow.auth_req_id is None
        assert await flow.poll(0) is None and await flow.poll(0.1) is None
        assert (await flow.poll(float("inf"))).access_token
        provider.fault("discovery", {"hold": 500})
        again = client_of(provider)
        assert await again.check(0) is False and await again.check(0.1) is False and await again.check()
        for timeout, error in ((-1, ciba.InvalidInput), ("1", TypeError)):
            for call in (flow.poll, flow.cancel, client.check):
                with pytest.raises(error):
                    await call(timeout)
            with pytest.raises(error):
                await client.init(login_hint="alice", timeout=timeout)

    run(main())
    assert provider.lines().count("POST /bc-authorize -> 200 ack") == 1


def test_many_flows_need_no_threads(provider):
    many = 300

    def threads():
        return len(os.listdir("/proc/self/task"))

    async def main():
        client = client_of(provider)
        await client.check()
        before = threading.active_count()
        flows = [await client.init(login_hint="alice", binding_message="wait", timeout=0) for _ in range(many)]
        waits = [asyncio.ensure_future(flow.poll()) for flow in flows]
        await asyncio.sleep(0)
        native = threads()
        assert native <= 8 and threading.active_count() == before
        while not all(flow.auth_req_id for flow in flows):
            await asyncio.sleep(0.05)
        assert threads() <= native
        await asyncio.get_running_loop().run_in_executor(None, approve_all)
        tokens = await asyncio.gather(*waits)
        assert len({token.access_token for token in tokens}) == many

    def approve_all():
        for request in provider.control("GET /requests"):
            provider.control("POST /approve", {"auth_req_id": request["auth_req_id"]})

    run(main())


def cancels(provider, waits):
    """Cancels a task once it waits; the flow's own cancel call then reaches the provider."""

    async def main():
        client = client_of(provider)
        task = asyncio.ensure_future(waits(client))
        await asyncio.get_running_loop().run_in_executor(None, provider.wait_for, "/connect/ciba")
        await asyncio.sleep(0.3)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 15, "only to notice a hang"
        await asyncio.get_running_loop().run_in_executor(None, provider.wait_for, "-> 204 cancelled")

    run(main())
    assert provider.lines().count("POST /op/connect/ciba -> 200 ack") == 1


def test_cancelling_a_task_that_polls_cancels_the_flow_at_the_provider(signaturgruppen):
    flows = []

    async def waits(client):
        flows.append(await client.init(login_hint_token=hint("wait")))
        await flows[0].poll()

    cancels(signaturgruppen, waits)
    assert flows[0].outcome is ciba.Status.CANCELLED


def test_cancelling_a_task_that_starts_cancels_the_flow_at_the_provider(signaturgruppen):
    signaturgruppen.fault("start", {"process_then_hold": 1_500})
    cancels(signaturgruppen, lambda client: client.init(login_hint_token=hint("wait")))


def test_cancelling_a_task_inside_a_block(signaturgruppen):
    async def waits(client):
        async with await client.init(login_hint_token=hint("wait")):
            await asyncio.sleep(PATIENCE)

    cancels(signaturgruppen, waits)


def test_cancelling_after_the_outcome_changes_nothing(provider):
    async def main():
        flow = await client_of(provider).init(login_hint="alice", binding_message="approve after 0 s")
        task = asyncio.ensure_future(flow.poll())
        tokens = await task
        assert not task.cancel() and flow.outcome is ciba.Status.OK and tokens
        assert await flow.cancel() is True and flow.outcome is ciba.Status.OK

    run(main())


def test_cancel_ends_the_wait_of_another_task_and_tells_the_provider(signaturgruppen):
    async def main():
        flow = await client_of(signaturgruppen).init(login_hint_token=hint("wait"))
        waits = asyncio.ensure_future(flow.poll())
        await asyncio.sleep(0.1)
        assert await flow.cancel() is True
        with pytest.raises(ciba.Cancelled):
            await waits

    run(main())
    assert any(line.endswith("-> 204 cancelled") for line in signaturgruppen.lines())


def test_the_provider_that_does_not_cancel_is_reported(signaturgruppen):
    signaturgruppen.fault("cancel", {"hold_then": [300, {"answer": {"status": 500}}]}, always=True)

    async def main():
        client = client_of(signaturgruppen)
        flow = await client.init(login_hint_token=hint("wait"))
        assert await flow.cancel(0) is False
        with pytest.raises(ciba.TransportError):
            await flow.cancel()
        async with await client.init(login_hint_token=hint("wait")) as other:
            pass
        assert other.outcome is ciba.Status.CANCELLED

    run(main())


def test_wait_for_gives_the_flow_up_and_timeout_does_not(provider):
    async def main():
        flow = await client_of(provider).init(login_hint="alice", binding_message="wait")
        assert await flow.poll(timeout=0.2) is None and flow.outcome is ciba.Status.PENDING
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(flow.poll(), 0.2)
        assert flow.outcome is ciba.Status.CANCELLED

    run(main())


def test_a_loop_that_is_closed_while_the_provider_is_asked_does_no_harm(provider):
    client = client_of(provider)

    async def main():
        flow = await client.init(login_hint="alice", binding_message="approve after 1 s")
        poll = flow.poll()
        poll.send(None)  # waits, and is never woken
        return flow, poll

    flow, poll = asyncio.run(main())
    deadline = time.monotonic() + PATIENCE
    while flow.outcome is ciba.Status.PENDING and time.monotonic() < deadline:
        time.sleep(0.05)
    assert flow.outcome is ciba.Status.OK
    with pytest.raises(RuntimeError):
        poll.throw(RuntimeError("the loop is closed"))

    async def later():
        assert await flow.poll(0)

    run(later())


def test_what_is_shown_says_what_it_is(provider):
    async def main():
        client = client_of(provider)
        flow = await client.init(login_hint="alice", correlation="order 7")
        assert repr(client).startswith("<ciba.aio.Client of ") and repr(flow) == "<ciba.aio.Flow pending>"
        assert flow.correlation == "order 7" and flow.acknowledgement["auth_req_id"] == flow.auth_req_id
        assert flow.started_at <= flow.next_poll_at < flow.expires_at and flow.trouble is None
        assert flow.progress.stage is ciba.Stage.PENDING

    run(main())
