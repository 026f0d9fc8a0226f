"""What bounds the spending of one graph into how much of each is left. Reads the journal's sums; writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dagcontent.store.store import Store
from dagcontent.values.money import Cap, Ceiling, Room

__all__ = ["rooms"]


def rooms(
    store: Store, graph: str, graph_budget_microusd: int | None, ceilings: Sequence[Ceiling], now: datetime
) -> tuple[Room, ...]:
    """Return every ceiling of a build of a graph that would begin now (UTC), the one with the least left first."""
    every = list(ceilings)
    if graph_budget_microusd is not None:
        every.append(Ceiling("run", graph_budget_microusd, "budget_usd of the graph"))
    found = [Room(one, _used(store, one, graph, now)) for one in every]
    return tuple(sorted(found, key=lambda room: room.left_microusd))


def _used(store: Store, ceiling: Ceiling, graph: str, now: datetime) -> int:
    if ceiling.per == "run":
        return 0  # it has not begun
    name = graph if ceiling.per == "graph" else now.date().isoformat()
    return sum(store.attempts.spent(Cap(ceiling.per, name, ceiling.limit_microusd, ceiling.said, ceiling.provider)))
