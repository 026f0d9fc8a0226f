"""Polls and lists that are answered with what no vendor should answer with: every adapter has a word for it."""

from __future__ import annotations

import contextlib
import gzip
import itertools
from collections.abc import Awaitable, Mapping

import anyio
import anyio.abc
import pytest
from oracle.paid import TABLE, configs

from dagcontent.errors import DagcontentError
from dagcontent.providers.once import Gates
from dagcontent.providers.port import Adapter, Call, Failure, Result, Waiting
from dagcontent.providers.registry import VENDORS, make
from dagcontent.values.attempt import Handle

DEEP = b"[" * 100_000 + b"]" * 100_000
BODIES: Mapping[str, tuple[bytes, str]] = {
    "deep": (DEEP, ""),
    "deep object": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, ""),
    "no text": (b'{"status": "\xff\xfe"}', ""),
    "number": (b"7", ""),
    "null": (b"null", ""),
    "list": (b"[null]", ""),
    "wide": (b'{"status": 1' + b"0" * 5_000 + b"}", ""),
    "odd types": (b'{"status": {"a": []}, "id": 7, "history": 3, "data": 5, "items": {}, "dubs": 1, "name": []}', ""),
    "no gzip": (b"this is not gzip", "gzip"),
    "half gzip": (gzip.compress(b'{"status": "queued"}' * 100)[:40], "gzip"),
    "unknown coding": (b"{}", "br, zstd, odd"),
    "empty": (b"", ""),
}
HANDLES: Mapping[str, Handle] = {
    "fal-queue-image": Handle({"request_id": "r-1", "app": "fal-ai/flux/dev"}),
    "openai-chat": Handle({"completion": "c-1"}),
    "elevenlabs-speech": Handle({"history_item_id": "h1"}),
    "elevenlabs-dubbing": Handle({"dubbing_id": "d1"}),
    "elevenlabs-flows.image": Handle({"id": "f1"}),
    "google-interactions.video": Handle({"interaction": "i1"}),
    "openrouter-videos": Handle({"video": "v1"}),
}


class Odd:
    """A server that answers everything with one body, until it is given another."""

    def __init__(self) -> None:
        self.answer = b""

    def give(self, body: bytes, coding: str, status: int) -> None:
        """Answer so from now on."""
        head = f"HTTP/1.1 {status} Odd\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
        self.answer = (head + (f"content-encoding: {coding}\r\n\r\n" if coding else "\r\n")).encode() + body

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        """Read a request's head, and answer."""
        with contextlib.suppress(anyio.BrokenResourceError, anyio.EndOfStream):
            async with stream:
                data = b""
                while b"\r\n\r\n" not in data:
                    data += await stream.receive()
                await stream.send(self.answer)


@pytest.mark.parametrize("name", HANDLES)
def test_an_odd_answer_is_an_error_that_is_known(name: str) -> None:
    """A poll and a search end with an outcome, an error of ours, or one that the adapter can word; no other passes."""
    row, odd = TABLE[name], Odd()
    call = Call(
        attempt="a", marker="0" * 32, provider=row.vendor, operation=row.operation, kind=row.kind, model=row.model,
        output=row.output, params={"text": "x", "prompt": "x"}, fields={"text": "x", "voice_id": "v" * 20},
    )  # fmt: skip

    async def work() -> list[str]:
        unknown: list[str] = []
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        base = f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"  # noqa: S610 - of anyio
        made = configs(dict.fromkeys(VENDORS, base), lambda vendor: f"key-of-{vendor}", {})[row.vendor]
        gates = Gates()
        adapter = make(made, gates)
        async with listener, anyio.create_task_group() as group:
            group.start_soon(listener.serve, odd.serve)
            for (what, (body, coding)), status in itertools.product(BODIES.items(), (200, 404, 500)):
                odd.give(body, coding, status)
                found = [await said(adapter, adapter.poll(call, HANDLES[name]))]
                found.append(await said(adapter, adapter.find(call, "0" * 64, 0, 10**12)))
                unknown += [f"{what}, {status}: {text}" for text in found if text]
            group.cancel_scope.cancel()
        await adapter.close()
        await gates.aclose()
        return unknown

    assert anyio.run(work) == []


async def said(adapter: Adapter, asking: Awaitable[object]) -> str:
    """Return the error of a question that nobody has a word for; empty if there is none."""
    try:
        found = await asking
    except DagcontentError:
        return ""
    except Exception as error:  # noqa: BLE001 - which ones come is the question
        return "" if adapter.fault(error) is not None else f"{type(error).__name__}: {error}"[:200]
    assert isinstance(found, Waiting | Result | Failure | list)
    return ""
