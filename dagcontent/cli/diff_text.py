"""What changed between two runs into lines for people, and into a document. Knows no store."""

from __future__ import annotations

import datetime as dt
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from dagcontent.api.diffing import NodeDiff, Result, RunDiff
from dagcontent.cli.columns import Cell, aligned
from dagcontent.cli.money import digits_of, dollars
from dagcontent.cli.reasons import field_name
from dagcontent.cli.runs_text import graph_of_run, summary_document
from dagcontent.cli.screen import Screen, safe
from dagcontent.cli.why_text import then_and_now
from dagcontent.cli.words import command as command_line
from dagcontent.cli.words import counted, cut, facts_of, listed, plain, short, when
from dagcontent.plan.model import FieldDiff
from dagcontent.values.money import usd_decimal
from dagcontent.values.value import Blob

__all__ = ["diff_document", "diff_lines"]

_MOST: Final = 40
_ROOMY: Final = 100
_MOST_FIELDS: Final = 6
_MOST_FILES: Final = 4
_ROLES: Final = {"changed": "run", "appeared": "ok", "gone": "failed", "same": "dim"}
_INDENT: Final = " " * 12


def diff_document(found: RunDiff) -> dict[str, Any]:
    """Return the JSON document."""
    then, now = found.old.summary.cost.spent, found.new.summary.cost.spent
    sign = "-" if now < then else ""
    return {
        "old": {**summary_document(found.old.summary), "whole": found.old.whole},
        "new": {**summary_document(found.new.summary), "whole": found.new.whole},
        "counts": found.counts,
        "cost_usd": {
            "old": usd_decimal(then), "new": usd_decimal(now), "difference": sign + usd_decimal(abs(now - then)),
        },
        "untold": found.untold,
        "nodes": [
            {
                "node": row.node, "change": row.change, "alike": row.alike,
                "fields": [{"field": f.field, "old": plain(f.old), "new": plain(f.new)} for f in row.fields],
                "old": _result_document(row.old), "new": _result_document(row.new),
            }
            for row in found.rows
        ],
    }  # fmt: skip


def _result_document(one: Result | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "key": one.key, "known": one.known, "kind": one.kind or None, "model": one.model or None, "value": plain(one.value),
        "error": one.error, "file": one.file, "cost_usd": usd_decimal(one.cost_microusd), "run": one.run or None,
        "artifacts": [
            {**plain(place.blob), "facts": plain(place.blob.facts), "path": place.path, "outputs": list(place.outputs)}
            for place in one.artifacts
        ],
    }  # fmt: skip


def diff_lines(found: RunDiff, screen: Screen, now: dt.datetime, options: Sequence[str]) -> list[str]:
    """Return what changed: the runs and what they cost, then each instance that is not the same."""
    old, new = found.old.summary, found.new.summary
    counts = [f"{count:,} {word}" for word, count in found.counts.items() if count]
    both, found_so = f"{old.short} -> {new.short}", "   ".join(counts or ["nothing to compare"])
    fits = len(both) + len(found_so) + 3 <= screen.width()
    head = [f"{both}   {found_so}"] if fits else [both, f"  {found_so}"]
    lines = [screen.style("head", line) for line in head]
    if (old.run.graph, old.run.profile) != (new.run.graph, new.run.profile):
        what = "two graphs" if old.run.graph != new.run.graph else "two profiles of one graph"
        text = f"these are {what}: {graph_of_run(old.run)} and {graph_of_run(new.run)}"
        lines.insert(0, screen.style("warning", text))
    lines += ["", *_runs(found, screen, now), *_notes(found, screen.width())]
    told = [row for row in found.rows if row.change != "same"]
    names = {row.old.key: row.node for row in told if row.change == "gone" and row.old is not None}
    shown = told if screen.verbose else told[:_MOST]
    for row in shown:
        lines += ["", *_node(row, screen, names)]
    if len(told) > len(shown):
        lines += ["", f"  and {len(told) - len(shown):,} more; -v shows all"]
    same = [row.node for row in found.rows if row.change == "same"]
    if same:
        lines += ["", f"  same      {listed(same, len(same) if screen.verbose else 4)}"]
    if told and old.run.graph == new.run.graph:
        lines += ["", screen.style("command", command_line("runs", new.short, *options))]
    return lines


def _runs(found: RunDiff, screen: Screen, now: dt.datetime) -> list[str]:
    sides = (found.old.summary, found.new.summary)
    spent = [one.cost.spent for one in sides]
    digits = digits_of(spent)
    more = spent[1] - spent[0]
    columns: dict[str, list[Cell]] = {
        "": [("dim", "from"), ("dim", "to")],
        "run": [one.short for one in sides],
        "began": [("dim", when(one.run.started_ms, now)) for one in sides] if screen.width() >= _ROOMY else [],
        "graph": [graph_of_run(one.run) for one in sides],
        "ended": [one.run.status for one in sides],
        "spent": [dollars(cost, digits) for cost in spent] if any(spent) else [],
    }
    told = [name for name, cells in columns.items() if cells]
    rows: list[Sequence[Cell]] = [[("head", name) for name in told]]
    rows += [list(row) for row in zip(*(columns[name] for name in told), strict=True)]
    if more:
        rows.append([*[""] * (len(told) - 1), f"{'+' if more > 0 else '-'}{dollars(abs(more), digits)}"])
    right = [told.index("spent")] if "spent" in told else []
    return aligned(rows, screen.width(), screen.style, shrink=(told.index("graph"),), right=right)


def _notes(found: RunDiff, width: int) -> list[str]:
    lacking = [side for side in (found.old, found.new) if not side.whole]
    if not lacking:
        return []
    said = [f"of {side.summary.short} only what it made is known: {side.why}" for side in lacking]
    if found.untold:
        where = "of the other cannot be compared with it" if len(lacking) == 1 else "of one of them cannot be compared"
        said.append(f"{counted(found.untold, 'instance')} {where}")
    return [
        "",
        *(line for text in said for line in textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ")),
    ]


def _node(row: NodeDiff, screen: Screen, gone: Mapping[str, str]) -> list[str]:
    """Return one instance; `gone` are the keys of those that went, with their names: a label that was changed is seen so."""
    made = row.new or row.old
    assert made is not None
    by = [("dim", safe(made.model or made.kind))] if made.known else []
    cost = [dollars(made.cost_microusd)] if made.cost_microusd else []
    cells: list[Cell] = [(_ROLES[row.change], f"{row.change:<8}"), ("head", safe(row.node)), *by, *cost]
    lines = aligned([cells], screen.width(), screen.style, shrink=(1, 2))
    inside = [*_by_hand(row), *_fields(row, screen), *_results(row, screen)]
    if row.change == "appeared" and made.key in gone:
        inside.insert(0, f"what {safe(gone[made.key])} was")
    return lines + [_INDENT + line for line in inside]


def _fields(row: NodeDiff, screen: Screen) -> Iterator[str]:
    room = screen.width() - len(_INDENT)
    shown = row.fields if screen.verbose else row.fields[:_MOST_FIELDS]
    for diff in shown:
        for name, then, now in _values(diff):
            each = max(12, (room - len(name) - 8) // 2)
            yield cut(f"{name}:  {cut(then, each)}  ->  {cut(now, each)}", room)
    if len(row.fields) > len(shown):
        yield f"and {counted(len(row.fields) - len(shown), 'field')} more"


def _by_hand(row: NodeDiff) -> Iterator[str]:
    """Yield what a person did: a file that was given, or taken away."""
    then, now = (None if one is None else one.file for one in (row.old, row.new))
    if now is not None:
        yield f"given by a person: {safe(now)}" + (f", before {safe(then)}" if then is not None else "")
    elif then is not None:
        yield f"was given by a person: {safe(then)}"


def _values(diff: FieldDiff) -> Iterator[tuple[str, str, str]]:
    """Yield a field then and now; of lists of artifacts the elements that differ."""
    name, old, new = field_name(diff), diff.old, diff.new
    if isinstance(old, list) and isinstance(new, list) and any(isinstance(one, Blob) for one in (*old, *new)):
        pairs = list(enumerate(zip_longest(old, new)))
        differ = [(at, then, now) for at, (then, now) in pairs if then != now]
        if differ:
            for at, then, now in differ[:_MOST_FIELDS]:
                yield f"{name}[{at}]", short(then), short(now)
            if len(differ) > _MOST_FIELDS:
                yield name, counted(len(old), "element"), f"{len(new):,}, of which {len(differ):,} differ"
            return
    yield name, *then_and_now(diff)


def _results(row: NodeDiff, screen: Screen) -> Iterator[str]:
    room = screen.width() - len(_INDENT)
    lost = [one for one in (row.old, row.new) if one is not None and not one.known]
    for one in lost:
        yield f"the record {one.key[:12]} cannot be read"
    if row.alike:
        yield "the result is the same"
    elif row.old is not None and row.new is not None and not lost:
        then, now = _said(row.old, room // 2 - 3), _said(row.new, room // 2 - 3)
        if len(then) + len(now) + 6 <= room:
            yield f"{then}  ->  {now}"
        else:
            yield from (cut(then, room), cut(f"-> {now}", room))
    elif not lost and (made := row.new or row.old) is not None:
        yield _said(made, room)
    if row.change == "changed" and row.alike:
        return
    yield from _places(row.new or row.old, screen)
    if screen.verbose and row.new is not None and row.old is not None:
        yield from (f"before: {path}" for path in _paths(row.old))


def _said(one: Result, most: int) -> str:
    """Return a result in one line: an artifact with its facts, anything else in short."""
    if one.error is not None:
        return cut(safe(f"failed: {one.error}"), most)
    if isinstance(one.value, Blob):
        return "   ".join([short(one.value), *facts_of(one.value.facts, one.value.size_bytes)])
    return short(one.value, most)


def _places(one: Result | None, screen: Screen) -> Iterator[str]:
    if one is None:
        return
    outputs = [output for place in one.artifacts for output in place.outputs]
    if outputs:
        yield f"output: {listed(outputs, len(outputs) if screen.verbose else _MOST_FILES)}"
    gone = sum(place.path is None for place in one.artifacts)
    if gone:
        yield f"{counted(gone, 'file')} of it not in the store any more"
    if screen.verbose:
        yield from (f"file: {path}" for path in _paths(one))


def _paths(one: Result) -> Iterator[str]:
    return (safe(os.fspath(place.path)) for place in one.artifacts if place.path is not None)
