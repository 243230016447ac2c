# SPDX-License-Identifier: MIT OR Apache-2.0
"""The same for asyncio.

::

    async with ciba.aio.Client("telenor", client_id="desk-7", client_secret=secret) as client:
        async with await client.init(login_hint="+4799988777") as flow:
            tokens = await flow.poll()

No thread waits for a flow, however many there are: the library's own thread asks the provider and
wakes the event loop. Cancelling a task that awaits ``init`` or ``poll`` gives the authentication up, as
``cancel`` does; so does ``asyncio.wait_for`` when its time is up. To wait a while and then go on, use
``timeout=``.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import datetime
from math import isfinite
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Mapping, Optional, Type, TypeVar, Union, overload

from . import _ciba
from ._errors import CibaError
from ._log import LogEvent
from ._progress import Progress
from ._status import Status

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._ciba import Answer, Notification, SavedFlow, Tokens, _Bytes, _Parameters, _Settings, _Token, _Value, _Words

__all__ = ["Client", "Flow"]

T = TypeVar("T")

# How often is looked, in seconds, where it is rare and there is nothing to watch.
_LOOK_AGAIN = 0.05
# How many seconds leaving a block waits for the provider's answer to a cancel call.
_LEAVE = 5.0


class Client:
    """A client of one provider: ``ciba.Client`` for asyncio, with the same arguments.

    It may be used from several event loops.
    """

    def __init__(
        self,
        provider: Optional[str] = None,
        *,
        log: Optional[Callable[[LogEvent], object]] = None,
        signer: Optional[Callable[[bytes, str, Optional[str]], bytes]] = None,
        **settings: Unpack[_Settings],
    ) -> None:
        self._client = _ciba.Client(provider, log=log, signer=signer, **settings)

    async def check(self, timeout: Optional[float] = None) -> bool:
        """Fetches the provider's metadata and keys, see ``ciba.Client.check``."""
        return bool(await _look_again(lambda: self._client.check(0), timeout))

    async def init(
        self,
        request: Optional[Mapping[str, _Value]] = None,
        timeout: Optional[float] = None,
        **parameters: Unpack[_Parameters],
    ) -> Flow:
        """Starts an authentication and waits for the acknowledgement, see ``ciba.Client.init``.

        Cancelling the task that awaits this cancels the flow.
        """
        _until(timeout)  # before anything is sent
        native = self._client.init(request, 0, **parameters)
        flow = Flow(native)

        def acknowledged() -> bool:
            native.poll(0)  # raises why the start failed
            return native.auth_req_id is not None

        await flow._wait(acknowledged, timeout)
        return flow

    def binding_code(self, acr_values: Optional[_Words] = None) -> str:
        """Makes a short code for ``binding_message``, see ``ciba.Client.binding_code``."""
        return self._client.binding_code(acr_values)

    def deliver_notification(
        self, method: str, authorization: Optional[str], content_type: Optional[str], body: _Bytes
    ) -> Notification:
        """Takes a request to the client's notification endpoint, see ``ciba.Client.deliver_notification``."""
        return self._client.deliver_notification(method, authorization, content_type, body)

    def resume(self, saved: Union[SavedFlow, _Bytes], context: str = "") -> Flow:
        """Goes on with a flow that was saved, see ``ciba.Client.resume``."""
        return Flow(self._client.resume(saved, context))

    def restore_tokens(self, refresh_token: str, id_token: Optional[str] = None) -> Tokens:
        """Tokens that the program kept, see ``ciba.Client.restore_tokens``."""
        return self._client.restore_tokens(refresh_token, id_token)

    @overload
    async def refresh(self, tokens: Tokens, timeout: None = None) -> Tokens: ...

    @overload
    async def refresh(self, tokens: Tokens, timeout: Optional[float]) -> Optional[Tokens]: ...

    async def refresh(self, tokens: Tokens, timeout: Optional[float] = None) -> Optional[Tokens]:
        """Refreshes tokens, see ``ciba.Client.refresh``.

        Cancelling the task that awaits this loses nothing: another call with the same tokens has the result.
        """
        return await _look_again(lambda: self._client.refresh(tokens, 0), timeout)

    @overload
    async def userinfo(self, tokens: Tokens, timeout: None = None) -> Answer: ...

    @overload
    async def userinfo(self, tokens: Tokens, timeout: Optional[float]) -> Optional[Answer]: ...

    async def userinfo(self, tokens: Tokens, timeout: Optional[float] = None) -> Optional[Answer]:
        """Asks the provider about the person, see ``ciba.Client.userinfo``."""
        return await _look_again(lambda: self._client.userinfo(tokens, 0), timeout)

    @overload
    async def introspect(self, tokens: Tokens, token: _Token, timeout: None = None) -> Answer: ...

    @overload
    async def introspect(self, tokens: Tokens, token: _Token, timeout: Optional[float]) -> Optional[Answer]: ...

    async def introspect(self, tokens: Tokens, token: _Token, timeout: Optional[float] = None) -> Optional[Answer]:
        """Asks the provider whether a token is active, see ``ciba.Client.introspect``."""
        return await _look_again(lambda: self._client.introspect(tokens, token, 0), timeout)

    async def revoke(self, tokens: Tokens, token: _Token, timeout: Optional[float] = None) -> bool:
        """Has the provider revoke a token, see ``ciba.Client.revoke``."""
        return bool(await _look_again(lambda: self._client.revoke(tokens, token, 0), timeout))

    def close(self) -> None:
        """Releases the client's connections. Flows that it started go on."""
        self._client.close()

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._client.closed

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._client).replace("ciba.Client", "ciba.aio.Client", 1)


class Flow:
    """One authentication: ``ciba.Flow`` for asyncio. What ``Client.init`` returns.

    As an asynchronous context manager it cancels itself where the block is left before there is an
    outcome.
    """

    def __init__(self, native: _ciba.Flow) -> None:
        self._native = native

    @overload
    async def poll(self, timeout: None = None) -> Tokens: ...

    @overload
    async def poll(self, timeout: Optional[float]) -> Optional[Tokens]: ...

    async def poll(self, timeout: Optional[float] = None) -> Optional[Tokens]:
        """Waits for the outcome, see ``ciba.Flow.poll``.

        Cancelling the task that awaits this cancels the flow, for every other task that awaits it too.
        """
        return await self._wait(lambda: self._native.poll(0), timeout)

    async def cancel(self, timeout: Optional[float] = None) -> bool:
        """Gives the authentication up, see ``ciba.Flow.cancel``."""
        return bool(await self._wait(lambda: self._native.cancel(0), timeout))

    def checkpoint(self, context: str = "") -> SavedFlow:
        """Saves the flow and lets it go on here, see ``ciba.Flow.checkpoint``."""
        return self._native.checkpoint(context)

    async def hand_over(self, context: str = "", timeout: Optional[float] = None) -> Optional[SavedFlow]:
        """Saves the flow and closes it here, see ``ciba.Flow.hand_over``."""
        return await _look_again(lambda: self._native.hand_over(context, 0), timeout)

    async def _wait(self, look: Callable[[], T], timeout: Optional[float]) -> Optional[T]:
        """Waits until ``look`` finds something. No thread waits."""
        until = _until(timeout)
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:  # on the library's thread
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(changed.set)

        try:
            # The watch comes first: what happens after a look is told.
            with self._native._watch(wake):
                while True:
                    changed.clear()
                    found = look()
                    left = until - time.monotonic()
                    if found or left <= 0:
                        return found
                    timer = loop.call_later(left, changed.set) if isfinite(left) else None
                    try:
                        await changed.wait()
                    finally:
                        if timer:
                            timer.cancel()
        except asyncio.CancelledError:
            with suppress(CibaError):
                self._native.cancel(0)
            raise

    @property
    def revision(self) -> int:
        """How often the flow was saved, in this process and before."""
        return self._native.revision

    @property
    def outcome(self) -> Status:
        """How the flow ended; ``Status.PENDING`` while it has not."""
        return self._native.outcome

    @property
    def tokens(self) -> Optional[Tokens]:
        """The verified tokens, once there are any."""
        return self._native.tokens

    @property
    def auth_req_id(self) -> Optional[str]:
        """The provider's identifier of the request; ``None`` before the acknowledgement. Confidential."""
        return self._native.auth_req_id

    @property
    def acknowledgement(self) -> Optional[dict[str, Any]]:
        """The whole acknowledgement; ``None`` before it. Confidential."""
        return self._native.acknowledgement

    @property
    def binding_message(self) -> Optional[str]:
        """The text that the person compares on the phone, or is told; ``None`` where there is none."""
        return self._native.binding_message

    @property
    def authentication_uri(self) -> Optional[str]:
        """A link that the person opens to be asked, at providers that ask in a browser."""
        return self._native.authentication_uri

    @property
    def correlation(self) -> str:
        """The caller's own text that stands in every log event of the flow."""
        return self._native.correlation

    @property
    def started_at(self) -> datetime:
        """When the authentication request was made."""
        return self._native.started_at

    @property
    def expires_at(self) -> Optional[datetime]:
        """When the request expires; ``None`` before the acknowledgement."""
        return self._native.expires_at

    @property
    def next_poll_at(self) -> Optional[datetime]:
        """When the next poll is due; ``None`` if none is."""
        return self._native.next_poll_at

    @property
    def interval(self) -> Optional[float]:
        """The interval between polls that is in force, in seconds; ``None`` before the acknowledgement."""
        return self._native.interval

    @property
    def progress(self) -> Progress:
        """Where the flow stands."""
        return self._native.progress

    @property
    def trouble(self) -> Optional[CibaError]:
        """The trouble that is being waited out, or was waited out last."""
        return self._native.trouble

    async def __aenter__(self) -> Flow:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        value: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if self.outcome is Status.PENDING:
            # The log has it. A block that is left with an exception must not be left with this one.
            with suppress(CibaError):
                await self.cancel(_LEAVE)

    def __repr__(self) -> str:
        return repr(self._native).replace("ciba.Flow", "ciba.aio.Flow", 1)


async def _look_again(look: Callable[[], T], timeout: Optional[float]) -> T:
    """Looks until something true is found, or the time is up."""
    until = _until(timeout)
    while True:
        found = look()
        left = until - time.monotonic()
        if found or left <= 0:
            return found
        await asyncio.sleep(min(left, _LOOK_AGAIN))


def _until(timeout: Optional[float]) -> float:
    """When the time is up, on the monotonic clock."""
    return time.monotonic() + _ciba.seconds(timeout)
