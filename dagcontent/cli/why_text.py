"""Turn the explanation of one instance into a table: then, now, and where it is written. Knows no store."""

from __future__ import annotations

import datetime as dt
import json
import os
import textwrap
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from dagcontent.api.result import WhyResult
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.reasons import Reasons, field_name, waits_for_a_word
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.words import cut, listed, short, when
from dagcontent.kinds.declaration import WORKED_OUT
from dagcontent.kinds.registry import kind_of
from dagcontent.plan.model import FieldDiff
from dagcontent.values.value import Blob, blobs_in

__all__ = ["then_and_now", "why_lines"]

_CONTEXT: Final = 12
_MOST: Final = 66
_STATES: Final = {
    "hit": "its result is in the store: a build makes nothing",
    "pinned": "a person said that its result stays: no build makes it",
    "run": "a build makes it",
    "maybe": "made only if what it uses comes out differently",
    "skipped": "its `when` does not hold: a build leaves it out",
    "value": "worked out from its inputs each time; nothing is kept",
    "failed": "it cannot be made",
    "waiting": "a person is to choose; dagcontent pick says which",
    "passed_over": "it came to nothing, and another alternative serves",
    "unneeded": "another alternative serves: it is not made",
    "blocked": "something it needs cannot be made",
}


def why_lines(found: WhyResult, screen: Screen, shown: str, now: dt.datetime) -> list[str]:
    """Return why an instance would run: its state, and every field that its key is made of."""
    reasons = Reasons(found.plan, shown)
    row = next((r for r in found.plan.rows if r.node == found.node), None)
    state = _STATES.get(found.status, found.status)
    if row is not None and waits_for_a_word(row):
        state = "a person is to approve; dagcontent approve, or reject"
    head = f"{screen.style('head', safe(found.node))}: {screen.style(found.status, found.status)}, {state}"
    made = row is None or kind_of(row.kind).effect not in WORKED_OUT
    lines = [head, *(_compared(found, now) if made else [])]
    if row is not None and row.status in {"run", "maybe"}:
        row = msgspec.structs.replace(row, why=found.diffs)
        lines.append(f"why: {safe(reasons.of(row))}")
    lines += [f"note: {safe(note)}" for note in found.notes]
    if found.error:
        lines += [screen.style("failed", safe(found.error))]
        lines += [f"-> {safe(row.hint)}"] if row is not None and row.hint else []
    elif row is not None and row.status == "blocked":
        lines += [safe(reasons.of(row))]
    if found.diffs:
        lines += ["", *_table(found, screen)]
        lines += _long_texts(found.diffs, screen)
    return lines


def _compared(found: WhyResult, now: dt.datetime) -> list[str]:
    if found.compared_with == "nothing" or found.at_ms is None:
        if found.status in {"value", "skipped", "waiting", "unneeded"}:
            return []
        return ["nothing like it was made before: there is nothing to compare with"]
    what = {"last": "its last build", "nearest": "the nearest result"}[found.compared_with]
    return [f"compared with {what}, {when(found.at_ms, now)} (run {safe(found.run or '')})"]


def _table(found: WhyResult, screen: Screen) -> list[str]:
    compared = found.compared_with != "nothing"
    titles = ("parameter", "then", "now", "where") if compared else ("parameter", "now", "where")
    rows: list[Sequence[Cell]] = [[("dim", title) for title in titles]]
    # Changed ones first: they are what was asked for.
    for diff in sorted(found.diffs, key=lambda d: not d.changed):
        then, now = then_and_now(diff)
        role = "head" if diff.changed else "dim"
        cells: list[Cell] = [(role, field_name(diff))]
        if compared:
            cells.append(("dim", then))
        cells.append(now if diff.changed or not compared else ("dim", "unchanged"))
        cells.append(("place", _where(diff)))
        rows.append(cells)
    return aligned(rows, screen.width(), screen.style, shrink=(1, 2, 3))


def then_and_now(diff: FieldDiff) -> tuple[str, str]:
    """Return both values of a field in few cells; of long texts what stands around the first place where they differ."""
    if diff.changed and not diff.unknown and not any(blobs_in([diff.old, diff.new])):
        if isinstance(diff.old, str) and isinstance(diff.new, str):
            return _around(diff.old, diff.new, '"')
        if isinstance(diff.old, list | dict) and isinstance(diff.new, list | dict):
            return _around(json.dumps(diff.old, ensure_ascii=False), json.dumps(diff.new, ensure_ascii=False), "")
    then = short(diff.old, 60) if diff.old is not None else "-"
    now = "to be made" if diff.unknown else short(diff.new, 60) if diff.new is not None else "-"
    if then == now and isinstance(diff.old, Blob) and diff.changed:
        now += " (its facts differ)"
    return then, now


def _around(old: str, new: str, quote: str) -> tuple[str, str]:
    """Return both texts from shortly before the first place where they differ."""
    same = 0
    for a, b in zip(old, new, strict=False):
        if a != b:
            break
        same += 1
    start = max(0, same - _CONTEXT)
    if start < _CONTEXT:
        start = 0
    mark = "..." if start else ""
    then, now = (f"{quote}{mark}{cut(safe(text[start:]), _MOST)}{quote}" for text in (old, new))
    return then, now


def _where(diff: FieldDiff) -> str:
    if diff.lines:
        return ", ".join(f"{os.path.basename(file)}:{line}" for file, line in diff.lines[:2]) + (
            ", ..." if len(diff.lines) > 2 else ""
        )
    return listed(diff.upstream, 2)


def _long_texts(diffs: Sequence[FieldDiff], screen: Screen) -> list[str]:
    """With -v: changed texts in full, then and now."""
    if not screen.verbose:
        return []
    lines: list[str] = []
    for diff in diffs:
        if diff.changed and (isinstance(diff.old, str) or isinstance(diff.new, str)):
            lines += ["", f"  {screen.style('head', field_name(diff))}"]
            lines += _full("then  ", diff.old, screen.width()) + _full("now   ", diff.new, screen.width())
    return lines


def _full(word: str, value: Any, width: int) -> list[str]:
    texts = [safe(line) for line in value.split("\n")] if isinstance(value, str) else [short(value, 200)]
    indent = " " * (4 + len(word))
    lines = [part for text in texts for part in (textwrap.wrap(text, width - len(indent)) or [""])]
    return [(f"    {word}" if i == 0 else indent) + line for i, line in enumerate(lines)]
