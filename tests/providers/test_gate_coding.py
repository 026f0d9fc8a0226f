from __future__ import annotations

import gzip
import zlib

import pytest

from dagcontent.errors import ProviderError
from dagcontent.providers.once import decoded


def _raw_deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return made.compress(data) + made.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("", b"hello" * 99),
        ("identity", b"hello" * 99),
        ("gzip", gzip.compress(b"hello" * 99, mtime=0)),
        ("X-GZIP", gzip.compress(b"hello" * 50, mtime=0) + gzip.compress(b"hello" * 49, mtime=0) + b"\0\0"),
        ("deflate", zlib.compress(b"hello" * 99)),
        ("deflate", _raw_deflate(b"hello" * 99)),
        ("deflate, gzip", gzip.compress(zlib.compress(b"hello" * 99), mtime=0)),
    ],
)
def test_codings_are_undone(coding: str, body: bytes) -> None:
    """What a server coded although we asked it not to reads as if it had not."""
    assert decoded({"content-encoding": coding}, body) == b"hello" * 99
    assert decoded({"content-encoding": coding}, b"") == b""


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b"hello" * 99, mtime=0)[:-9]),
        ("gzip", b"hello"),
        ("gzip", gzip.compress(bytes(2000), mtime=0)),
        ("deflate", zlib.compress(b"hello") + b"more"),
        ("br", b"hello"),
        ("gzip, gzip, gzip", b"hello"),
    ],
)
def test_what_cannot_be_decoded_is_an_error(coding: str, body: bytes) -> None:
    """Cut, false, unknown, many times over, or larger than anyone wants: an error, and no memory without bound."""
    with pytest.raises(ProviderError, match="cannot be decoded"):
        decoded({"content-encoding": coding}, body, most_bytes=1000)
    assert decoded({"content-encoding": "gzip"}, gzip.compress(bytes(1000)), most_bytes=1000) == bytes(1000)
