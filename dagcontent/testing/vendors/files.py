"""A kept file and a request for it into an answer, whole or a range. Knows no vendor."""

from __future__ import annotations

import hashlib
import re

from dagcontent.testing.vendors.realm import Kept
from dagcontent.testing.vendors.vendor import Exchange
from dagcontent.testing.vendors.wire import Response

__all__ = ["served"]

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def served(exchange: Exchange, kept: Kept) -> Response:
    """Return a file, or the one range of it that is asked for."""
    request = exchange.request
    data = exchange.media(kept.data)
    tag = f'"{hashlib.sha256(kept.data).hexdigest()[:16]}"'
    headers = [
        ("Content-Type", kept.media_type or "application/octet-stream"),
        ("ETag", tag),
        ("Accept-Ranges", "bytes"),
    ]
    found = _RANGE.fullmatch(request.header("range"))
    if found is None or found[0] == "bytes=-" or request.header("if-range", tag) != tag:
        return Response(headers=headers, body=data)
    if not found[1]:
        start, end = max(0, len(data) - int(found[2])), len(data) - 1
    else:
        start, end = int(found[1]), min(len(data) - 1, int(found[2] or len(data) - 1))
    if start > end:
        return Response(status=416, headers=[("Content-Range", f"bytes */{len(data)}")])
    headers.append(("Content-Range", f"bytes {start}-{end}/{len(data)}"))
    return Response(status=206, headers=headers, body=data[start : end + 1])
