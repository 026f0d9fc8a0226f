"""A vendor's answer into damaged ones, and into answers that no vendor writes. Knows no vendor."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

from dagcontent.providers.port import Answer

__all__ = ["damaged", "strange_answers"]

_STRANGE: Final = (
    b"", b"{}", b"[]", b"null", b"true", b"12", b'"text"', b"<html><title>503</title></html>", b'{"ok": true}', b'{"err',
    b"\xff\xfe\x00", b"[" * 5000, b'{"error": {}}', b'{"detail": []}', b'{"data": [null]}',
)  # fmt: skip
"""Bodies that no vendor writes."""
_STATUSES: Final = (200, 201, 204, 302, 400, 401, 402, 403, 404, 408, 409, 413, 422, 425, 429, 500, 502, 503, 504, 599)


def strange_answers() -> Iterator[Answer]:
    """Yield answers of every status with bodies that no vendor writes: nothing of them may be taken for its word."""
    for status in _STATUSES:
        for body in _STRANGE:
            yield Answer(status, {}, body)
            yield Answer(status, {"content-type": "application/json", "retry-after": "-1e999"}, body)


def damaged(body: bytes, chance: random.Random) -> bytes:
    """Return an answer with some of it cut off, lost, doubled or replaced."""
    made = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        at, to = sorted((chance.randint(0, len(made)), chance.randint(0, len(made))))
        way = chance.randrange(5)
        if way == 0:
            del made[to:]
        elif way == 1:
            del made[at : min(to, at + 8)]
        elif way == 2:
            made[at:at] = made[at : min(to, at + 40)]
        elif way == 3:
            made[at:at] = chance.choice([b"null", b"-1", b"1e999", b"NaN", b"[]", b"{}", b'""', b"\xff", b"\\u0000"])
        else:
            start = made.find(b":", at) + 1
            ends = [n for n in (made.find(b",", start), made.find(b"}", start)) if n > 0]
            made[start : min(ends, default=start)] = chance.choice([b"null", b"[{}]", b"{}", b"1.5", b'"x"'])
    return bytes(made)
