"""A journal and caps as a list and sums: what the store's answers about money are held against. Knows no store.

Right by inspection: every question is answered by going through all attempts there ever were.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

__all__ = ["BLOCKS", "HOLDS", "Bought", "Cell", "Ledger"]

HOLDS = {"intent", "submitted", "spooled", "unresolved"}
BLOCKS = HOLDS | {"expired", "abandoned"}


@dataclasses.dataclass(frozen=True)
class Cell:
    """One cap: on a scope, perhaps on one provider in it, in micro-USD or in a measure. `limits` change as people edit."""

    scope: str
    provider: str = ""
    measure: str = ""


@dataclasses.dataclass
class Bought:
    """One attempt. `bound` is None where nobody knows one, as are amounts; `cost` what it was settled with."""

    id: str
    key: str
    names: Mapping[str, str]
    bound: int | None
    amounts: Mapping[str, int | None]
    state: str = "intent"
    cost: int | None = None

    def money(self) -> tuple[int, int]:
        """Return what counts as spent, and what is reserved."""
        if self.state == "released":
            return 0, 0
        if self.state in HOLDS:
            return 0, self.bound or 0
        return (self.cost if self.cost is not None else self.bound or 0), 0

    def units(self, measure: str) -> tuple[int, int]:
        """Return the same of a measure: what was not released counts in full."""
        amount = 0 if self.state == "released" else self.amounts.get(measure) or 0
        return (0, amount) if self.state in HOLDS else (amount, 0)

    def excess(self) -> int:
        """Return what it cost above its bound."""
        return max(0, self.money()[0] - (self.bound or 0))


class Ledger:
    """All attempts, and what may be said of them."""

    def __init__(self) -> None:
        self.all: dict[str, Bought] = {}

    def blocking(self, key: str) -> Bought | None:
        """Return the attempt that keeps a key from being sent."""
        (*found,) = (one for one in self.all.values() if one.key == key and one.state in BLOCKS)
        assert len(found) <= 1, found
        return found[0] if found else None

    def under(self, cell: Cell, name: str, *, later: bool) -> Iterator[Bought]:
        """Yield what counts under a cap; `later`: of a day's, what is dated later too."""
        for one in self.all.values():
            own = one.names[cell.scope]
            within = own >= name if later and cell.scope == "day" else own == name
            if within and cell.provider in {"", one.names["provider"]}:
                yield one

    def sums(self, cell: Cell, name: str) -> tuple[int, int]:
        """Return (settled, reserved) under a cap, as it is looked at before something is granted."""
        found = [one.units(cell.measure) if cell.measure else one.money() for one in self.under(cell, name, later=True)]
        return sum(settled for settled, _ in found), sum(held for _, held in found)

    def granted(self, cell: Cell, name: str) -> int:
        """Return what is settled and reserved under a cap, but for what vendors charged above their bounds."""
        mine = self.under(cell, name, later=False)
        if cell.measure:
            return sum(sum(one.units(cell.measure)) for one in mine)
        return sum(sum(one.money()) - one.excess() for one in mine)
