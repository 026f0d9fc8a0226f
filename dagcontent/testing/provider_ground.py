"""An adapter into one that runs on watched ground: how often the gate was asked, and what came on the wire. Knows no vendor."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.once import GateRefused, Gates, Sending, decoded, sending
from dagcontent.providers.port import Adapter, Answer, Call, Operation
from dagcontent.providers.secret import Secret
from dagcontent.testing.wiretap import READING, Wiretap
from dagcontent.values.value import Blob

__all__ = ["PATIENCE_S", "Factory", "Ground", "Inputs", "Sent", "that"]

Factory = Callable[[ProviderConfig, Gates], Adapter]
T = TypeVar("T")

PATIENCE_S: Final = 30.0
"""How long the suite waits for anything."""


class Inputs:
    """The files of a case. Uploads are made once, as the engine makes them."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._places: dict[str, str] = {}

    def read(self, blob: Blob) -> bytes:
        """Return a file's bytes."""
        return self._files[blob.digest]

    async def uploaded(self, blob: Blob, upload: Callable[[bytes, str], Awaitable[tuple[str, int]]]) -> str:
        """Return where a file was put, now or before."""
        if blob.digest not in self._places:
            self._places[blob.digest], _until = await upload(self._files[blob.digest], blob.media_type)
        return self._places[blob.digest]


class Sent(msgspec.Struct):
    """One send: how far it came, what was spooled, how often the gate was asked, and what came on the wire."""

    passage: Sending
    body: bytes
    asked: int
    methods: list[str]
    error: Exception | None

    @property
    def answer(self) -> Answer:
        """What the engine would give to `read`."""
        assert self.passage.status is not None
        return Answer(self.passage.status, self.passage.headers, decoded(self.passage.headers, self.body))


class Ground:
    """Where adapters are made, each with fresh gates that lead to the wiretap."""

    def __init__(
        self,
        name: str,
        factory: Factory,
        operations: Mapping[str, Operation],
        tap: Wiretap,
        key: str,
        bounds: Mapping[str, float],
    ) -> None:
        self._name = name
        self._factory = factory
        self._operations = operations
        self._tap = tap
        self._key = key
        self._bounds = bounds
        self._what = ""
        self._asked = 0

    async def _send(self, it: Adapter, call: Call, payload: Mapping[str, Any]) -> Sent:
        spool = bytearray()

        async def nothing(*_: object) -> None: ...

        passage = Sending(commit=nothing, on_headers=nothing, sink=spool.extend)
        before, asked, error = len(self._tap.seen), self._asked, None
        patience = asyncio.timeout(PATIENCE_S)
        try:
            async with patience:
                with sending(passage):
                    await it.send(call, payload)
        except Exception as raised:  # noqa: BLE001 - what happened is read from the phase, as in the engine
            error = raised
        self.that(not patience.expired(), f"`send` does not end within {PATIENCE_S:g} s")
        methods = [one.method for one in self._tap.seen[before:]]
        return Sent(passage, bytes(spool), self._asked - asked, methods, error)

    def _run(
        self,
        body: Callable[[Adapter], Awaitable[T]],
        *,
        key: str | None = None,
        bounds: Mapping[str, float] | None = None,
    ) -> T:
        """Run with a fresh adapter over fresh gates, in an event loop of its own."""

        def asked(_host: str) -> bool:
            self._asked += 1
            return True

        async def inside() -> T:
            gates = Gates(allow=asked)
            secret = Secret(key or self._key, "CONFORMANCE_KEY", [self._tap.host])
            config = ProviderConfig(
                name=self._name, base_url=self._tap.base_url, key=secret, bounds=bounds or self._bounds
            )
            it = self._factory(config, gates)
            try:
                return await body(it)
            finally:
                await it.close()
                await gates.aclose()

        return asyncio.run(inside())

    def _only_reads(self, body: Callable[[Adapter], Awaitable[T]], what: str) -> T:
        """Run what may cost nothing."""
        before, asked = len(self._tap.seen), self._asked
        try:
            found = self._run(body)
        except GateRefused as error:
            raise AssertionError(f"{self._what}: {what} tried what costs money: {error}") from error
        methods = [one.method for one in self._tap.seen[before:]]
        others = sorted(set(methods) - READING)
        self.that(not others, f"{what} sends {', '.join(others)}")
        self.that(self._asked - asked >= len(methods), f"{what} went past the gate")
        return found

    def _keyless(self, value: Any, what: str) -> None:
        self.that(self._key not in repr(value) and self._key not in _json(value), f"the key is in {what}")

    def _unleaked_on_the_wire(self) -> None:
        for one in self._tap.seen:
            where = f"{one.method} {one.target.partition('?')[0]}"
            self.that(self._key not in one.target, f"the key is in the address of {where}")
            self.that(self._key.encode() not in one.body, f"the key is in the body of {where}")

    def _plain(self, value: Any, what: str) -> None:
        if isinstance(value, Mapping):
            for name, item in value.items():
                self.that(isinstance(name, str), f"{what} has a name that is no text: {name!r}")
                self._plain(item, what)
        elif isinstance(value, list | tuple):
            for item in value:
                self._plain(item, what)
        else:
            plain = value is None or isinstance(value, str | int | float | bool | bytes | Blob)
            self.that(plain, f"{what} holds a {type(value).__name__}, which is no plain data")

    def that(self, holds: bool, text: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Raise AssertionError, with what is looked at, if it does not hold."""
        that(holds, f"{self._what}: {text}")


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value, enc_hook=repr).decode("utf-8", "replace")
    except (TypeError, ValueError, NotImplementedError):
        return ""


def that(holds: bool, text: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Raise AssertionError if it does not hold."""
    if not holds:
        raise AssertionError(text)
