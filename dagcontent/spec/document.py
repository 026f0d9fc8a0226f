"""Turn a path into the tables of a TOML file, guarded and hashed. Knows no key of the graph language."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from typing import Any

import tomli

from dagcontent.errors import ConfigError
from dagcontent.spec.findings import Findings
from dagcontent.spec.guard import MAX_BYTES, guard
from dagcontent.spec.source import Source

__all__ = ["Files", "Read", "read_file"]

Read = Callable[[str], bytes]
"""Returns the bytes of a file; raises OSError."""


def read_file(path: str) -> bytes:
    """Read a regular file of at most the guard's limit (one byte more shows that it is longer)."""
    if os.path.exists(path) and not os.path.isfile(path):
        text = "not a file"
        raise OSError(text)
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


class Files:
    """Every file of one load, by index: graph, includes, templates."""

    def __init__(self, read: Read, findings: Findings, given: str) -> None:
        self.graph = os.path.abspath(given)
        self.sources: list[Source] = []
        self.digests: list[tuple[str, str]] = []
        self.looked: dict[str, tuple[str, str] | None] = {}  # path -> what is wrong with it
        self._given = given
        self._read = read
        self._findings = findings
        self._index: dict[str, int] = {}
        self._tables: dict[str, tuple[int, dict[str, Any] | None]] = {}

    def index(self, path: str) -> int | None:
        """Return the index of a file that was read before."""
        return self._index.get(path)

    def bytes_of(self, path: str) -> bytes:
        """Read a file and remember its digest. Raises OSError."""
        data = self._read(path)
        self.digests.append((path, hashlib.sha256(data).hexdigest()))
        return data

    def text(self, path: str, data: bytes) -> tuple[int, str]:
        """Add a file that is text; its mistakes as text are noted. Returns its index."""
        text, refused = guard(data, toml=False)
        index = self._add(path, text)
        if refused is not None:
            span = (refused.start, refused.end)
            self._findings.add(index, span, refused.message, caret=refused.hint)
        return index, text

    def tables(self, path: str) -> tuple[int, dict[str, Any] | None]:
        """Return the index and the tables of a file of the graph language, read once however many graphs it is a part of.

        Raises OSError, ValueError where it cannot be read.
        """
        if path not in self._tables:
            self._tables[path] = self.toml(path, self.bytes_of(path))
        return self._tables[path]

    def shown(self, path: str) -> str:
        """Return how a file is named on a screen: relative to where the graph was given."""
        if path == self.graph:
            return self._given
        return os.path.join(os.path.dirname(self._given), os.path.relpath(path, os.path.dirname(self.graph)))

    def toml(self, path: str, data: bytes) -> tuple[int, dict[str, Any] | None]:
        """Add a file that is TOML. Returns its index and its tables; None where it cannot be parsed: noted."""
        text, refused = guard(data)
        index = self._add(path, text)
        if refused is not None:
            self._findings.add(index, (refused.start, refused.end), refused.message, caret=refused.hint)
            return index, None
        try:
            return index, tomli.loads(text)
        except tomli.TOMLDecodeError as error:
            from dagcontent.spec.syntax import explain  # noqa: PLC0415 - only a broken file needs it

            self._findings.note(explain(index, text, error.msg, error.pos))
        except (RecursionError, ValueError) as error:
            # The guard's limits are below the parser's; should they ever not be, it is still one clear message.
            self._findings.add(index, (0, 0), f"this file cannot be parsed: {error}")
        return index, None

    def first(self, text: str | None) -> bytes:
        """Return the bytes of the graph itself, from `text` where it is given. Raises ConfigError."""
        if text is not None:
            data = text.encode("utf-8", "surrogatepass")
            self.digests.append((self.graph, hashlib.sha256(data).hexdigest()))
            return data
        try:
            return self.bytes_of(self.graph)
        except (OSError, ValueError) as error:
            message = f"{self._given} cannot be read: {getattr(error, 'strerror', None) or error}"
            raise ConfigError(message, hint="give the path of a graph file, as graph.toml") from None

    def _add(self, path: str, text: str) -> int:
        self.sources.append(Source(path, text, self.shown(path)))
        self._index[path] = len(self.sources) - 1
        return len(self.sources) - 1
