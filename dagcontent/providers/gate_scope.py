"""One attempt to pay into how far its request came: what the gate lets through, and when. Knows no HTTP library, vendor or store.

The attempt that a request belongs to is in a context variable. Its phases:

    CONNECTING     name, connection, TLS, a proxy's tunnel: may fail and be tried again, nothing was sent
    HOLDING        the connection stands and the intent is being committed; from here on no second request of the attempt
    OPEN           the intent is durable and nobody has cancelled: the next thing that happens is the first byte
    HEADERS_OUT    the request's head was written
    BODY_OUT       all of it was written
    ANSWERED       status and headers are here, and journaled before a byte of the body is read
    BODY_IN        the body came to its end

What became of a request is read from the phase, never from an exception: the same ones occur before and after a vendor
has the request. The event of the HTTP libraries that holds the request back is described in docs/adr/0009.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from enum import IntEnum
from typing import Any

import anyio
import anyio.lowlevel

from dagcontent.errors import InternalError

__all__ = [
    "FREE",
    "SCOPE",
    "GateRefused",
    "Passage",
    "Phase",
    "Sending",
    "Watch",
    "free_requests",
    "sending",
    "to_its_end",
]


class Phase(IntEnum):
    """How far the request of an attempt has come. See the module's table."""

    CONNECTING = 0
    HOLDING = 1
    OPEN = 2
    HEADERS_OUT = 3
    BODY_OUT = 4
    ANSWERED = 5
    BODY_IN = 6


class GateRefused(Exception):  # noqa: N818 - the name is what happened
    """The gate did not let a request pass. No library's error, so that no SDK takes it for one that is worth a retry."""


class Sending:
    """One attempt's passage through the gate, and what is known of it at every moment.

    `commit` makes the intent durable; if it raises, nothing is sent. `on_headers(status, headers)` journals the answer's
    head; names in lower case. Both are run to their end whatever is cancelled meanwhile, and in a task of their own.
    `sink` is given the body as it comes, codings and all: `decoded(sending.headers, body)` undoes them.
    """

    def __init__(
        self,
        *,
        commit: Callable[[], Awaitable[None]],
        on_headers: Callable[[int, Mapping[str, str]], Awaitable[None]],
        sink: Callable[[bytes], object],
    ) -> None:
        self.commit = commit
        self.on_headers = on_headers
        self.sink = sink
        self.phase = Phase.CONNECTING
        self.committed = False
        """Whether `commit` returned. HOLDING without it: the intent may be durable, or become so."""
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.error: BaseException | None = None
        """What ended the request first, before any SDK made something else of it."""
        self.over = False
        """Whether its scope was left. What has not passed the gate by then never will."""
        self.holder: Passage | None = None

    @property
    def sent(self) -> bool:
        """Whether the vendor may have something of the request."""
        return self.phase >= Phase.OPEN

    @property
    def complete(self) -> bool:
        """Whether the answer's body was read to its end."""
        return self.phase is Phase.BODY_IN

    @property
    def framed(self) -> bool:
        """Whether the answer says where its body ends. One that ends with its connection may be cut without a trace."""
        return "content-length" in self.headers or "chunked" in self.headers.get("transfer-encoding", "").lower()

    def __repr__(self) -> str:
        return f"Sending({self.phase.name}, status={self.status})"


SCOPE: ContextVar[Sending | None] = ContextVar("dagcontent_sending", default=None)
FREE: ContextVar[bool] = ContextVar("dagcontent_free", default=False)


@contextlib.contextmanager
def sending(attempt: Sending) -> Iterator[Sending]:
    """Let one request out for this attempt. Enclose the reading of a streamed answer too: some SDKs send at the first step.

    Raises InternalError within another attempt's scope, and for an attempt that had its scope.
    """
    if SCOPE.get() is not None:
        raise InternalError("a paid request was begun within another's")
    if attempt.over:
        raise InternalError("an attempt was sent twice")
    scope, free = SCOPE.set(attempt), FREE.set(False)
    try:
        yield attempt
    finally:
        attempt.over = True
        FREE.reset(free)
        SCOPE.reset(scope)


@contextlib.contextmanager
def free_requests() -> Iterator[None]:
    """Let any number of requests out that cost nothing: uploads, tokens, cancels."""
    token = FREE.set(True)
    try:
        yield
    finally:
        FREE.reset(token)


class Watch:
    """Follows what a library says of one request: "http11.send_request_headers.started" and the like, by its `trace` extension."""

    def __init__(self) -> None:
        self._socket: Any = None

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Close what httpcore leaves open: the socket of a handshake that is cancelled."""
        event = name.partition(".")[2]
        if event == "connect_tcp.complete":
            self._socket = info["return_value"]
        elif event == "start_tls.failed" and self._socket is not None:
            await to_its_end(self._socket.aclose())


class Passage(Watch):
    """One try of one attempt. Only the first to reach HOLDING changes what is known of the attempt from there on."""

    def __init__(self, attempt: Sending, what: str) -> None:
        super().__init__()
        self.attempt = attempt
        self._what = what

    def enter(self) -> None:
        """Begin, with nothing connected yet. Raises GateRefused."""
        self._refuse_if_over()
        # A failed connect may be tried again; what it raised says nothing about the try that follows.
        self.attempt.error = None

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Hold the request when its head is about to be written, and note how it goes on."""
        await super().trace(name, info)
        event = name.partition(".")[2]
        if event == "send_request_headers.started":
            # A tunnel through a proxy has its own request, which is given the same callback.
            if info["request"].method != b"CONNECT":
                await self._hold()
        elif event == "send_request_headers.complete":
            self._reach(Phase.HEADERS_OUT)
        elif event == "send_request_body.complete":
            self._reach(Phase.BODY_OUT)

    async def answered(self, status: int, headers: dict[str, str]) -> None:
        """Have the answer's head written down."""
        self.attempt.status = status
        self.attempt.headers = headers
        self._reach(Phase.ANSWERED)
        await to_its_end(self.attempt.on_headers(status, headers))

    def chunk(self, data: bytes) -> None:
        """Put a piece of the body where it is safe."""
        self.attempt.sink(data)

    def ended(self) -> None:
        """Note that the body came to its end."""
        self._reach(Phase.BODY_IN)

    def failed(self, error: BaseException) -> None:
        """Keep the first error of the request that counts."""
        attempt = self.attempt
        ours = attempt.holder in {None, self}
        if ours and attempt.error is None and not isinstance(error, GateRefused):
            attempt.error = error

    async def _hold(self) -> None:
        attempt = self.attempt
        self._refuse_if_over()
        attempt.holder = self
        attempt.phase = Phase.HOLDING
        await to_its_end(self._commit())
        # Whoever cancelled meanwhile is heard now, while it is still true that nothing was sent.
        await anyio.lowlevel.checkpoint_if_cancelled()
        if attempt.over:
            raise GateRefused(f"a {self._what} was not sent: its attempt was given up while it was held")
        attempt.phase = Phase.OPEN

    async def _commit(self) -> None:
        await self.attempt.commit()
        self.attempt.committed = True

    def _refuse_if_over(self) -> None:
        if self.attempt.over:
            raise GateRefused(f"a {self._what} was not sent: its attempt is over")
        if self.attempt.holder is not None:
            raise GateRefused(f"a second {self._what} in one attempt was not sent")

    def _reach(self, phase: Phase) -> None:
        if self.attempt.holder is self and self.attempt.phase < phase:
            self.attempt.phase = phase


async def to_its_end(step: Awaitable[None]) -> None:
    """Wait for a step whatever is cancelled meanwhile, by a scope or by the task; let the cancellation through after it."""
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait((task,))
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        raise cancelled from (None if task.cancelled() else task.exception())
    task.result()
