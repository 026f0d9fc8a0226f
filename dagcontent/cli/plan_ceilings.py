"""Turn the ceilings of a plan into words: what is left under each, and what would not start beyond one. Knows no store."""

from __future__ import annotations

from collections.abc import Sequence

from dagcontent.cli.money import dollars
from dagcontent.cli.names import node_of
from dagcontent.plan.model import Plan, PlanRow
from dagcontent.values.money import Room

__all__ = ["beyond", "ceiling_words", "named", "set_by"]

_ALIKE = 3
_PER = {"run": "", "day": " a day", "graph": " for this graph"}


def ceiling_words(room: Room) -> str:
    """Return "$2.00 (--budget)", "$8.20 left of $10.00 a day (per_day_usd in ...)"."""
    ceiling = room.ceiling
    limit = f"{dollars(ceiling.limit_microusd, _digits(ceiling.limit_microusd))}{_PER[ceiling.per]}"
    limit += f" for {ceiling.provider}" if ceiling.provider else ""
    if room.used_microusd or ceiling.per != "run":
        limit = f"{dollars(room.left_microusd, _digits(room.left_microusd))} left of {limit}"
    return f"{limit} ({ceiling.said})"


def set_by(room: Room) -> str:
    """Return the name of what set a ceiling, without the file it stands in."""
    return room.ceiling.said.partition(" in ")[0]


def beyond(plan: Plan) -> list[tuple[Room, list[PlanRow]]]:
    """Return what would not start under each ceiling, if what comes before it in the plan costs its most.

    A list counts as a whole, and what is paid for again only when asked does not count. Nothing under a ceiling that holds all.
    """
    left = [room.left_microusd for room in plan.ceilings]
    found: list[list[PlanRow]] = [[] for _ in left]
    for row in plan.paid:
        most = row.most_microusd
        if row.status == "repay" or not most:
            continue
        provider = row.model.partition("/")[0]
        own = [i for i, room in enumerate(plan.ceilings) if room.ceiling.provider in {"", provider}]
        short = next((i for i in own if left[i] < most), None)
        if short is not None:
            found[short].append(row)
            continue
        for i in own:
            left[i] -= most
    return [(room, rows) for room, rows in zip(plan.ceilings, found, strict=True) if rows]


def _digits(amount: int) -> int:
    """Return two decimals where they say it exactly, else as many as an amount needs."""
    return next((digits for digits in range(2, 6) if amount % 10 ** (6 - digits) == 0), 6)


def named(rows: Sequence[PlanRow]) -> list[str]:
    """Return rows with what they may cost; many of one node together."""
    nodes: dict[str, list[PlanRow]] = {}
    for row in rows:
        nodes.setdefault(node_of(row.node), []).append(row)
    made: list[str] = []
    for node, same in nodes.items():
        together = [(f"{node}[*] x{len(same):,}", same)] if len(same) >= _ALIKE else [(row.node, [row]) for row in same]
        made += [f"{name} (up to {dollars(_most(those), up=True)})" for name, those in together]
    return made


def _most(rows: Sequence[PlanRow]) -> int:
    return sum(row.most_microusd or 0 for row in rows)
