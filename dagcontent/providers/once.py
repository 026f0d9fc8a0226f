"""A request that costs money into at most one POST on the wire, none before its intent is durable. Knows no vendor and no store.

Beneath every SDK lies one of these transports. What is free shares connections; what is paid gets one of its own, is held
back when that stands, until its attempt says go, and never gets a second. docs/adr/0009 has the reasons.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from dagcontent.providers.gate_coding import decoded
from dagcontent.providers.gate_proxy import Proxies
from dagcontent.providers.gate_scope import (
    FREE,
    SCOPE,
    GateRefused,
    Passage,
    Phase,
    Sending,
    Watch,
    free_requests,
    sending,
    to_its_end,
)
from dagcontent.providers.secret import host_of

if TYPE_CHECKING:
    import ssl

    import httpx
    import httpx2

__all__ = ["GateRefused", "Gates", "Phase", "Proxies", "Sending", "decoded", "free_requests", "sending"]

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Every other method is a send."""
SHARED_CONNECTIONS: Final = 256
"""Of all polls, fetches and uploads together, per library."""
_KEPT: Final = 32
_KEPT_S: Final = 15.0
_MARK: Final = "dagcontent.gate"


class Gates:
    """The transports of one build, one a library, made when first asked for; all clients of a build share them.

    `allow` is asked for the host of every request ("host", or "host:port" where the port is not the scheme's own); False:
    refused, nothing is connected. `proxies` come from the caller, as does `ca_file`, a file of certificates to trust
    instead of the usual ones: nothing is read from the environment here. For one event loop.
    """

    def __init__(
        self,
        *,
        proxies: Proxies | None = None,
        allow: Callable[[str], bool] | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._wires = _Wires(proxies or Proxies(), ca_file)
        self._allows: tuple[Callable[[str], bool], ...] = () if allow is None else (allow,)
        self._made: dict[str, Any] = {}

    def only(self, allow: Callable[[str], bool]) -> Gates:
        """Return gates that share these connections and reach only hosts that `allow` names too."""
        narrower = Gates()
        narrower._wires = self._wires
        narrower._allows = (*self._allows, allow)
        return narrower

    @property
    def httpx(self) -> httpx.AsyncBaseTransport:
        """For clients of httpx. Raises ImportError if it is not installed. Closing a client leaves it open."""
        if "httpx" not in self._made:
            import httpx  # noqa: PLC0415 - heavy, and only some vendors need it

            self._made["httpx"] = self._gate(httpx)
        made: httpx.AsyncBaseTransport = self._made["httpx"]
        return made

    @property
    def httpx2(self) -> httpx2.AsyncBaseTransport:
        """For clients of httpx2. Raises ImportError if it is not installed. Closing a client leaves it open."""
        if "httpx2" not in self._made:
            import httpx2  # noqa: PLC0415 - heavy, and only some vendors need it

            self._made["httpx2"] = self._gate(httpx2)
        made: httpx2.AsyncBaseTransport = self._made["httpx2"]
        return made

    async def aclose(self) -> None:
        """Close every connection; what comes after is refused. May be called twice."""
        await self._wires.aclose()

    def _gate(self, lib: Any) -> Any:
        # The libraries' clients ask for their own base classes, and the two do not mix.
        gate = type("Gate", (_Gate, lib.AsyncBaseTransport), {})
        return gate(lib, self._wires.of(lib), self._allows)


class _Wires:
    """What the gates of one build share."""

    def __init__(self, proxies: Proxies, ca_file: str | None) -> None:
        self.proxies = proxies
        self.ca_file = ca_file
        self.closed = False
        self._made: dict[str, _Wire] = {}

    def of(self, lib: Any) -> _Wire:
        return self._made.setdefault(lib.__name__, _Wire(lib, self))

    async def aclose(self) -> None:
        self.closed = True
        for wire in self._made.values():
            await wire.aclose()


class _Wire:
    """One library's connections: many shared and kept for what is free, one of its own for each request that is paid."""

    def __init__(self, lib: Any, home: _Wires) -> None:
        self.home = home
        self._lib = lib
        self._context: ssl.SSLContext | None = None
        self._shared: dict[str | None, Any] = {}
        self._own: set[Any] = set()

    def shared(self, url: Any) -> Any:
        """Return the transport for requests that cost nothing."""
        proxy = self.home.proxies.find(url.scheme, url.host, url.port)
        if proxy not in self._shared:
            limits = self._lib.Limits(
                max_connections=SHARED_CONNECTIONS, max_keepalive_connections=_KEPT, keepalive_expiry=_KEPT_S
            )
            self._shared[proxy] = self._transport(proxy, limits)
        return self._shared[proxy]

    def own(self, url: Any) -> Any:
        """Return a transport for one request: a fresh connection, nobody else's, gone afterwards."""
        proxy = self.home.proxies.find(url.scheme, url.host, url.port)
        transport = self._transport(proxy, self._lib.Limits(max_connections=1, max_keepalive_connections=0))
        self._own.add(transport)
        return transport

    async def close(self, own: Any, stream: Any = None) -> None:
        """Close a transport that `own` gave, and first the stream that came of it."""
        try:
            if stream is not None:
                await stream.aclose()
        finally:
            self._own.discard(own)
            await own.aclose()

    async def aclose(self) -> None:
        while self._own:
            await self._own.pop().aclose()
        while self._shared:
            await self._shared.popitem()[1].aclose()

    def _transport(self, proxy: str | None, limits: Any) -> Any:
        # The context is made once: making one takes longer than all the rest of a request.
        if self._context is None:
            self._context = self._trust()
        through = None
        if proxy is not None:
            encrypted = proxy.lower().startswith("https:")
            through = self._lib.Proxy(proxy, ssl_context=self._context if encrypted else None)
        # Not HTTP/2: it numbers a request before it is held, and httpcore then sends some of them again by itself.
        return self._lib.AsyncHTTPTransport(
            verify=self._context, http1=True, http2=False, retries=0, proxy=through, trust_env=False, limits=limits
        )

    def _trust(self) -> ssl.SSLContext:
        import ssl  # noqa: PLC0415 - only here, and only once a request is made

        made: ssl.SSLContext = (
            self._lib.create_ssl_context(trust_env=False)
            if self.home.ca_file is None
            else ssl.create_default_context(cafile=self.home.ca_file)
        )
        return made


class _Gate:
    """The transport itself, but for its library's base class."""

    def __init__(self, lib: Any, wire: _Wire, allows: tuple[Callable[[str], bool], ...]) -> None:
        self._lib = lib
        self._wire = wire
        self._allows = allows
        self._tee = type("Tee", (_Tee, lib.AsyncByteStream), {})

    async def handle_async_request(self, request: Any) -> Any:
        host = self._checked(request)
        if request.method in READING or FREE.get():
            request.extensions = {**request.extensions, "trace": Watch().trace}
            return await self._wire.shared(request.url).handle_async_request(request)
        attempt = SCOPE.get()
        if attempt is None:
            raise GateRefused(f"a {request.method} to {host} outside of an attempt was not sent")
        request.headers["accept-encoding"] = "identity"
        return await self._send(request, Passage(attempt, f"{request.method} to {host}"))

    async def aclose(self) -> None:
        """Stay open: a client that is closed is not the only one. `Gates.aclose` closes."""

    async def __aexit__(self, *_: object) -> None:
        """Stay open, as above."""

    def _checked(self, request: Any) -> str:
        host = host_of(str(request.url))
        if self._wire.home.closed:
            raise GateRefused(f"a {request.method} to {host} came after the gates were closed")
        if not all(allow(host) for allow in self._allows):
            raise GateRefused(f"a {request.method} to {host} was not sent: no provider is configured to be there")
        # In place, because a redirected request is a new one with the first one's extensions.
        if request.extensions.setdefault(_MARK, id(request)) != id(request):
            raise GateRefused(f"a redirect to {host} was not followed")
        if request.method == "CONNECT":
            raise GateRefused(f"a tunnel to {host} was not made")
        return host

    async def _send(self, request: Any, passage: Passage) -> Any:
        passage.enter()
        try:
            self._refuse_unsendable(request)
            request.extensions = {**request.extensions, "trace": passage.trace}
            own = self._wire.own(request.url)
        except BaseException as error:
            passage.failed(error)
            raise
        response = None
        try:
            response = await own.handle_async_request(request)
            await passage.answered(response.status_code, dict(response.headers))
        except BaseException as error:
            passage.failed(error)
            await to_its_end(self._wire.close(own, response and response.stream))
            raise
        response.stream = self._tee(response.stream, passage, lambda stream: self._wire.close(own, stream))
        return response

    def _refuse_unsendable(self, request: Any) -> None:
        """Find what the wire's protocol forbids while nothing is connected; later it would look like a lost answer."""
        import h11  # noqa: PLC0415 - comes with both libraries, and with them only

        try:
            h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
        except h11.LocalProtocolError as error:
            raise self._lib.LocalProtocolError(str(error), request=request) from None


class _Tee:
    """An answer's body on its way to the SDK. Each piece is in the sink before the SDK sees it."""

    def __init__(self, stream: Any, passage: Passage, close: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        self._stream = stream
        self._chunks = aiter(stream)
        self._passage = passage
        self._close = close
        self._over = False
        self._closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._over:
            raise StopAsyncIteration
        try:
            chunk: bytes = await anext(self._chunks)
            self._passage.chunk(chunk)
        except StopAsyncIteration:
            self._over = True
            self._passage.ended()
            raise
        except BaseException as error:
            self._over = True
            self._passage.failed(error)
            raise
        return chunk

    async def aclose(self) -> None:
        """Close, and before that read what the SDK has left: it was paid for, whatever the SDK thinks of its beginning."""
        if self._closed:
            return
        self._closed = True
        try:
            with contextlib.suppress(Exception):  # the passage has it
                async for _ in self:
                    pass
        finally:
            await to_its_end(self._close(self._stream))
