"""What listeners of a build hear, in order. Knows no screen.

Every event names instances as they stand in reports. Times are seconds since the build began.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

__all__ = [
    "AWAITS",
    "BuildFinished",
    "BuildSpent",
    "BuildStarted",
    "BuildStopping",
    "Event",
    "Listener",
    "NodeFinished",
    "NodeProgress",
    "NodeStage",
    "NodeStarted",
    "NodeWaiting",
    "OutputPlaced",
]

AWAITS = "awaits the answer"
"""The stage of a paid request that was sent, before anything is known by which it could be found again."""


class BuildStarted(msgspec.Struct, frozen=True, tag="build-started", tag_field="event"):
    """The graph was read and linked; work begins."""

    graph: str
    run: str
    instances: int
    at_s: float = 0.0


class BuildSpent(msgspec.Struct, frozen=True, tag="build-spent", tag_field="event"):
    """What this build has spent and what is reserved for requests under way, of at most `limit_microusd` (None: no cap)."""

    spent_microusd: int
    reserved_microusd: int
    limit_microusd: int | None
    at_s: float


class BuildStopping(msgspec.Struct, frozen=True, tag="build-stopping", tag_field="event"):
    """The build was told to stop: nothing new is sent, and what would be lost is awaited."""

    at_s: float


class NodeWaiting(msgspec.Struct, frozen=True, tag="node-waiting", tag_field="event"):
    """An instance waits: for a slot (`on` empty), another run, or another attempt."""

    node: str
    reason: str  # "slot", "run", "retry"
    on: str
    at_s: float


class NodeStarted(msgspec.Struct, frozen=True, tag="node-started", tag_field="event"):
    """An instance is being made."""

    node: str
    kind: str
    model: str
    attempt: int
    at_s: float


class NodeProgress(msgspec.Struct, frozen=True, tag="node-progress", tag_field="event"):
    """How far an instance is, from 0 to 1."""

    node: str
    fraction: float
    at_s: float


class NodeStage(msgspec.Struct, frozen=True, tag="node-stage", tag_field="event"):
    """How a paid instance stands: "in queue" (`position` in it, where the vendor says), "generating", "downloading"; `AWAITS`."""

    node: str
    stage: str
    position: int | None
    at_s: float


class NodeFinished(msgspec.Struct, frozen=True, tag="node-finished", tag_field="event"):
    """An instance was made, or not. `status` is "ran", "hit" (another run made it), "failed", "cancelled", "unresolved" (sent,
    and nobody can tell), "detached" (its job goes on at the vendor), "parked" (no money is left until others are settled) or
    "refused" (another model, or sample, is asked in its place).

    `cost_microusd` is what its result cost.
    """

    node: str
    status: str
    seconds: float
    at_s: float
    error: str | None = None
    cost_microusd: int = 0


class OutputPlaced(msgspec.Struct, frozen=True, tag="output-placed", tag_field="event"):
    """A file was put into the output folder (`changed`), or was there already."""

    node: str
    path: str
    changed: bool
    at_s: float


class BuildFinished(msgspec.Struct, frozen=True, tag="build-finished", tag_field="event"):
    """The last event. `status` as in the JSON of `build`."""

    status: str
    counts: dict[str, int]
    at_s: float


Event: TypeAlias = (
    BuildStarted
    | BuildSpent
    | BuildStopping
    | NodeWaiting
    | NodeStarted
    | NodeProgress
    | NodeStage
    | NodeFinished
    | OutputPlaced
    | BuildFinished
)
Listener: TypeAlias = Callable[[Event], None]
