"""Calls of implementations into lines of a file that outlives every crash. Knows no graph and no store.

A line is written before the call begins: what is in the ledger twice was run twice, whatever became of it.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from dagcontent.media.call import Call, Implementation, Made, Registry
from dagcontent.values.value import Blob, Value

__all__ = ["CountedRegistry", "Ledger", "call_identity"]


class Ledger:
    """A file of calls that several processes may write to at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, line: str) -> None:
        """Append a line, whole."""
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, line.encode() + b"\n")
        finally:
            os.close(descriptor)

    def read(self) -> Counter[str]:
        """Return every line with how often it was written."""
        return Counter(self.path.read_text(encoding="utf-8").splitlines()) if self.path.exists() else Counter()


class CountedRegistry(Registry):
    """Another registry's implementations, each call noted in a ledger before it is made."""

    def __init__(self, registry: Registry, ledger: Ledger) -> None:
        super().__init__()
        self._inner = registry
        self._ledger = ledger

    def find(self, kind: str, model: str) -> Implementation | None:
        """Return the implementation with its note, or None."""
        found = super().find(kind, model) or self._inner.find(kind, model)
        if found is None:
            return None
        implementation = found

        def noted(call: Call) -> Made:
            self._ledger.note(call_identity(call.kind, call.model, call.params))
            return implementation(call)

        return noted


def call_identity(kind: str, model: str, params: Mapping[str, Value]) -> str:
    """Return one line that two calls share if and only if they mean the same. `params` complete, defaults filled in."""
    return json.dumps(
        [kind, model.removeprefix("local/"), dict(params)], sort_keys=True, default=_named, ensure_ascii=False
    )


def _named(value: object) -> str:
    if isinstance(value, Blob):
        return f"{value.type}:{value.digest}"
    text = f"{type(value).__name__} cannot be a parameter"
    raise TypeError(text)
