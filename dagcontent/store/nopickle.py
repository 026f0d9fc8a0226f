"""Turn diskcache's rows into text keys and plain bytes, and nothing else. Knows no file.

diskcache unpickles what its rows tell it to, and reads or removes the file that a row names: whoever can write to its folder
runs code and deletes files with the rights of whoever reads it (CVE-2025-69872; there is no release with a cure). Here every way into
pickle, and every file name out of a row, raises instead.
"""

from __future__ import annotations

from typing import Any

import diskcache
from diskcache.core import MODE_RAW

__all__ = ["HostileRowError", "NoPickleDisk", "diskcache"]


class HostileRowError(ValueError):
    """A row asks for what we never wrote: a pickle, a file, another type."""


class NoPickleDisk(diskcache.Disk):  # type: ignore[misc] # diskcache has no types
    """Text keys, bytes values, all inside the database. The signatures, and `Any`, are diskcache's."""

    def put(self, key: Any) -> tuple[str, bool]:
        """Take text for a key."""
        if type(key) is not str:
            raise HostileRowError(f"a key is {type(key).__name__}, not text")
        return key, True

    def get(self, key: Any, raw: Any) -> str:
        """Give a key back; a key that was not stored as text is not ours."""
        if raw != 1 or type(key) is not str:
            raise HostileRowError("a row's key is not text")
        return key

    def store(self, value: Any, read: Any, key: Any = None) -> tuple[int, int, None, bytes]:  # noqa: ARG002
        """Take bytes for a value; they never become a file."""
        if type(value) is not bytes or read:
            raise HostileRowError(f"a value is {type(value).__name__}, not bytes")
        return 0, MODE_RAW, None, value

    def fetch(self, mode: Any, filename: Any, value: Any, read: Any) -> bytes:
        """Give a value back; a row that names a file or another form is not ours."""
        if mode != MODE_RAW or filename is not None or read or type(value) is not bytes:
            raise HostileRowError("a row's value is not bytes of the row")
        return value

    def filename(self, key: Any = None, value: Any = None) -> tuple[str, str]:  # noqa: ARG002
        """Refuse: there are no value files."""
        raise HostileRowError("a value would become a file")

    def remove(self, file_path: Any) -> None:  # noqa: ARG002
        """Refuse: a row that names a file to remove is not ours."""
        raise HostileRowError("a row names a file to remove")
