"""A vendor's server into one that writes down what it is asked, and answers wrongly where a test wants it. Knows no vendor.

It stands on loopback between an adapter and the server: what reaches it is what is on the wire, whatever an SDK says.
"""

from __future__ import annotations

import contextlib
import http.client
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import msgspec

__all__ = ["READING", "Seen", "Wiretap", "connections"]

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HOPS: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})
_UPSTREAM_S: Final = 30.0


class Seen(msgspec.Struct, frozen=True):
    """One request as it came. `target` is its path with its query, names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Wiretap:
    """A context manager. `strike` says what becomes of requests whose method is in `struck`; None: all goes through.

    "drop": the connection is closed without an answer. "silent": nothing is said until the end. A number: this status,
    with a body that no vendor writes; 307 and 308 lead elsewhere on this server.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self.seen: list[Seen] = []
        self.strike: str | int | None = None
        self.struck: frozenset[str] = frozenset({"POST", "PUT", "PATCH", "DELETE"})
        self._over = threading.Event()
        tap = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def answer(self) -> None:
                tap.answer(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 - the base class asks for these names

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        """Where it listens: "127.0.0.1:PORT"."""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def base_url(self) -> str:
        """The address that stands for the server's."""
        return f"http://{self.host}{self._upstream.path.rstrip('/')}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Write a request down, then answer as the server does, or as a test wants it."""
        body = _body(handler)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.seen.append(Seen(handler.command, handler.path, headers, body))
        strike = self.strike if handler.command in self.struck else None
        if strike is None:
            self._forward(handler, body)
        elif isinstance(strike, int):
            extra = {"Location": f"http://{self.host}/elsewhere"} if 300 <= strike < 400 else {}
            _say(handler, strike, {"Content-Type": "text/plain", **extra}, b"of no vendor")
        else:
            if strike == "silent":
                self._over.wait()
            handler.close_connection = True

    def _forward(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        made = http.client.HTTPSConnection if self._upstream.scheme == "https" else http.client.HTTPConnection
        connection = made(self._upstream.netloc, timeout=_UPSTREAM_S)
        try:
            headers = {name: value for name, value in handler.headers.items() if name.lower() not in _HOPS}
            connection.request(handler.command, handler.path, body or None, headers)
            found = connection.getresponse()
            data = found.read()
            kept = {name: value for name, value in found.getheaders() if name.lower() not in _HOPS}
            _say(handler, found.status, kept, data)
        except (OSError, http.client.HTTPException):
            handler.close_connection = True
        finally:
            connection.close()


def _body(handler: BaseHTTPRequestHandler) -> bytes:
    if "chunked" in handler.headers.get("transfer-encoding", "").lower():
        body = b""
        while size := int(handler.rfile.readline().split(b";")[0], 16):
            body += handler.rfile.read(size)
            handler.rfile.readline()
        handler.rfile.readline()
        return body
    return handler.rfile.read(int(handler.headers.get("content-length") or 0))


def _say(handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str], data: bytes) -> None:
    handler.send_response_only(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(data)


_watching: list[list[str]] = []
_hooked = threading.Lock()


@contextlib.contextmanager
def connections() -> Iterator[list[str]]:
    """Give a list to which every address is added that this process connects to over TCP, as "host:port"."""
    if _hooked.acquire(blocking=False):  # a hook stays for good: one is enough

        def hook(event: str, args: tuple[Any, ...]) -> None:
            if event == "socket.connect" and _watching and isinstance(args[1], tuple):
                for found in _watching:
                    found.append(f"{args[1][0]}:{args[1][1]}")

        sys.addaudithook(hook)
    found: list[str] = []
    _watching.append(found)
    try:
        yield found
    finally:
        _watching[:] = [one for one in _watching if one is not found]
