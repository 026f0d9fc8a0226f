"""Turn a plan into a table for people: one line a node, or a line for many that are alike. Knows no store."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.columns import cells as cells_of
from dagcontent.cli.money import Range, dollars, range_of
from dagcontent.cli.names import node_of
from dagcontent.cli.plan_ceilings import beyond, ceiling_words, named, set_by
from dagcontent.cli.plan_charges import charge_words, oldest_and_old
from dagcontent.cli.plan_costs import Costs
from dagcontent.cli.reasons import Reasons
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import STATUSES, counted, listed
from dagcontent.plan.model import BUYS, Plan, PlanRow
from dagcontent.plan.passed import passed_words
from dagcontent.values.quote import STALE_DAYS

__all__ = ["Line", "fact_rows", "lines_of", "notes_of", "plan_lines", "saved_words"]

_GAP: Final = "      "
_ALIKE: Final = 3
_MOST_LINES_A_NODE: Final = 6
_MOST_NOTES: Final = 3
_SETTLED: Final = ("hit", "skipped", "unneeded")
_STATUS: Final = "status"
_WIDE: Final = 110
"""From here on there is room for what is likely and its share."""
_RECOVERY: Final = {"exact": "exact", "by-match": "by match", "ask": "ask"}


class Line(msgspec.Struct, frozen=True):
    """One line of the table: the rows it stands for, its name and reason, and how many it has of its node's instances."""

    rows: tuple[PlanRow, ...]
    name: str
    why: str

    @property
    def first(self) -> PlanRow:
        """The row that the line is worded by."""
        return self.rows[0]

    @property
    def cost(self) -> Range | None:
        """What all its rows cost; None where nothing is bought."""
        if not self.first.may_cost:
            return None
        found = [range_of(row) for row in self.rows]
        return Range(
            sum(one.low for one in found), _sum([one.expected for one in found]), _sum([one.high for one in found])
        )

    @property
    def free(self) -> bool:
        """Whether it is work that nobody is paid for."""
        return self.first.price is None and self.first.status in BUYS

    @property
    def notes(self) -> list[str]:
        """What was changed to fit the model, who was refused before it, and who is asked after it."""
        notes = list(dict.fromkeys(note for row in self.rows for note in notes_of(row)))
        more = [f"and {len(notes) - _MOST_NOTES:,} more"] if len(notes) > _MOST_NOTES else []
        return [*notes[:_MOST_NOTES], *more]


def plan_lines(plan: Plan, screen: Screen, shown: str, today: date) -> list[str]:
    """Return the table of a plan, its head first. `shown` is the graph's path as it was given."""
    lines, rest = lines_of(plan, Reasons(plan, shown), verbose=screen.verbose)
    costs = Costs([line.cost for line in lines])
    said = _head(plan, screen, shown, costs, table=bool(lines))
    if lines or (rest and screen.verbose):
        said += ["", *_table(lines, rest, costs, screen)]
        said += _facts(plan, lines, costs, screen, today)
        said += _errors(plan.rows, screen)
    return said


def lines_of(plan: Plan, reasons: Reasons, *, verbose: bool) -> tuple[list[Line], list[tuple[str, int, list[str]]]]:
    """Return the lines of a plan, and the rest in few words: status, how many, of which nodes.

    Rows that are alike are one line, but for `verbose`.
    """
    lines: list[Line] = []
    for group in _by_node([row for row in plan.rows if row.status not in _SETTLED]):
        lines += _group_lines(group, plan, reasons, verbose=verbose)
    done = [row for row in plan.rows if row.status in _SETTLED]
    if verbose:
        return [*lines, *(Line((row,), row.node, reasons.of(row)) for row in done)], []
    return lines, [
        (status, len(found), list(dict.fromkeys(node_of(row.node) for row in found)))
        for status in _SETTLED
        if (found := [row for row in done if row.status == status])
    ]


def _head(plan: Plan, screen: Screen, shown: str, costs: Costs, *, table: bool) -> list[str]:
    counts = plan.counts
    words = [(word, f"{counts[word]:,} {word.replace('_', ' ')}") for word in STATUSES if word in counts]
    money = [costs.head] if costs.paid else []
    money += [] if table else saved_words(plan)
    name = shown if plan.profile is None else f"{shown} ({plan.profile})"
    parts = [("head", safe(name)), ("", counted(len(plan.rows), "instance")), *words]
    lines, used = [""], 0
    for role, text, gap in [*((role, text, "   ") for role, text in parts), *(("head", text, _GAP) for text in money)]:
        if lines[-1] and used + len(gap) + len(text) > screen.width():
            lines.append("  ")
            used, gap = 2, ""  # noqa: PLW2901 - a new line
        lines[-1] += (gap if used else "") + screen.style(role, text)
        used += (len(gap) if used else 0) + len(text)
    return lines


def saved_words(plan: Plan) -> list[str]:
    """Return what a build is spared, if anything is."""
    saved = sum(row.cost_microusd for row in plan.rows)
    return [f"{dollars(saved)} not spent again"] if saved else []


def _table(
    lines: Sequence[Line], rest: Sequence[tuple[str, int, list[str]]], costs: Costs, screen: Screen
) -> list[str]:
    """Return the table, the notes of each line below it; with columns of costs where something is paid."""
    dearest = costs.dearest()
    rows = [_cells(line, dear=i == dearest) for i, line in enumerate(lines)]
    head: list[Cell] = [("dim", word) for word in ("status", "node", "made by", "why")]
    right: tuple[int, ...] = ()
    if costs.paid:
        columns = _columns(lines, costs, wide=screen.width() >= _WIDE)
        head += [("dim", title) for title, _ in columns]
        rows = [[*row, *(cells[i] for _, cells in columns)] for i, row in enumerate(rows)]
        right = tuple(range(4, len(head)))
    for status, count, names in rest:
        many = f"{count:,} more" if rows else f"{count:,}"
        rows.append([(status, status), many, "", ("dim", listed(names, 4))])
    shrink = (2, 3) if _fits([head, *rows], screen.width()) else (1, 2, 3)
    found = aligned([head, *rows], screen.width(), screen.style, shrink=shrink, right=right)
    made = found[:1]
    indent = " " * (4 + max(len(_STATUS), *(len(line.first.status) for line in lines), *(len(one[0]) for one in rest)))
    for i, text in enumerate(found[1:]):
        made.append(text)
        notes = _below(lines[i], verbose=screen.verbose) if i < len(lines) else []
        for note in notes:
            made += [screen.style("dim", one) for one in _wrapped(note, screen.width(), indent, indent + "  ")]
    return made


def _fits(rows: Sequence[Sequence[Cell]], width: int) -> bool:
    """Whether the names of nodes, which people type, may stay whole."""
    lines = aligned(rows, width, shrink=(2, 3))
    return max(map(cells_of, lines), default=0) <= width


def _cells(line: Line, *, dear: bool) -> list[Cell]:
    first, name = line.first, safe(line.name)
    made_by = safe(first.model or first.kind)
    return [
        (first.status, first.status.replace("_", " ")),
        ("head", name) if dear else name,
        ("dim", made_by),
        safe(line.why),
    ]


def _columns(lines: Sequence[Line], costs: Costs, *, wide: bool) -> list[tuple[str, Sequence[Cell]]]:
    """Return the columns of money: what is certain or its range; where there is room what is likely, and its share of all."""
    amounts = costs.amounts([line.free for line in lines])
    if not wide or costs.paid < 2 or costs.total.certain:
        return [("cost", amounts)]
    shares = ["" if share is None else "<1 %" if not share else f"{share} %" for share in costs.shares()]
    return [("cost", amounts), ("expected", costs.expected()), ("share", shares)]


def _below(line: Line, *, verbose: bool) -> list[str]:
    """Return what stands below a line: what was snapped and, if more is wanted, what its price is made of."""
    return [*line.notes, *(charge_words(line.first) if verbose and line.first.buys else [])]


def _facts(plan: Plan, lines: Sequence[Line], costs: Costs, screen: Screen, today: date) -> list[str]:
    """Return what is to know of the money: the dearest, ceilings, how lost answers are recovered, how old prices are, what is saved."""
    found = fact_rows(plan, lines, costs, today, share=screen.width() < _WIDE)
    made: list[str] = []
    wide = max((len(label) for label, _ in found), default=0)
    last = ""
    for label, text in found:
        first = "  " + screen.style("dim", "" if label == last else label) + " " * (
            wide - (0 if label == last else len(label)) + 2
        )  # fmt: skip
        indent = " " * (wide + 4)
        made += [
            first + line[len(indent) :] if i == 0 else line
            for i, line in enumerate(_wrapped(text, screen.width(), indent, indent))
        ]
        last = label
    return ["", *made] if made else []


def fact_rows(plan: Plan, lines: Sequence[Line], costs: Costs, today: date, *, share: bool) -> list[tuple[str, str]]:
    """Return (label, text) of what is to know of the money of a plan. With `share`, of the dearest line too."""
    found: list[tuple[str, str]] = []
    dearest = costs.dearest()
    if share and dearest is not None:
        part = costs.shares()[dearest]
        found.append(
            (
                "dearest",
                f"{safe(lines[dearest].name).replace('  ', ' ')}: {costs.expected()[dearest]}, {part} % of what is expected",
            )
        )
    found += [("ceilings", safe(ceiling_words(room))) for room in plan.ceilings]
    for room, rows in beyond(plan):
        may = "may not start, if all that comes before costs its most"
        found.append(("beyond", f"{safe(set_by(room))}: {listed(named(rows), 4)} {may}"))
    ways = [row.price.recovery for row in plan.paid if row.price is not None]
    if ways:
        words = [f"{ways.count(way):,} {word}" for way, word in _RECOVERY.items()]
        found.append(("recovery", f"of a lost answer: {', '.join(words)}"))
    oldest, old = oldest_and_old(plan, today)
    if oldest:
        more = f"; {old:,} older than {STALE_DAYS} days (dagcontent models --stale)" if old else ""
        found.append(("prices", f"since {oldest}{more}"))
    unpriced = [row.node for row in plan.paid if row.most_microusd is None]
    if unpriced:
        text = f"nobody knows what this may cost: {listed(unpriced, 3)}; --allow-unpriced sends it all the same"
        found.append(("unpriced", text))
    return found + [("saved", text) for text in saved_words(plan)]


def _wrapped(text: str, width: int, first: str, then: str) -> list[str]:
    return textwrap.wrap(
        safe(text), max(width, len(then) + 16), initial_indent=first, subsequent_indent=then, break_on_hyphens=False
    )


def _by_node(rows: Sequence[PlanRow]) -> list[list[PlanRow]]:
    groups: dict[str, list[PlanRow]] = {}
    for row in rows:
        groups.setdefault(node_of(row.node), []).append(row)
    return list(groups.values())


def _group_lines(group: Sequence[PlanRow], plan: Plan, reasons: Reasons, *, verbose: bool) -> list[Line]:
    """Return a node's lines; instances alike in status, model, reason and notes are one."""
    if verbose or len(group) < _ALIKE:
        return [Line((row,), _named(row), reasons.of(row)) for row in group]
    count = sum(node_of(row.node) == node_of(group[0].node) for row in plan.rows)
    alike: dict[tuple[str, str, str, tuple[str, ...]], list[PlanRow]] = {}
    for row in group:
        alike.setdefault((row.status, row.model, reasons.of(row), notes_of(row)), []).append(row)
    if len(alike) > _MOST_LINES_A_NODE:
        # Each with lines of its own: what they have in common is the status and the cause.
        causes: dict[tuple[str, str], list[PlanRow]] = {}
        for row in group:
            causes.setdefault((row.status, row.cause or ""), []).append(row)
        return [
            Line(tuple(rows), _many(rows, count), reasons.of(rows[0]) + (", ..." if len(rows) > 1 else ""))
            for rows in causes.values()
        ]
    made: list[Line] = []
    for (_, _, why, _), rows in alike.items():
        if len(rows) < _ALIKE:
            made += [Line((row,), _named(row), why) for row in rows]
        else:
            made.append(Line(tuple(rows), _many(rows, count), why))
    return made


def _named(row: PlanRow) -> str:
    """Return a row's name; of a list that is not known with its bound."""
    return row.node if row.items_max is None else f"{row.node} x{row.items_max:,} max"


def _many(rows: Sequence[PlanRow], total: int) -> str:
    if len(rows) == 1:
        return _named(rows[0])
    return f"{node_of(rows[0].node)}[*] x{len(rows):,}" + (f" of {total:,}" if len(rows) < total else "")


def notes_of(row: PlanRow) -> tuple[str, ...]:
    """Return what was changed to fit the model, of what would be sent; who was refused before, and who is asked after it."""
    notes = row.price.notes if row.price is not None and row.buys else ()
    before = (f"in place of: {passed_words(row.passed)}",) if row.passed else ()
    after = (f"if it is refused: {', '.join(dict.fromkeys(row.fallbacks))}",) if row.fallbacks and row.may_cost else ()
    return (*notes, *before, *after)


def _sum(amounts: Sequence[int | None]) -> int | None:
    return None if None in amounts else sum(amount or 0 for amount in amounts)


def _errors(rows: Sequence[PlanRow], screen: Screen) -> list[str]:
    """Return what can be done about what fails, each hint once."""
    hints = dict.fromkeys(row.hint for row in rows if row.status == "failed" and row.hint)
    return ["", *(f"  {screen.style('note', safe(hint))}" for hint in hints)] if hints else []
