"""Turn a plan into a table for people: one line a node, or a line for many that are alike. Knows no store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.names import node_of
from dagcontent.cli.reasons import Reasons
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import counted, listed
from dagcontent.plan.model import Plan, PlanRow

__all__ = ["plan_lines"]

_ORDER: Final = ("hit", "run", "maybe", "skipped", "failed", "blocked")
_ALIKE: Final = 3
_MOST_LINES_A_NODE: Final = 6


def plan_lines(plan: Plan, screen: Screen, shown: str) -> list[str]:
    """Return the table of a plan, its head first."""
    reasons = Reasons(plan, shown)
    counts = plan.counts
    head = [safe(shown), counted(len(plan.rows), "instance")]
    head += [screen.style(word, f"{counts[word]:,} {word}") for word in _ORDER if word in counts]
    lines = ["   ".join([screen.style("head", head[0]), *head[1:]])]
    rows: list[Sequence[Cell]] = []
    pending = [row for row in plan.rows if row.status not in {"hit", "skipped"}]
    for group in _by_node(pending):
        rows += _group_rows(group, plan, reasons, verbose=screen.verbose)
    rest = [row for row in plan.rows if row.status in {"hit", "skipped"}]
    if screen.verbose:
        rows += [_cells(row, row.node, reasons.of(row)) for row in rest]
    if rows:
        head_row: list[Cell] = [("dim", word) for word in ("status", "node", "made by", "why")]
        if not screen.verbose:
            rows += _rest_rows(rest, some=bool(rows))
        lines += ["", *aligned([head_row, *rows], screen.width(), screen.style, shrink=(1, 2, 3))]
        lines += _errors(pending, screen)
    return lines


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


def _group_rows(group: Sequence[PlanRow], plan: Plan, reasons: Reasons, *, verbose: bool) -> list[Sequence[Cell]]:
    """Return a node's rows; instances alike in status, model and reason are one."""
    if verbose or len(group) < _ALIKE:
        return [_cells(row, row.node, reasons.of(row)) for row in group]
    total = sum(node_of(row.node) == node_of(group[0].node) for row in plan.rows)
    alike: dict[tuple[str, str, str], list[PlanRow]] = {}
    for row in group:
        alike.setdefault((row.status, row.model, reasons.of(row)), []).append(row)
    if len(alike) > _MOST_LINES_A_NODE:
        # Each with lines of its own: what they have in common is the status and the cause.
        causes: dict[tuple[str, str], list[PlanRow]] = {}
        for row in group:
            causes.setdefault((row.status, row.cause or ""), []).append(row)
        return [
            _cells(rows[0], _many(rows, total), reasons.of(rows[0]) + (", ..." if len(rows) > 1 else ""))
            for rows in causes.values()
        ]
    made: list[Sequence[Cell]] = []
    for (_, _, why), rows in alike.items():
        if len(rows) < _ALIKE:
            made += [_cells(row, row.node, why) for row in rows]
        else:
            made.append(_cells(rows[0], _many(rows, total), why))
    return made


def _many(rows: Sequence[PlanRow], total: int) -> str:
    if len(rows) == 1:
        return rows[0].node
    return f"{node_of(rows[0].node)}[*]  x{len(rows):,}" + (f" of {total:,}" if len(rows) < total else "")


def _cells(row: PlanRow, name: str, why: str) -> list[Cell]:
    return [(row.status, row.status), safe(name), ("dim", safe(row.model or row.kind)), safe(why)]


def _errors(rows: Sequence[PlanRow], screen: Screen) -> list[str]:
    """Return what can be done about what fails, each hint once."""
    hints = dict.fromkeys(row.hint for row in rows if row.status == "failed" and row.hint)
    return ["", *(f"  {screen.style('note', safe(hint))}" for hint in hints)] if hints else []
