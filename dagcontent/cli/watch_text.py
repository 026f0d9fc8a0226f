"""What moved between two plans into lines. Knows no store and no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.money import Range, digits_of, dollars, range_of, total
from dagcontent.cli.reasons import Reasons
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import STATUSES, counted
from dagcontent.plan.model import Plan, PlanRow
from dagcontent.plan.moves import Move, moves

__all__ = ["moved_lines"]

_MOST: Final = 40
_NONE: Final = "-"


def moved_lines(old: Plan, new: Plan, screen: Screen, shown: str, at: str) -> list[str]:
    """Return which rows moved from one plan to another, and the sums before and after. `at` is the time of day."""
    found = moves(old, new)
    head = "as before" if not found else f"{counted(len(found), 'instance')} of {len(new.rows):,} moved"
    lines = [screen.style("head", "   ".join([at, head, *_sums(old, new)]))]
    if not found:
        return lines
    reasons = Reasons(new, shown)
    kept = found if screen.verbose else found[:_MOST]
    rows: list[Sequence[Cell]] = [[("head", word) for word in ("was", "is", "node", "why", "cost")]]
    rows += [_cells(move, reasons) for move in kept]
    lines += aligned(rows, screen.width(), screen.style, shrink=(2, 3), right=(4,))
    if len(found) > len(kept):
        lines.append(f"  and {len(found) - len(kept):,} more; -v shows all")
    errors = [row for row in (move.new for move in kept) if row is not None and row.status == "failed" and row.hint]
    hints = list(dict.fromkeys(str(row.hint) for row in errors))
    return [*lines, *(f"  {screen.style('note', safe(hint))}" for hint in hints[:3])]


def _cells(move: Move, reasons: Reasons) -> list[Cell]:
    was: Cell = _NONE if move.old is None else (move.old.status, move.old.status)
    now: Cell = _NONE if move.new is None else (move.new.status, move.new.status)
    why = "not in the graph any more" if move.new is None else reasons.of(move.new)
    cost = "" if move.new is None else _cost(move.new)
    return [was, now, ("head", safe(move.row.node)), ("dim", safe(why)), cost]


def _cost(row: PlanRow) -> str:
    if not row.may_cost:
        return ""
    return _most(range_of(row))


def _most(found: Range) -> str:
    return "$?" if found.high is None else f"up to {dollars(found.high, up=True)}"


def _sums(old: Plan, new: Plan) -> list[str]:
    """Return counts and the most that a build may cost, before and after where they differ."""
    before, after = old.counts, new.counts
    words = []
    for status in STATUSES[:-1]:  # what nobody needs is no news
        then, now = before.get(status, 0), after.get(status, 0)
        if then != now:
            words.append(f"{status} {then:,} -> {now:,}")
        elif now and status in {"run", "maybe"}:
            words.append(f"{status} {now:,}")
    then_most, now_most = (total(row for row in plan.rows)[0].high or 0 for plan in (old, new))
    unknown = bool(total(new.rows)[1])
    if then_most or now_most:
        digits = digits_of([one for one in (then_most, now_most) if one])
        texts = [dollars(one, digits, up=True) for one in (then_most, now_most)]
        amount = texts[1] if texts[0] == texts[1] else " -> ".join(texts)
        words.append(f"at {'least' if unknown else 'most'} {amount}")
    return words
