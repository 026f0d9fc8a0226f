"""Turn a plan into a table for people: one line a node, or a line for many that are alike. Knows no store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.money import BUYS, dollars, range_of, total
from dagcontent.cli.money import shown as amounts
from dagcontent.cli.names import node_of
from dagcontent.cli.reasons import Reasons
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import counted, cut, listed
from dagcontent.plan.model import Plan, PlanRow

__all__ = ["plan_lines"]

_ORDER: Final = ("hit", "run", "maybe", "resume", "repay", "unresolved", "skipped", "failed", "blocked")
_GAP: Final = "      "
_ALIKE: Final = 3
_MOST_LINES_A_NODE: Final = 6
_MOST_NOTES: Final = 3
_RECOVERY: Final = {"exact": "exact", "by-match": "by match", "ask": "ask"}


class _Line(msgspec.Struct):
    """One line of the table: its cells, its cost at most (None: nobody knows) and notes that stand below it."""

    cells: list[Cell]
    cost: int | None = 0
    notes: tuple[str, ...] = ()


def plan_lines(plan: Plan, screen: Screen, shown: str) -> list[str]:
    """Return the table of a plan, its head first."""
    reasons = Reasons(plan, shown)
    lines = _head(plan, screen, shown)
    rows: list[_Line] = []
    pending = [row for row in plan.rows if row.status not in {"hit", "skipped"}]
    for group in _by_node(pending):
        rows += _group_rows(group, plan, reasons, verbose=screen.verbose)
    rest = [row for row in plan.rows if row.status in {"hit", "skipped"}]
    if screen.verbose:
        rows += [_line(row, row.node, reasons.of(row)) for row in rest]
    if rows:
        if not screen.verbose:
            rows += [_Line(list(cells)) for cells in _rest_rows(rest, some=bool(rows))]
        lines += ["", *_table(rows, screen, paid=any(row.cost != 0 for row in rows))]
        lines += _paid_lines(plan, screen)
        lines += _errors(pending, screen)
    return lines


def _head(plan: Plan, screen: Screen, shown: str) -> list[str]:
    counts = plan.counts
    head = [safe(shown), counted(len(plan.rows), "instance")]
    words = [word for word in _ORDER if word in counts]
    styled = [screen.style("head", head[0]), head[1], *(screen.style(w, f"{counts[w]:,} {w}") for w in words)]
    used = len("   ".join([*head, *(f"{counts[w]:,} {w}" for w in words)]))
    parts = _totals(plan)
    lines = ["   ".join(styled)]
    for part in parts:
        if used + len(_GAP) + len(part) <= screen.width():
            lines[-1] += _GAP + part
            used += len(_GAP) + len(part)
        else:
            lines.append("  " + part)
            used = len(part) + 2
    return lines


def _totals(plan: Plan) -> list[str]:
    """Return what a build could cost at most, and what it is spared."""
    saved = sum(row.cost_microusd for row in plan.rows)
    buys = [row for row in plan.rows if row.price is not None and row.status in BUYS]
    if not buys and not saved:
        return []
    words = []
    if buys:
        known, unpriced = total(buys)
        more = f" and {len(unpriced):,} of which nobody knows" if unpriced else ""
        words.append(f"at most {dollars(known.high or 0, up=True)}{more}")
    return words + ([f"{dollars(saved)} not spent again"] if saved else [])


def _table(rows: Sequence[_Line], screen: Screen, *, paid: bool) -> list[str]:
    """Return the table, the notes of each row below it; with a column of costs where something is paid."""
    head: list[Cell] = [("dim", word) for word in ("status", "node", "made by", "why")]
    cells = [row.cells for row in rows]
    if paid:
        costs = ["", *amounts([row.cost for row in rows])]
        head.append(("dim", "at most"))
        cells = [[*row, cost] for row, cost in zip(cells, costs[1:], strict=True)]
    lines = aligned([head, *cells], screen.width(), screen.style, shrink=(1, 2, 3), right=(4,))
    made = lines[:1]
    statuses = ["status", *(row.cells[0][1] for row in rows if isinstance(row.cells[0], tuple))]
    indent = " " * (4 + max(map(len, statuses)))
    for line, row in zip(lines[1:], rows, strict=True):
        made.append(line)
        made += [indent + screen.style("dim", cut(safe(note), screen.width() - len(indent))) for note in row.notes]
    return made


def _paid_lines(plan: Plan, screen: Screen) -> list[str]:
    """Return how lost answers are recovered, and what settles requests that stand in the way."""
    ways = [row.price.recovery for row in plan.paid if row.price is not None]
    rows: list[Sequence[Cell]] = []
    if ways:
        words = [f"{ways.count(way):,} {word}" for way, word in _RECOVERY.items()]
        rows.append([("dim", "recovery"), ", ".join(words), ("dim", "if an answer is lost")])
    oldest = min(
        (row.price.quote.date for row in plan.paid if row.price is not None and row.price.quote.date), default=""
    )
    if oldest:
        rows.append([("dim", "prices"), f"of {oldest}", ("dim", "the oldest of these")])
    lines = aligned(rows, screen.width(), screen.style)
    unpriced = total(row for row in plan.rows if row.price is not None and row.status in BUYS)[1]
    if unpriced:
        lines.append(
            f"  nobody knows what this may cost: {listed(unpriced, 3)}; --allow-unpriced sends it all the same"
        )
    return ["", *lines] if lines else []


def _rest_rows(rest: Sequence[PlanRow], *, some: bool) -> list[Sequence[Cell]]:
    made: list[Sequence[Cell]] = []
    for status in ("hit", "skipped"):
        names = list(dict.fromkeys(node_of(row.node) for row in rest if row.status == status))
        count = sum(row.status == status for row in rest)
        if count:
            made.append([(status, status), f"{count:,} more" if some else f"{count:,}", "", ("dim", listed(names, 4))])
    return made


def _by_node(rows: Sequence[PlanRow]) -> list[list[PlanRow]]:
    groups: dict[str, list[PlanRow]] = {}
    for row in rows:
        groups.setdefault(node_of(row.node), []).append(row)
    return list(groups.values())


def _group_rows(group: Sequence[PlanRow], plan: Plan, reasons: Reasons, *, verbose: bool) -> list[_Line]:
    """Return a node's rows; instances alike in status, model, reason and notes are one."""
    if verbose or len(group) < _ALIKE:
        return [_line(row, row.node, reasons.of(row)) for row in group]
    count = sum(node_of(row.node) == node_of(group[0].node) for row in plan.rows)
    alike: dict[tuple[str, str, str, tuple[str, ...]], list[PlanRow]] = {}
    for row in group:
        alike.setdefault((row.status, row.model, reasons.of(row), _notes(row)), []).append(row)
    if len(alike) > _MOST_LINES_A_NODE:
        # Each with lines of its own: what they have in common is the status and the cause.
        causes: dict[tuple[str, str], list[PlanRow]] = {}
        for row in group:
            causes.setdefault((row.status, row.cause or ""), []).append(row)
        return [
            _line(rows[0], _many(rows, count), reasons.of(rows[0]) + (", ..." if len(rows) > 1 else ""), rows)
            for rows in causes.values()
        ]
    made: list[_Line] = []
    for (_, _, why, _), rows in alike.items():
        if len(rows) < _ALIKE:
            made += [_line(row, row.node, why) for row in rows]
        else:
            made.append(_line(rows[0], _many(rows, count), why, rows))
    return made


def _many(rows: Sequence[PlanRow], total: int) -> str:
    if len(rows) == 1:
        return rows[0].node
    return f"{node_of(rows[0].node)}[*]  x{len(rows):,}" + (f" of {total:,}" if len(rows) < total else "")


def _line(row: PlanRow, name: str, why: str, same: Sequence[PlanRow] = ()) -> _Line:
    """Return a row's line, for itself or for those that are the same; then their costs are added."""
    many = same or (row,)
    costs = [range_of(one).high for one in many]
    cost = None if None in costs else sum(one or 0 for one in costs)
    notes = list(dict.fromkeys(note for one in many for note in _notes(one)))
    more = [f"and {len(notes) - _MOST_NOTES:,} more"] if len(notes) > _MOST_NOTES else []
    cells: list[Cell] = [(row.status, row.status), safe(name), ("dim", safe(row.model or row.kind)), safe(why)]
    return _Line(cells, cost, (*notes[:_MOST_NOTES], *more))


def _notes(row: PlanRow) -> tuple[str, ...]:
    """Return what was changed to fit the model, of what would be sent."""
    return row.price.notes if row.price is not None and row.status in BUYS else ()


def _errors(rows: Sequence[PlanRow], screen: Screen) -> list[str]:
    """Return what can be done about what fails, each hint once."""
    hints = dict.fromkeys(row.hint for row in rows if row.status == "failed" and row.hint)
    return ["", *(f"  {screen.style('note', safe(hint))}" for hint in hints)] if hints else []
