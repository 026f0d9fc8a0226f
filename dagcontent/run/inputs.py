"""The artifacts of an action into files that an implementation reads. Knows no function and no concrete store.

A file is named as the person who wrote the graph would name it: a file beside the graph by its own name, anything else by
the parameter that it stands in, with its place in a list from 1. Messages about a file are then understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from dagcontent.errors import InternalError
from dagcontent.plan.action import Action
from dagcontent.values.value import Blob, blobs_in

__all__ = ["SUFFIXES", "Inputs", "Verified"]

SUFFIXES: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
    "audio/opus": ".opus",
    "audio/mp4": ".m4a",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "video/x-matroska": ".mkv",
    "application/x-subrip": ".srt",
    "text/vtt": ".vtt",
    "text/x-ssa": ".ass",
    "text/x-ass": ".ass",
    "application/pdf": ".pdf",
}
"""File name endings by media type."""


_NAME_MAX: Final = 60


class Verified(Protocol):
    """Where bytes are kept."""

    def verified_path(self, blob: Blob) -> Path:
        """Return a read-only file whose bytes were checked. Raises LostBlob."""
        ...


class Inputs:
    """The input files of one action: links with the right ending, made when first asked for.

    All are verified before the call begins, so that a lost one is found before work is done.
    """

    def __init__(self, artifacts: Verified, folder: Path, action: Action) -> None:
        self._folder = folder / "inputs"
        self._links: dict[str, Path] = {}
        self._names: dict[str, str] = {}
        self._paths: dict[str, Path] = {}
        for blob, name in _named(action):
            self._names.setdefault(blob.digest, name)
            if blob.digest not in self._paths:
                self._paths[blob.digest] = artifacts.verified_path(blob)

    def path(self, blob: Blob) -> Path:
        """Return the file of an input."""
        known = self._links.get(blob.digest)
        if known is not None:
            return known
        source = self._paths.get(blob.digest)
        if source is None:
            text = f"an implementation asked for {blob.digest[:12]}, which is no input of its call"
            raise InternalError(text)
        self._folder.mkdir(exist_ok=True)
        link = self._free(self._names[blob.digest], SUFFIXES.get(blob.media_type, ""))
        link.symlink_to(source)
        self._links[blob.digest] = link
        return link

    def _free(self, name: str, suffix: str) -> Path:
        taken = {path.name.casefold() for path in self._links.values()}
        tried, count = f"{name}{suffix}", 1
        while tried.casefold() in taken:
            count += 1
            tried = f"{name}~{count}{suffix}"
        return self._folder / tried


def _named(action: Action) -> Iterator[tuple[Blob, str]]:
    for name, value in action.params.items():
        for number, blob in enumerate(blobs_in(value), start=1):
            yield blob, _stem(blob.name or "") or (f"{name}-{number}" if isinstance(value, list) else name)


def _stem(path: str) -> str:
    """Return a file's name without its ending, of letters that mean nothing to any program."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", Path(path).stem).strip("-.")[:_NAME_MAX]
