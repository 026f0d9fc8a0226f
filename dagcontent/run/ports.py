"""What a build asks of the outside. Knows no implementation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from dagcontent.plan.action import Action
from dagcontent.plan.passed import Passed
from dagcontent.values.record import Record
from dagcontent.values.value import ActionKey

__all__ = ["ClaimResult", "Commits", "Executor", "LostBlob", "Payer"]


class LostBlob(Exception):  # noqa: N818 - a state, and policy of ours: the maker is run again
    """A stored artifact is missing or damaged."""

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest


class ClaimResult(Protocol):
    """What came of claiming one key."""

    @property
    def key(self) -> str:
        """The key."""
        ...

    @property
    def won(self) -> bool:
        """Whether it is ours."""
        ...

    @property
    def holder(self) -> str:
        """The living run that holds it; empty if it is ours or recorded already."""
        ...


class Commits(Protocol):
    """The action cache as a build sees it: claims and records, shared by all processes."""

    def claim(self, keys: Sequence[ActionKey]) -> Sequence[ClaimResult]:
        """Claim keys for this run, all at once."""
        ...

    def release(self, keys: Sequence[ActionKey]) -> None:
        """Give claims up."""
        ...

    def find(self, key: ActionKey) -> Record | None:
        """Return the usable record of a key."""
        ...

    def pass_over(self, instance: str, passed: Sequence[Passed]) -> None:
        """Queue who was refused, before anything else that is queued afterwards."""
        ...

    def commit(self, record: Record) -> None:
        """Queue a record; its claim ends with it. The first record of a key wins."""
        ...

    def holder(self, key: ActionKey) -> str | None:
        """Return the living run that claims a key."""
        ...

    def alive(self, run: str) -> bool:
        """Whether a run still lives."""
        ...


class Executor(Protocol):
    """Runs one action on this machine, in a worker thread."""

    def execute(self, action: Action, progress: Callable[[float], None]) -> Record:
        """Make the result and store its bytes. Raises NodeError, LostBlob, StoreError."""
        ...

    def cancel(self, action: Action) -> None:
        """Stop an action that is being executed; `execute` then raises NodeError soon."""
        ...


class Payer(Protocol):
    """Buys what a paid action asks for, at most once."""

    async def execute(self, action: Action, instance: str) -> Record:
        """Return the committed record. Raises NodeError and its branches, StoreError."""
        ...

    def stop(self) -> None:
        """Send nothing more. What was sent is awaited, or left to its vendor to be found again."""
        ...
