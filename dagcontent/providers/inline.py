"""Files into data URLs and back: what is sent and answered within JSON. Knows no vendor."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

from dagcontent.errors import ProviderError

__all__ = ["data_url", "decoded", "file_name", "from_data_url"]

_DATA_URL: Final = re.compile(r"data:([A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+)?((?:;[^,;]*)*),")

_ENDINGS: Final = {
    "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif",
    "audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/flac": "flac", "audio/ogg": "ogg",
    "audio/opus": "ogg", "audio/mp4": "m4a", "audio/webm": "webm",
    "video/mp4": "mp4", "video/webm": "webm", "video/quicktime": "mov", "video/x-matroska": "mkv",
    "application/pdf": "pdf",
}  # fmt: skip


def file_name(stem: str, media_type: str) -> str:
    """Return a name whose ending says what the file is: vendors look at the ending."""
    return f"{stem}.{_ENDINGS.get(media_type, 'bin')}"


def data_url(data: bytes, media_type: str) -> str:
    """Return a file as a data URL, a third longer than the file."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


def decoded(text: Any, vendor: str) -> bytes:
    """Return what base64 stands for. Raises ProviderError for anything else, and for nothing."""
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise ProviderError(f"{vendor} answered with a file that is no base64")
    return data


def from_data_url(url: str, vendor: str) -> tuple[bytes, str]:
    """Return a data URL's bytes and media type, empty if it names none. Raises ProviderError for what is no such URL."""
    found = _DATA_URL.match(url)
    if found is None or ";base64" not in (found[2] or ""):
        raise ProviderError(f"{vendor} answered with a data URL that cannot be read")
    return decoded(url[found.end() :], vendor), found[1] or ""
