"""A vendor of a few lines on this machine: what it is asked, and answers that a test wrote."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import msgspec
from hypothesis import strategies as st

from dagcontent.providers.once import Sending, decoded, sending
from dagcontent.providers.port import Adapter, Answer, Call
from dagcontent.values.value import Blob, Digest

DATE = "Sun, 22 Nov 2026 12:00:00 GMT"
DATE_MS = 1_795_348_800_000


class Asked(msgspec.Struct):
    method: str
    path: str
    query: dict[str, list[str]]
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Said(msgspec.Struct):
    body: Any = b""
    status: int = 200
    headers: dict[str, str] = {}


class Loopback:
    """Serves `answers`: rows of (method, pattern of the path, what is said); the first that fits."""

    def __init__(self, prefix: str = "/fal") -> None:
        self.prefix = prefix
        self.asked: list[Asked] = []
        self.answers: list[tuple[str, str, Said | Callable[[Asked], Said]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # head and body in one piece: else the second waits for an acknowledgement

            def log_message(self, *_: object) -> None: ...

            def date_time_string(self, timestamp: float | None = None) -> str:
                return DATE

            def answer(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                asked = Asked(
                    self.command, parts.path.removeprefix(outer.prefix), parse_qs(parts.query), self.headers, body
                )
                outer.asked.append(asked)
                said = outer.say(asked)
                data = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
                self.send_response(said.status)
                for name, value in {"Content-Type": "application/json", **said.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = answer  # noqa: N815 - the base class asks for these names

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def base_url(self) -> str:
        return f"http://{self.host}{self.prefix}"

    def on(self, method: str, pattern: str, said: Said | Callable[[Asked], Said]) -> None:
        self.answers.insert(0, (method, pattern, said))

    def say(self, asked: Asked) -> Said:
        for method, pattern, said in self.answers:
            if method == asked.method and re.fullmatch(pattern, asked.path):
                return said(asked) if callable(said) else said
        return Said({"detail": f"nothing at {asked.path}"}, 404)

    def posts(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.method == "POST"]


class Inputs:
    """Files of a test; uploads are made, and remembered."""

    def __init__(self, **files: bytes) -> None:
        self.files = files
        self.uploads: list[tuple[str, int]] = []

    def blob(self, name: str, kind: str, media_type: str) -> Blob:
        return Blob(Digest(name), kind, media_type, len(self.files[name]))

    def read(self, blob: Blob) -> bytes:
        return self.files[blob.digest]

    async def uploaded(self, blob: Blob, upload: Any) -> str:
        self.uploads.append(await upload(self.files[blob.digest], blob.media_type))
        return self.uploads[-1][0]


def call(operation: str, kind: str, model: str, output: str, fields: Any, params: Any = None, **more: Any) -> Call:
    return Call(
        attempt="a1", marker="0123456789abcdef0123456789abcdef", provider="x", operation=operation, kind=kind, model=model,
        output=output, params=fields if params is None else params, fields=fields, **more,
    )  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Return a vendor's answer with some of it changed, lost, doubled or put elsewhere."""
    body = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 4))):
        at, to = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
        match draw(st.sampled_from(["cut", "drop", "double", "put", "swap"])):
            case "cut":
                del body[to:]
            case "drop":
                del body[at : min(to, at + 8)]
            case "double":
                body[at:at] = body[at : min(to, at + 40)]
            case "put":
                body[at:at] = draw(
                    st.sampled_from([b"null", b"-1", b"1e999", b"NaN", b"[]", b"{}", b'""', b"\xff", b"\\u0000"])
                )
            case _:
                found = bytes(body)
                values = [b"null", b"true", b"[{}]", b"{}", b"1.5", b'"x"']
                start = found.find(b":", at) + 1
                end = min([n for n in (found.find(b",", start), found.find(b"}", start)) if n > 0], default=start)
                body[start:end] = draw(st.sampled_from(values))
    return bytes(body)


class Sent(msgspec.Struct):
    answer: Answer
    payload: Any
    sending: Any


async def sent(adapter: Adapter, one: Call, files: Any) -> Sent:
    """Send as the engine does; return what lies in the spool then. What the SDK raised is not looked at."""
    payload = await adapter.prepare(one, files)
    spool = bytearray()

    async def nothing(*_: Any) -> None: ...

    passage = Sending(commit=nothing, on_headers=nothing, sink=spool.extend)
    raised = None
    try:
        with sending(passage):
            await adapter.send(one, payload)
    except Exception as error:  # noqa: BLE001 - the phase says what happened
        raised = error
    if passage.status is None:
        raise AssertionError("nothing was answered") from (passage.error or raised)
    assert passage.complete
    return Sent(Answer(passage.status, passage.headers, decoded(passage.headers, bytes(spool))), payload, passage)
