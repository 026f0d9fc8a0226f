"""What the planner asks of the outside. Knows no implementation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dagcontent.values.attempt import Attempt
from dagcontent.values.record import Record
from dagcontent.values.refusal import Refusal
from dagcontent.values.value import ActionKey, Blob, Value

__all__ = ["Files", "Lookup", "Standing"]


class Standing(Protocol):
    """Why a key without a usable record is not simply bought. `state`: resume, unresolved, repay, abandoned or failed."""

    @property
    def state(self) -> str:
        """How it stands."""
        ...

    @property
    def attempt(self) -> Attempt | None:
        """The attempt on the journal."""
        ...


class Lookup(Protocol):
    """The action cache as the planner sees it."""

    def find(self, key: ActionKey) -> Record | None:
        """Return the record of a key if it can be used: its blobs are there. Cheap; verifies no bytes."""
        ...

    def family(self, kind: str, model: str, limit: int) -> Sequence[Record]:
        """Return up to `limit` records of a kind and model, newest first."""
        ...

    def results(self, instance: str, limit: int) -> Sequence[Record]:
        """Return up to `limit` results that were paid for an instance of this graph, newest first."""
        ...

    def refusal(self, key: ActionKey) -> Refusal | None:
        """Return why a key without a record was refused; None if it was not, and while a request of it is under way."""
        ...

    def standing(self, key: ActionKey) -> Standing | None:
        """Return what was paid for a key without a usable record. Asked for paid actions only."""
        ...


class Files(Protocol):
    """Files beside the graph, read once and known by digest."""

    def artifact(self, path: str, type: str) -> Blob:  # noqa: A002 - the design's word
        """Return a file as an artifact (no facts yet). Raises NodeError if it is missing or not of that type."""
        ...

    def text(self, path: str) -> str:
        """Return a text file: UTF-8 without BOM, lines ended by LF. Raises NodeError."""
        ...

    def matching(self, pattern: str, type: str) -> list[Value]:  # noqa: A002 - the design's word
        """Return the files that match, relative to the graph, sorted by name with numbers as numbers."""
        ...

    def measured(self, blob: Blob) -> Blob:
        """Return the artifact with its facts. Raises NodeError if it cannot be read."""
        ...
