"""What the machine hears, and what it asks for in return. Knows no rule: `run/machine.py` has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from dagcontent.errors import NodeError
from dagcontent.plan.passed import Passed
from dagcontent.plan.unit import Unit
from dagcontent.values.record import Record
from dagcontent.values.value import ActionKey

if TYPE_CHECKING:
    from dagcontent.run.machine import Task

__all__ = [
    "Await", "Claim", "Claimed", "Completed", "Effect", "Failed", "Finish", "ForeignEnded", "Lost", "MachineEvent", "PassOver",
    "Release", "Start", "Stop", "Tick", "Wake",
]  # fmt: skip


class Claimed(msgspec.Struct, frozen=True):
    """A claim was decided: ours, held by a living run, or its record is there already."""

    key: ActionKey
    won: bool
    holder: str = ""
    record: Record | None = None


class Completed(msgspec.Struct, frozen=True):
    """A task was made and its record queued for commit."""

    key: ActionKey
    record: Record


class Failed(msgspec.Struct, frozen=True):
    """A task failed."""

    key: ActionKey
    error: NodeError


class Lost(msgspec.Struct, frozen=True):
    """A task could not be made: a stored input is missing or damaged."""

    key: ActionKey
    digest: str


class ForeignEnded(msgspec.Struct, frozen=True):
    """Another run committed the record, or (None) is gone or gave the key up."""

    key: ActionKey
    record: Record | None


class Tick(msgspec.Struct, frozen=True):
    """Time passed: `now` in seconds of the driver's clock."""

    now: float


class Stop(msgspec.Struct, frozen=True):
    """Start nothing more."""


class Claim(msgspec.Struct, frozen=True):
    """Claim these keys."""

    keys: tuple[ActionKey, ...]


class Start(msgspec.Struct, frozen=True):
    """Run this task."""

    task: Task


class Await(msgspec.Struct, frozen=True):
    """Wait for another run's record."""

    key: ActionKey
    holder: str


class Release(msgspec.Struct, frozen=True):
    """Give these claims up."""

    keys: tuple[ActionKey, ...]


class PassOver(msgspec.Struct, frozen=True):
    """Write down that these models were refused for an instance, and another is asked, or served, in their place."""

    unit: Unit
    passed: tuple[Passed, ...]


class Wake(msgspec.Struct, frozen=True):
    """Send a Tick at this time."""

    at: float


class Finish(msgspec.Struct, frozen=True):
    """Nothing is left to do."""


MachineEvent: TypeAlias = Claimed | Completed | Failed | Lost | ForeignEnded | Tick | Stop
Effect: TypeAlias = Claim | Start | Await | Release | PassOver | Wake | Finish
