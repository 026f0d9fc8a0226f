"""Every error that leaves dagcontent, as one tree. Knows no file format, no store, no vendor.

    DagcontentError                 abstract: never raised itself
    ├── UsageError                  the user can mend it; exit 2
    │   ├── GraphError              mistakes in a graph file, all of one pass (`.mistakes`)
    │   └── ConfigError             configuration, arguments, environment
    ├── NodeError                   one node could not be made; its dependants are blocked; exit 1
    │   ├── AttemptUnresolved       a paid request was sent and nobody can tell what became of it; exit 4
    │   ├── AttemptDetached         a paid job goes on at the vendor, and is found again; exit 4
    │   └── OverBudget              the next call could exceed a cap; exit 6
    ├── StoreError                  the store cannot be read or written
    │   ├── StoreBusy               another process holds the database too long
    │   ├── StoreDamaged            bytes are not what their digest says, or a row is not a record
    │   └── StoreFull               no space left where the store lives
    ├── ProviderError               a vendor failed
    ├── BudgetExceeded              nothing was spent beyond the cap; exit 6
    └── InternalError               a fault of ours: "please report"

Policy reads the class, never the text. Every error a user can act on carries a hint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = [
    "AttemptDetached",
    "AttemptUnresolved",
    "BudgetExceeded",
    "ConfigError",
    "DagcontentError",
    "GraphError",
    "InternalError",
    "NodeError",
    "OverBudget",
    "ProviderError",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "UsageError",
]


class DagcontentError(Exception):
    """What happened, the facts that matter as (label, value) rows, and what to do about it."""

    exit_code = 1

    def __init__(self, message: str, *, facts: Sequence[tuple[str, str]] = (), hint: str | None = None) -> None:
        if type(self) is DagcontentError:
            text = "DagcontentError is abstract: raise one of its branches"
            raise TypeError(text)
        super().__init__(message)
        self.message = message
        self.facts = tuple(facts)
        self.hint = hint


class UsageError(DagcontentError):
    """The graph, the arguments or the configuration are wrong; nothing was run or spent."""

    exit_code = 2


class GraphError(UsageError):
    """All mistakes that one pass over a graph found, each already located in its file."""

    def __init__(self, message: str, mistakes: Sequence[Any] = ()) -> None:
        super().__init__(message)
        # `spec.source.Located` values; typed loosely because errors stand below every layer.
        self.mistakes = tuple(mistakes)


class ConfigError(UsageError):
    """An argument, a configuration file or the environment is wrong."""


class NodeError(DagcontentError):
    """One node instance could not be made. `retry` says whether another attempt can help, `error_class` why a vendor refused."""

    def __init__(
        self,
        message: str,
        *,
        facts: Sequence[tuple[str, str]] = (),
        hint: str | None = None,
        retry: bool = False,
        error_class: str = "",
    ) -> None:
        super().__init__(message, facts=facts, hint=hint)
        self.retry = retry
        self.error_class = error_class


class AttemptUnresolved(NodeError):  # noqa: N818 - the name is the state
    """A paid request was sent, its answer was lost, and it is not guessed what became of it: `dagcontent jobs` settles it."""

    exit_code = 4


class AttemptDetached(NodeError):  # noqa: N818 - the name is the state
    """A paid job was left to go on at the vendor; the next build finds it by its id and pays nothing more."""

    exit_code = 4


class OverBudget(NodeError):  # noqa: N818 - the name is the state
    """One node was not started, because its upper bound does not fit under a cap, or nobody agreed to it.

    `refused` is the cap and what stood under it: a `values.money.Refused`, typed loosely because errors stand below every
    layer; None where it was no cap.
    """

    exit_code = 6

    def __init__(
        self, message: str, *, facts: Sequence[tuple[str, str]] = (), hint: str | None = None, refused: Any = None
    ) -> None:
        super().__init__(message, facts=facts, hint=hint)
        self.refused = refused


class StoreError(DagcontentError):
    """The store cannot be read or written as it must."""


class StoreBusy(StoreError):  # noqa: N818 - the name is the state, as in SQLite's own word
    """Another process held the database for longer than we are willing to wait."""


class StoreDamaged(StoreError):  # noqa: N818 - the name is the state
    """Bytes do not hash to their name, or a row cannot be read as a record."""


class StoreFull(StoreError):  # noqa: N818 - the name is the state
    """There is no space left (or a quota is used up) where the store lives."""


class ProviderError(DagcontentError):
    """A vendor failed, refused, or answered with what cannot be read."""


class BudgetExceeded(DagcontentError):  # noqa: N818 - the name is the state
    """The next call could exceed the cap; nothing beyond it was spent."""

    exit_code = 6


class InternalError(DagcontentError):
    """An invariant of ours does not hold. Please report it, with the graph if you can."""
