"""Turn a file's first bytes into its type. Knows no decoder.

We look ourselves, because a decoder that guesses can be led: a playlist that is named `.mp4` is read as a playlist.
What is not listed here is not media, whatever its name says.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["DEMUXERS", "SUFFIXES", "sniff"]

DEMUXERS: Final = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/mp4": "mov",
    "video/mp4": "mov",
    "video/quicktime": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "image/png": "png_pipe",
    "image/jpeg": "jpeg_pipe",
    "image/gif": "gif",
    "text/x-ffmetadata": "ffmetadata",
}
"""Media type -> the one demuxer that ffmpeg and PyAV are allowed to use for it."""

SUFFIXES: Final = {
    "image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "image/gif": ".gif",
    "audio/wav": ".wav", "audio/mpeg": ".mp3", "audio/flac": ".flac", "audio/ogg": ".opus", "audio/mp4": ".m4a",
    "video/mp4": ".mp4", "video/quicktime": ".mov", "video/webm": ".webm", "video/x-matroska": ".mkv",
    "application/x-subrip": ".srt", "text/vtt": ".vtt", "text/x-ssa": ".ass", "application/pdf": ".pdf",
}  # fmt: skip
"""Media type -> file name ending."""

_HEAD_BYTES = 4096
_BRANDS_AUDIO = (b"M4A ", b"M4B ")
_BRANDS_IMAGE = (b"heic", b"heix", b"avif", b"avis", b"mif1", b"msf1")


def sniff(path: Path) -> tuple[str, str] | None:
    """Return (type, media type), or None for what is not media we read. Raises OSError as `open` does."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return _fixed(head) or _boxes(head) or _sound_frames(head) or _words(head)


def _fixed(head: bytes) -> tuple[str, str] | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image", "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image", "image/jpeg"
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "image", "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image", "image/webp"
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "audio", "audio/wav"
    if head.startswith(b"fLaC"):
        return "audio", "audio/flac"
    if head.startswith(b"OggS"):
        # A Theora stream would be a video; nothing here makes or takes one.
        return None if b"theora" in head[:128] else ("audio", "audio/ogg")
    if head.startswith(b"\x1aE\xdf\xa3"):
        return ("video", "video/webm") if b"webm" in head[:64] else ("video", "video/x-matroska")
    if head.startswith(b"%PDF-"):
        return "document", "application/pdf"
    return None


def _boxes(head: bytes) -> tuple[str, str] | None:
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in _BRANDS_AUDIO:
            return "audio", "audio/mp4"
        if brand in _BRANDS_IMAGE:
            return None
        return ("video", "video/quicktime") if brand == b"qt  " else ("video", "video/mp4")
    # Old QuickTime files begin with another box.
    return ("video", "video/quicktime") if head[4:8] in (b"moov", b"mdat", b"wide") else None


def _sound_frames(head: bytes) -> tuple[str, str] | None:
    if head.startswith(b"ID3"):
        return "audio", "audio/mpeg"
    # 11 bits of sync, a version, layer 3 (or 2), a bit rate and a sample rate that exist.
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
        if version != 1 and layer in (1, 2) and head[2] >> 4 not in (0, 15) and head[2] >> 2 & 3 != 3:
            return "audio", "audio/mpeg"
    return None


def _words(head: bytes) -> tuple[str, str] | None:
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return None
        text = head[: error.start].decode("utf-8-sig", "ignore")
    start = text.lstrip()
    if start.startswith("WEBVTT"):
        return "subtitles", "text/vtt"
    if start.lower().startswith("[script info]"):
        return "subtitles", "text/x-ssa"
    lines = [line.strip() for line in start.splitlines()[:2]]
    if len(lines) == 2 and lines[0].isdigit() and " --> " in lines[1]:
        return "subtitles", "application/x-subrip"
    return None
