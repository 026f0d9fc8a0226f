"""The seam between the engine and every local implementation. Knows no keys and no store.

An implementation is a plain function `(call: Call) -> Made`, run in a worker thread. It reads inputs through
`call.path`, writes new files below `call.workdir`, starts programs only through `call.run` (which kills them on
cancel), reports progress through `call.progress`, and raises `NodeError` for what the user can mend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from dagcontent.media.feed import Feed
from dagcontent.values.value import Blob, Value

__all__ = ["Call", "Implementation", "Made", "NewFile", "Registry", "Runner"]


class NewFile:
    """A file an implementation made, with what was measured of it. It becomes a `Blob` when it is committed."""

    __slots__ = ("facts", "media_type", "path", "type")

    def __init__(self, path: Path, type: str, media_type: str, facts: Mapping[str, Any] | None = None) -> None:  # noqa: A002
        self.path = path
        self.type = type
        self.media_type = media_type
        self.facts = dict(facts or {})


class Made(msgspec.Struct, frozen=True):
    """What came of a call: a value whose artifacts are still `NewFile`s, and the versions of the tools used."""

    value: Any
    made_with: dict[str, str] = {}


class Runner(Protocol):
    """Runs one program to its end."""

    def __call__(
        self,
        argv: Sequence[str | Feed],
        *,
        on_line: Callable[[str], None] | None = None,
        stdin: bytes | None = None,
        timeout_s: float | None = None,
    ) -> bytes:
        """Run without a shell and without the caller's secrets in the environment; return what it printed. A feed in the line
        is a file to the program.

        `on_line` gets each line of standard output as it comes (then b"" is returned). Raises NodeError with the
        end of standard error when the program fails, and when the build is cancelled.
        """
        ...


class Call(msgspec.Struct, frozen=True):
    """One local call. `params` hold every parameter of the kind, defaults filled in; artifacts as `Blob`s."""

    kind: str
    model: str  # "" or what follows "local/"
    params: Mapping[str, Value]
    workdir: Path
    path: Callable[[Blob], Path]  # a verified, read-only file with the right suffix
    run: Runner
    progress: Callable[[float], None]  # 0.0 to 1.0
    seed: int | None = None
    threads: int = 1


Implementation = Callable[[Call], Made]


class Registry:
    """(kind, local model) -> implementation."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Implementation] = {}

    def add(self, kind: str, model: str, implementation: Implementation) -> None:
        """Register an implementation; `model` is "" for kinds without one."""
        self._rows[kind, model] = implementation

    def find(self, kind: str, model: str) -> Implementation | None:
        """Return the implementation, or None."""
        return self._rows.get((kind, model))
