"""What a plan says. Knows no store, no text positions but places."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from dagcontent.spec.model import Place
from dagcontent.values.money import Room
from dagcontent.values.quote import Quote

__all__ = ["BUYS", "Dependence", "FieldDiff", "Plan", "PlanRow", "Price", "Served"]

BUYS: Final = frozenset({"run", "maybe", "repay"})
"""Statuses of rows that would, or may, be paid for."""


class FieldDiff(msgspec.Struct, frozen=True):
    """One field of a manifest, then and now.

    `places` are where today's value is written; `upstream` the instances it comes from when it is not written.
    `old` or `new` is None where there was or is none; `unknown` says that today's is still to be made.
    `lines` are the places as (file, line): filled in by who knows the text.
    """

    field: str
    old: Any
    new: Any
    changed: bool = True
    unknown: bool = False
    places: tuple[Place, ...] = ()
    upstream: tuple[str, ...] = ()
    lines: tuple[tuple[str, int], ...] = ()


class Price(msgspec.Struct, frozen=True):
    """What is known of a paid request: how it is sent, how a lost answer is recovered, what it costs, and what was
    changed to fit the model.

    `recovery` is "exact", "by-match" or "ask", empty where the operation's own class holds.
    """

    operation: str = ""
    recovery: str = ""
    quote: Quote = Quote(basis="most")
    notes: tuple[str, ...] = ()


class Dependence(msgspec.Struct, frozen=True):
    """An instance whose content, still to be made, a row depends on: of the last `of` times that it was made anew, its result
    `changed` so often.
    """

    node: str
    changed: int = 0
    of: int = 0


class Served(msgspec.Struct, frozen=True):
    """A lazy instance that is served: `by` the instance of the alternative (empty for a value that is written), the number
    `position` of those there are, from 0.
    """

    node: str
    by: str
    position: int


class PlanRow(msgspec.Struct, frozen=True):
    """One instance, or a fan-out whose list is not known (`node` ends in `[*]`, `items_max` its bound).

    A row that costs money has a `price`; `attempt` names the one on the journal that `resume`, `unresolved` or `repay` is about.
    `cost_microusd` is what the result of a hit cost when it was made; `depends` are what a `maybe` turns on. `asks` says in a
    plan that a build is to be held to what a row asks for as it is written, whatever is made above it. `unsent`: of a request
    under way it may turn out that it never was; then it is sent.
    `stale` says of a pinned one whether its inputs have moved, None where that is not known. `instead_of` is the alternative that
    must come to nothing before this is begun.
    """

    node: str
    kind: str
    model: str
    status: str
    cause: str | None = None
    why: tuple[FieldDiff, ...] = ()
    key: str | None = None
    error: str | None = None
    hint: str | None = None
    by: str | None = None
    items_expected: int | None = None
    items_max: int | None = None
    price: Price | None = None
    attempt: str | None = None
    cost_microusd: int = 0
    depends: tuple[Dependence, ...] = ()
    stale: bool | None = None
    asks: str | None = None
    unsent: bool = False
    instead_of: str | None = None

    @property
    def buys(self) -> bool:
        """Whether it would, or may, be paid for."""
        return self.price is not None and self.status in BUYS

    @property
    def may_cost(self) -> bool:
        """Whether it may cost anything in a build: what is bought, and what is under way if it turns out that it is not."""
        return self.buys or (self.unsent and self.price is not None)

    @property
    def is_list(self) -> bool:
        """Whether it stands for all instances over a list that is not known yet."""
        return self.node.endswith("*]") or self.items_max is not None or self.items_expected is not None

    @property
    def most_microusd(self) -> int | None:
        """The most that may be billed for it, a list counted at its longest; None: nobody knows."""
        if self.price is None or not self.may_cost:
            return 0
        high = self.price.quote.high
        if high is None or not self.is_list:
            return high
        return None if self.items_max is None else high * self.items_max


class Plan(msgspec.Struct, frozen=True):
    """The dry run: one row for each instance that is or would be an action, and for whatever blocks.

    `ceilings` are all that bound a build of it, with what counts under each already.
    """

    graph: str
    rows: tuple[PlanRow, ...]
    warnings: tuple[str, ...] = ()
    profile: str | None = None
    ceilings: tuple[Room, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Rows by status."""
        made: dict[str, int] = {}
        for row in self.rows:
            made[row.status] = made.get(row.status, 0) + 1
        return made

    @property
    def pending(self) -> bool:
        """Whether a build would have work."""
        return any(row.status in {"run", "maybe", "resume"} for row in self.rows)

    @property
    def paid(self) -> list[PlanRow]:
        """The rows that would, or may, cost money."""
        return [row for row in self.rows if row.buys]
