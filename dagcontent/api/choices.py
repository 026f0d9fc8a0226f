"""What a person decides about results: another sample, one that stays, and all that a node ever had. Runs nothing, spends nothing.

Reached as `dagcontent.api.reroll` and so on; imported when one of them is first asked for.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence

from dagcontent.api import GraphLike, loaded_from, opened_at
from dagcontent.api.approving import Approving
from dagcontent.api.deciding import Choosing, Decided
from dagcontent.api.taken import TakesResult, takes_of

__all__ = ["approve", "pick", "pin", "reject", "reroll", "takes", "unpin"]


def reroll(
    graph: GraphLike, instances: Sequence[str], *, to: int | None = None, params: Mapping[str, str] | None = None,
    profile: str | None = None, store: str | os.PathLike[str] | None = None, realms: Mapping[str, str] | None = None,
) -> Decided:  # fmt: skip
    """Have the next build make another sample of instances: number `to`, or the next that was never made.

    Writes the choices file and nothing else. Raises ConfigError for a name that is none, UsageError for what cannot be decided.
    """
    with _choosing(graph, instances, params, profile, store, realms) as choosing:
        return choosing.reroll(to)


def pin(
    graph: GraphLike, instances: Sequence[str], *, params: Mapping[str, str] | None = None,
    profile: str | None = None, store: str | os.PathLike[str] | None = None, realms: Mapping[str, str] | None = None,
) -> Decided:  # fmt: skip
    """Have instances keep the result that they have, whatever becomes of their inputs. Writes the choices file, as `reroll`."""
    with _choosing(graph, instances, params, profile, store, realms) as choosing:
        return choosing.pin()


def unpin(
    graph: GraphLike, instances: Sequence[str], *, params: Mapping[str, str] | None = None,
    profile: str | None = None, store: str | os.PathLike[str] | None = None, realms: Mapping[str, str] | None = None,
) -> Decided:  # fmt: skip
    """Undo `pin`."""
    with _choosing(graph, instances, params, profile, store, realms) as choosing:
        return choosing.unpin()


def pick(
    graph: GraphLike, instance: str, choice: str, *, params: Mapping[str, str] | None = None,
    profile: str | None = None, store: str | os.PathLike[str] | None = None, realms: Mapping[str, str] | None = None,
) -> Decided:  # fmt: skip
    """Have a selection give one candidate: named by position (`#0`), label (`take=1`), instance or the beginning of its digest.

    Writes the choices file, as `reroll`. Raises ConfigError for what names none or several, UsageError where nothing is to be
    chosen.
    """
    with _choosing(graph, [instance], params, profile, store, realms, asks="pick") as choosing:
        return choosing.pick(choice)


def approve(
    graph: GraphLike, instances: Sequence[str], *, params: Mapping[str, str] | None = None,
    profile: str | None = None, store: str | os.PathLike[str] | None = None, realms: Mapping[str, str] | None = None,
) -> Decided:  # fmt: skip
    """Have gates give on what they show now. Writes the choices file, as `reroll`. Raises UsageError where there is nothing to
    approve yet.
    """
    with _choosing(graph, instances, params, profile, store, realms, asks="approve") as choosing:
        return Approving(choosing).approve()


def reject(
    graph: GraphLike, instances: Sequence[str], *, note: str = "", params: Mapping[str, str] | None = None,
    profile: str | None = None, store: str | os.PathLike[str] | None = None, realms: Mapping[str, str] | None = None,
) -> Decided:  # fmt: skip
    """Have gates fail while they show what they show now; `note` says why. Writes the choices file, as `approve`."""
    with _choosing(graph, instances, params, profile, store, realms, asks="approve") as choosing:
        return Approving(choosing).reject(note)


def takes(
    graph: GraphLike, instances: str, *, params: Mapping[str, str] | None = None,
    profile: str | None = None, store: str | os.PathLike[str] | None = None, realms: Mapping[str, str] | None = None,
) -> tuple[TakesResult, ...]:  # fmt: skip
    """Return every result that instances ever had, newest first. Raises ConfigError for a name that is none."""
    loaded = loaded_from(graph, params, profile)
    with opened_at(store, write=False) as opened:
        return takes_of(loaded, opened, instances, realms)


@contextlib.contextmanager
def _choosing(
    graph: GraphLike, instances: Sequence[str], params: Mapping[str, str] | None,
    profile: str | None, store: str | os.PathLike[str] | None, realms: Mapping[str, str] | None,
    *, asks: str = "",
) -> Iterator[Choosing]:  # fmt: skip
    loaded = loaded_from(graph, params, profile)
    with opened_at(store, write=False) as opened:
        yield Choosing(loaded, opened, instances, realms, asks=asks)
