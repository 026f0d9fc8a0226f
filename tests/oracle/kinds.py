"""Kinds that cost nothing to run: what each is declared as, and what it makes, as one small function. Knows no engine.

The functions are what the oracle calls; `registry` gives them to a build, through the seam that every local kind uses.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.media.call import Call, Made, NewFile, Registry
from dagcontent.values.types import ANY, AUDIO, INTEGER, JSON, NUMBER, TEXT, list_of
from dagcontent.values.value import Blob, blobs_in

_TEXT = Param("text", TEXT, "a text", required=True)
Read = Callable[[Blob], bytes]


class Fail(Exception):
    """What a stub raises: this call cannot succeed."""


def _echo(p: Mapping[str, Any], read: Read) -> Any:
    return f"<{p['text']}|{p.get('extra', '')}|{p['times']}>"


def _upper(p: Mapping[str, Any], read: Read) -> Any:
    return p["text"].upper()


def _modulo(p: Mapping[str, Any], read: Read) -> Any:
    return str(len(p["text"]) % 2)


def _list(p: Mapping[str, Any], read: Read) -> Any:
    return p["text"].split()[:3]


def _table(p: Mapping[str, Any], read: Read) -> Any:
    return {"title": p["text"][:6], "rows": [{"id": w[:4], "text": w} for w in p["text"].split()[:2]]}


def _join(p: Mapping[str, Any], read: Read) -> Any:
    return "+".join(p["parts"])


def _fail(p: Mapping[str, Any], read: Read) -> Any:
    if len(p["text"]) % 3 == 0:
        raise Fail(p["text"])
    return "ok " + p["text"]


def _sound(p: Mapping[str, Any], read: Read) -> Any:
    return b"sound:" + p["text"].encode()


def _listen(p: Mapping[str, Any], read: Read) -> Any:
    return "heard " + "/".join(read(blob).decode() for blob in p["sounds"]) + f" for {p.get('seconds', 0.0)}"


STUBS: dict[str, tuple[Kind, Callable[[Mapping[str, Any], Read], Any]]] = {
    kind.name: (kind, make)
    for kind, make in (
        (Kind("test.echo", "Its text.", (_TEXT, Param("extra", TEXT, "more"), Param("times", INTEGER, "a number", default=1)), TEXT, Effect.LOCAL), _echo),
        (Kind("test.upper", "Its text, loud.", (_TEXT,), TEXT, Effect.LOCAL), _upper),
        (Kind("test.modulo", "Often the same for other texts.", (_TEXT,), TEXT, Effect.LOCAL), _modulo),
        (Kind("test.list", "A list known at run time.", (_TEXT,), list_of(TEXT), Effect.LOCAL), _list),
        (Kind("test.table", "JSON known at run time.", (_TEXT,), JSON, Effect.LOCAL), _table),
        (Kind("test.join", "Texts in a row.", (Param("parts", list_of(TEXT), "texts", required=True),), TEXT, Effect.LOCAL), _join),
        (Kind("test.fail", "Fails for some texts.", (_TEXT,), TEXT, Effect.LOCAL), _fail),
        (Kind("test.sound", "An artifact.", (_TEXT,), AUDIO, Effect.LOCAL, facts=("duration",)), _sound),
        (Kind("test.listen", "Artifacts as inputs.", (Param("sounds", list_of(AUDIO), "artifacts", required=True), Param("seconds", NUMBER, "a number")), TEXT, Effect.LOCAL), _listen),
    )
}  # fmt: skip

LAZY = Kind(
    "test.first", "The first that succeeds.", (Param("of", list_of(TEXT), "alternatives", required=True),), ANY,
    Effect.VALUE, lazy="of",
)  # fmt: skip


def identity(kind: str, model: str, params: Mapping[str, Any]) -> str:
    """Return what one call is, as text: two calls with the same text must never both be run."""
    full = {k: [b.digest for b in blobs_in(v)] or v for k, v in params.items()}
    return json.dumps([kind, model, full], sort_keys=True, ensure_ascii=False)


def made_of(kind: str, params: Mapping[str, Any], read: Read, seed: int | None = None) -> Any:
    """Return what a kind makes: a value, or bytes for an artifact. Raises Fail. Some make another of every seed."""
    made = "generated " + params["prompt"] if kind == "text.generate" else STUBS[kind][1](params, read)
    if seed is None or kind not in {"text.generate", "test.echo", "test.sound"}:
        return made
    return made + (f" {seed % 97}".encode() if isinstance(made, bytes) else f" {seed % 97}")


def seed_of(take: int, reroll: int) -> int | None:
    """Return the seed of a sample of a node that has none itself."""
    digest = hashlib.sha256(f":{take}:{reroll}".encode()).digest()
    return None if (take, reroll) == (0, 0) else int.from_bytes(digest[:4], "big") // 2


def facts_of(data: bytes) -> dict[str, Any]:
    """Return the facts of an artifact."""
    return {"duration_ms": 100 * len(data)}


def registry(called: Callable[[str], None]) -> Registry:
    """Return implementations of all stubs, and of `local/outline`; `called` hears the identity of each call."""

    def run(call: Call) -> Made:
        called(identity(call.kind, f"local/{call.model}" if call.model else "", call.params))
        try:
            made = made_of(call.kind, call.params, lambda blob: call.path(blob).read_bytes(), call.seed)
        except Fail as error:
            raise NodeError(f"cannot do {error}", hint="another text") from None
        if isinstance(made, bytes):
            path = call.workdir / "made.wav"
            path.write_bytes(made)
            made = NewFile(path, "audio", "audio/wav", facts_of(made))
        return Made(made, {"stub": "1"})

    rows = Registry()
    for name in STUBS:
        rows.add(name, "", run)
    rows.add("text.generate", "outline", run)
    return rows
