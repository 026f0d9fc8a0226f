"""Two plans into the rows that moved from one to the other. Knows no screen and no store."""

from __future__ import annotations

import msgspec

from dagcontent.plan.model import Plan, PlanRow

__all__ = ["Move", "moves"]


class Move(msgspec.Struct, frozen=True):
    """One row before and after; None where there was or is none."""

    old: PlanRow | None
    new: PlanRow | None

    @property
    def row(self) -> PlanRow:
        """The row as it is now, or as it was."""
        found = self.new or self.old
        assert found is not None
        return found


def moves(old: Plan, new: Plan) -> tuple[Move, ...]:
    """Return the rows whose status, model, price or error is another, in the order of the new plan; then those that are gone.

    A row that would be made before and after moved as well where it would be made of something else.
    """
    before = {row.node: row for row in old.rows}
    after = {row.node for row in new.rows}
    found = [Move(before.get(row.node), row) for row in new.rows if _moved(before.get(row.node), row)]
    return (*found, *(Move(row, None) for row in old.rows if row.node not in after))


def _moved(old: PlanRow | None, new: PlanRow) -> bool:
    if old is None:
        return True
    return _looks(old) != _looks(new) or (new.status in {"run", "maybe"} and old.key != new.key)


def _looks(row: PlanRow) -> tuple[object, ...]:
    quote = None if row.price is None else row.price.quote
    price = None if quote is None else (quote.low, quote.expected, quote.high)
    return row.status, row.model, price, row.error, bool(row.stale), row.replaced, row.items_max
