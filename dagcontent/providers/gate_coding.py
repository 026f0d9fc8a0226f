"""A body as it came into what it says: content codings undone, up to a size. Knows no vendor and no transport."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

from dagcontent.errors import ProviderError

__all__ = ["DECODED_MOST_BYTES", "decoded"]

DECODED_MOST_BYTES: Final = 1 << 30
_CODINGS_MOST: Final = 2
_GZIP: Final = 16 + zlib.MAX_WBITS


def decoded(headers: Mapping[str, str], body: bytes, most_bytes: int = DECODED_MOST_BYTES) -> bytes:
    """Undo the codings that `content-encoding` names: gzip, deflate, identity. `headers` have lower-case names.

    We ask for identity, and not every server listens. Raises ProviderError for a coding we do not know, for bytes that
    are not in it or end too early, and for more than `most_bytes` of content.
    """
    named = [coding.strip().lower() for coding in headers.get("content-encoding", "").split(",")]
    codings = [coding for coding in named if coding not in {"", "identity"}]
    if not body:
        return body
    if len(codings) > _CODINGS_MOST:
        raise _unreadable(headers, f"it is coded {len(codings)} times")
    for coding in reversed(codings):
        try:
            body = _undone(coding, body, most_bytes)
        except _Unreadable as error:
            raise _unreadable(headers, str(error)) from None
        except zlib.error as error:
            raise _unreadable(headers, f"its bytes are not {coding}: {error}") from None
    return body


class _Unreadable(Exception):  # noqa: N818 - internal: becomes a ProviderError at once
    pass


def _undone(coding: str, body: bytes, most_bytes: int) -> bytes:
    if coding in {"gzip", "x-gzip"}:
        return _inflated(body, _GZIP, most_bytes)
    if coding == "deflate":
        # The standard means zlib's form; some servers send the bare stream. Their first bytes differ.
        zlib_form = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
        return _inflated(body, zlib.MAX_WBITS if zlib_form else -zlib.MAX_WBITS, most_bytes)
    raise _Unreadable("this coding is not known")


def _inflated(body: bytes, wbits: int, most_bytes: int) -> bytes:
    """Inflate one stream after the other: gzip may have many."""
    out = bytearray()
    rest = body
    while rest:
        stream = zlib.decompressobj(wbits)
        out += stream.decompress(rest, most_bytes - len(out) + 1)
        if len(out) > most_bytes:
            raise _Unreadable(f"it holds more than {most_bytes} bytes")
        if not stream.eof:
            raise _Unreadable("it ends too early")
        rest = stream.unused_data
        if wbits != _GZIP and rest:
            raise _Unreadable("something follows its end")
        rest = rest.lstrip(b"\0") if wbits == _GZIP else rest  # padding
    return bytes(out)


def _unreadable(headers: Mapping[str, str], reason: str) -> ProviderError:
    return ProviderError(
        "an answer's body cannot be decoded",
        facts=[("content-encoding", headers.get("content-encoding", "")), ("reason", reason)],
        hint="its bytes are kept as they came: dagcontent jobs show ATTEMPT",
    )
