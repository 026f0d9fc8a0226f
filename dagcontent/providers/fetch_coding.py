"""What a file came as into its bytes: gzip a piece at a time, and data URLs. Knows no connection."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from dagcontent.providers.inline import from_data_url

__all__ = ["MEDIA_TYPE", "Gzip", "data_url_bytes"]

MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
PIECE_BYTES: Final = 1 << 20


class Gzip:
    """Decode gzip a megabyte at most at a time, however much it unfolds to."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._begun = False

    @property
    def whole(self) -> bool:
        """Whether what came so far ends where a member ends."""
        return self._stream.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what a chunk unfolds to. Raises zlib.error."""
        while True:
            if self._stream.eof:
                data = data.lstrip(b"\0")
                if not data:
                    return
                self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
            piece = self._stream.decompress(data, PIECE_BYTES)
            if piece:
                yield piece
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            if not data and len(piece) < PIECE_BYTES:
                return


def data_url_bytes(url: str, vendor: str) -> tuple[bytes, str]:
    """Return a data URL's bytes and media type, in base64 or quoted. Raises ProviderError."""
    head, comma, body = url[5:].partition(",")
    media_type = head.partition(";")[0].strip().lower()
    if comma and not head.lower().endswith(";base64"):
        return unquote_to_bytes(body), media_type if MEDIA_TYPE.fullmatch(media_type) else ""
    return from_data_url(f"data:{head}{comma}{body}", vendor)
