"""Turn a value into canonical bytes: equal bytes if and only if equal meaning. Knows no kind and no file.

Theory. Typed and length-prefixed, so that the encoding is injective: `1`, `1.0`, `"1"` and `true` differ, and no
concatenation of parts can be read as other parts. Tables are sorted by their keys' encodings.
A list or table whose encoding passes 1 KiB enters its parent by digest, so that ten thousand instances which
share one long list hash it once (`Encoder` remembers containers by identity; values are never changed).

    n t f                      None, True, False
    i<decimal>;                an integer
    d<8 bytes>                 a float, IEEE 754 big-endian, -0.0 as 0.0; NaN and infinities are refused
    s<length>:<utf-8>          text, as it is (no normalisation: a prompt is data)
    b<32 bytes>                an artifact, by digest
    c<32 bytes><table>         an artifact whose carried facts matter to the kind
    l<count>:<items>           a list
    m<count>:<text value ...>  a table
    D<32 bytes>                SHA-256 of a longer list's or table's encoding
"""

from __future__ import annotations

import hashlib
import math
import struct

from dagcontent.errors import InternalError, NodeError
from dagcontent.values.value import CARRIED_FACTS, Blob, Value

__all__ = ["BY_DIGEST_ABOVE_BYTES", "Encoder"]

BY_DIGEST_ABOVE_BYTES = 1024
_REMEMBER_FROM_BYTES = 256


class Encoder:
    """Canonical encoder with a memory of large containers. One per resolver; not for two threads at once."""

    def __init__(self) -> None:
        # id -> (object, bytes): the object is kept so that its id cannot be used again.
        self._seen: tuple[dict[int, tuple[object, bytes]], dict[int, tuple[object, bytes]]] = ({}, {})

    def encode(self, value: Value, *, carry: bool = False) -> bytes:
        """Return canonical bytes; with `carry`, carried facts of artifacts take part.

        Raises NodeError for NaN and infinities: no request can say them.
        """
        # Most frequent first. bool before int: it is one.
        if isinstance(value, str):
            data = value.encode("utf-8", "surrogatepass")
            return b"s%d:%b" % (len(data), data)
        if isinstance(value, Blob):
            return self._blob(value, carry=carry)
        if value is None:
            return b"n"
        if value is True:
            return b"t"
        if value is False:
            return b"f"
        if isinstance(value, int):
            return b"i%d;" % value
        if isinstance(value, float):
            return b"d" + _float_bytes(value)
        if isinstance(value, list | dict):
            return self._container(value, carry=carry)
        text = f"{value!r} has no canonical form"
        raise InternalError(text)

    def _blob(self, blob: Blob, *, carry: bool) -> bytes:
        digest = bytes.fromhex(blob.digest)
        if carry:
            facts: dict[str, Value] = {k: blob.facts[k] for k in CARRIED_FACTS if k in blob.facts}
            if facts:
                return b"c" + digest + self.encode(facts)
        return b"b" + digest

    def _container(self, value: list[Value] | dict[str, Value], *, carry: bool) -> bytes:
        seen = self._seen[carry]
        known = seen.get(id(value))
        if known is not None:
            return known[1]
        if isinstance(value, list):
            body = b"".join([self.encode(item, carry=carry) for item in value])
            data = b"l%d:%b" % (len(value), body)
        else:
            rows = sorted((self.encode(key), item) for key, item in value.items())
            body = b"".join([key + self.encode(item, carry=carry) for key, item in rows])
            data = b"m%d:%b" % (len(value), body)
        size = len(data)
        if size > BY_DIGEST_ABOVE_BYTES:
            data = b"D" + hashlib.sha256(data).digest()
        if size >= _REMEMBER_FROM_BYTES:
            seen[id(value)] = (value, data)
        return data


def _float_bytes(value: float) -> bytes:
    if not math.isfinite(value):
        text = f"{value} is not a number that a request can carry"
        raise NodeError(text, hint="give a finite number")
    return struct.pack(">d", value + 0.0)  # + 0.0 turns -0.0 into 0.0
