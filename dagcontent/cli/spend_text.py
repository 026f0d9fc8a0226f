"""Sums of the ledger into a table, a document, and words on where they are no vendor's. Knows no journal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final

from dagcontent.api.ledger import Spend, SpendRow
from dagcontent.api.past import short_runs
from dagcontent.api.reconciled import Reconciled
from dagcontent.cli.columns import Cell, aligned, cells
from dagcontent.cli.money import digits_of, dollars
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import command, counted
from dagcontent.values.money import usd_decimal

__all__ = ["COLUMNS", "reconciled_lines", "spend_document", "spend_lines"]

COLUMNS: Final = (
    "requests", "free", "spent_usd", "reported_usd", "computed_usd", "estimated_usd", "unknown_usd", "reserved_usd",
    "failed_usd", "given_up_usd", "unpriced",
)  # fmt: skip
"""Fields of a row in documents, after what it is summed by."""
_NARROWEST: Final = ("spent", "told", "not told", "reserved")
_NARROW: Final = ("spent", "reported", "computed", "estimated", "unknown", "reserved")
_WIDE: Final = (*_NARROW, "failed", "given up")
_ROOMY: Final = 100
_NAME, _MONEY = 24, 7
_MOST_SHOWN: Final = 3


def spend_document(found: Spend) -> dict[str, Any]:
    """Return the JSON document."""
    return {
        "by": found.by,
        "since": found.since.said or None,
        "rows": [_fields(row, found.by) for row in found.rows],
        "total": _fields(found.total, ""),
        "unsaid": [
            {"provider": one.provider, "source": one.source, "requests": one.requests, "usd": usd_decimal(one.microusd)}
            for one in found.unsaid
        ],
    }


def _fields(row: SpendRow, by: str) -> dict[str, Any]:
    made: dict[str, Any] = {by: row.name} if by else {}
    if by == "node":
        made["graph"] = row.graph
    for name in COLUMNS:
        value = getattr(row, name.removesuffix("_usd"))
        made[name] = usd_decimal(value) if name.endswith("_usd") else value
    return made


def spend_lines(found: Spend, screen: Screen, options: Sequence[str], *, asked: bool) -> list[str]:
    """Return what people are told. `options` name the store in commands; `asked`: vendors were asked already."""
    since = f" since {found.since.said}" if found.since.said else ""
    total = found.total
    if not total.requests:
        return [f"nothing was spent{since}"]
    parts = [f"{dollars(total.spent) if total.spent else '$0'} spent in {counted(total.requests, 'request')}{since}"]
    if total.reserved:
        parts.append(f"{dollars(total.reserved, up=True)} reserved")
    lines = [screen.style("head", "   ".join(parts)), "", *_table(found, screen), ""]
    notes = [*_notes(found), *([] if screen.width() >= _ROOMY else _lost(total))]
    lines += [f"  {note}" for note in notes]
    if any(one.source in {"estimated", "unknown"} for one in found.unsaid) and not asked:
        lines += [
            "",
            f"{screen.style('command', command('spend', '--reconcile', *options))}   asks vendors that tell it later",
        ]
    return lines if lines[-1] else lines[:-1]


def _table(found: Spend, screen: Screen) -> list[str]:
    shown = [*found.rows, found.total] if len(found.rows) > 1 else list(found.rows)
    labels = [*_labels(found), "total"]
    names = _columns(found, screen.width(), max(cells(label) for label in labels))
    digits = digits_of([_amount(row, name) for row in shown for name in names])
    head = [found.by, "requests", *names]
    rows: list[list[Cell]] = [[("head", cell) for cell in head]]
    for label, row in zip(labels, shown, strict=False):
        amounts = [(_amount(row, name), name == "reserved") for name in names]
        rows.append([label, f"{row.requests:,}", *(dollars(one, digits, up=up) if one else "" for one, up in amounts)])
    return aligned(rows, screen.width(), screen.style, shrink=(0,), right=range(1, len(head)))


def _columns(found: Spend, width: int, longest: int) -> list[str]:
    """Return the columns that say something: as many of them as leave the names enough room to be told apart."""
    sets = [_WIDE, _NARROW, _NARROWEST] if width >= _ROOMY else [_NARROW, _NARROWEST]
    for columns in sets:
        names = [name for name in columns if name == "spent" or _amount(found.total, name)]
        taken = sum(max(len(name), _MONEY) + 2 for name in ("requests", *names))
        if width - taken - 2 >= min(longest, _NAME):
            break
    return names


def _amount(row: SpendRow, name: str) -> int:
    """Return one column of a row."""
    if name == "told":
        return row.reported + row.computed
    if name == "not told":
        return row.estimated + row.unknown
    amount: int = getattr(row, name.replace(" ", "_"))
    return amount


def _labels(found: Spend) -> list[str]:
    """Return what rows are called: graphs by their path from here, runs as `runs` takes them, nodes with their graph where there are several."""
    if found.by == "graph":
        return [safe(_short(row.name)) for row in found.rows]
    if found.by == "run":
        short = short_runs(row.name for row in found.rows)
        return [safe(short[row.name]) for row in found.rows]
    several = found.by == "node" and len({row.graph for row in found.rows}) > 1
    return [safe(f"{row.name}  {_short(row.graph)}" if several else row.name) for row in found.rows]


def _short(path: str) -> str:
    """Return a path as it is written from here, if it lies below."""
    here = os.path.join(os.getcwd(), "")
    return path.removeprefix(here)


def _notes(found: Spend) -> list[str]:
    """Say where a sum is no vendor's word."""
    notes = []
    for one in found.unsaid:
        count = counted(one.requests, "request")
        if one.source == "estimated":
            notes.append(f"{safe(one.provider)} reports no cost of {count}: list prices count, {dollars(one.microusd)}")
        elif one.microusd:
            most = dollars(one.microusd, up=True)
            notes.append(f"nobody knows what {count} of {safe(one.provider)} cost: the most they may count, {most}")
    if found.total.unpriced:
        count = counted(found.total.unpriced, "request")
        notes.append(f"{count} in no sum: neither a cost nor an upper bound is known")
    return notes


def _lost(total: SpendRow) -> list[str]:
    """Say in words what has no column where there is little room."""
    said = []
    if total.failed:
        said.append(f"{dollars(total.failed)} of it was charged for failures")
    if total.given_up:
        said.append(f"{dollars(total.given_up)} of it for requests that were given up")
    return said


def reconciled_lines(found: Sequence[Reconciled], screen: Screen) -> list[str]:
    """Say what vendors told, and which of them tell nothing."""
    if not found:
        return ["every cost is known: there is nothing to ask", ""]
    told = [one for one in found if one.error is None]
    lines = [f"vendors told {len(told)} of {counted(len(found), 'cost')}"]
    for one in told:
        change = f"{dollars(one.before_microusd)} -> {dollars(one.after_microusd)}"
        lines.append(f"  {safe(one.provider)}  {safe(one.node)}   {change}   {screen.style('note', one.source)}")
    silent: dict[tuple[str, str], list[str]] = {}
    for one in found:
        if one.error is not None:
            silent.setdefault((one.provider, one.error), []).append(one.node)
    for (provider, error), nodes in silent.items():
        shown = ", ".join(safe(node) for node in nodes[:_MOST_SHOWN])
        more = f" and {len(nodes) - _MOST_SHOWN} more" if len(nodes) > _MOST_SHOWN else ""
        lines.append(f"  {safe(provider)}: {safe(error)} ({shown}{more})")
    return [*lines, ""]
