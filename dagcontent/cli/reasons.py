"""Turn a row of a plan into a few words on why it stands there: `text edited (line 31)`. Knows no screen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from dagcontent.cli.names import node_of
from dagcontent.cli.words import listed
from dagcontent.plan.model import FieldDiff, Plan, PlanRow

__all__ = ["Reasons", "field_name", "waits_for_a_word"]

_MOST_FIELDS: Final = 3
_MOST_LINES: Final = 3
_ID: Final = 13
_STANDS: Final = {
    "resume": "under way{attempt}: nothing more to pay",
    "unresolved": "nobody can tell{attempt}",
    "repay": "its bytes are gone",
    "waiting": "a person is to choose",
    "unneeded": "another alternative serves",
}

_UNSENT: Final = "begun{attempt}: sent if it turns out that it never was"


def field_name(diff: FieldDiff) -> str:
    """Return a field as it is called in the file: `prompt` for `params.prompt`."""
    return diff.field.removeprefix("params.")


class Reasons:
    """Words for the rows of one plan. `shown` is the graph's path as it was given."""

    def __init__(self, plan: Plan, shown: str) -> None:
        self._nodes = {node_of(row.node) for row in plan.rows}
        self._main = os.path.abspath(shown)
        self._folder = os.path.dirname(self._main)
        self.shown = shown

    def of(self, row: PlanRow) -> str:
        """Return why a row has its status."""
        words = self._words(row)
        return words if row.items_expected is None else f"{words} ({row.items_expected} last time)"

    def _words(self, row: PlanRow) -> str:
        attempt = (row.attempt or "")[:_ID]
        if row.unsent:
            return _UNSENT.format(attempt=f" ({attempt})" if attempt else "")
        if row.status in _STANDS:
            said = "a person is to approve" if waits_for_a_word(row) else _STANDS[row.status]
            return said.format(attempt=f" ({attempt})" if attempt else "")
        if row.status in {"failed", "blocked", "skipped", "passed_over"}:
            return self._nothing(row, attempt)
        if row.status in {"hit", "pinned"}:
            given = [] if row.replaced is None else [f"replaced by {row.replaced}" if row.replaced else "replaced"]
            return "; ".join([*([self._stale(row)] if row.stale else []), *given])
        if row.status == "maybe" and row.instead_of:
            return f"only if {node_of(row.instead_of)} fails"
        if row.status == "maybe" and row.depends and row.cause != "edit":
            return self._depends(row)
        changed = [diff for diff in row.why if diff.changed]
        if row.cause == "edit":
            return self._edited(changed)
        if row.cause == "upstream":
            return self._upstream(changed)
        if row.cause == "upgrade":
            return "its kind has a new version"
        return "new"

    @staticmethod
    def _nothing(row: PlanRow, attempt: str) -> str:
        """Return why there will be no result."""
        if row.status == "failed" and attempt:
            return f"abandoned ({attempt})"
        if row.status == "failed":
            return row.error or "failed"
        if row.status == "blocked":
            return f"waits for {row.by}, which fails" if row.by else row.error or "blocked"
        if row.status == "passed_over":
            return f"waits for {row.by}, which failed" if row.by else row.error or "failed"
        return f"{row.by} is skipped" if row.by and row.by != row.node else "its `when` does not hold"

    def _stale(self, row: PlanRow) -> str:
        """Return what has moved since a result was pinned; a memo does not know."""
        changed = [diff for diff in row.why if diff.changed]
        if not changed:
            return "stale, its inputs have moved"
        written = any(diff.places or not diff.upstream for diff in changed)
        return f"stale, {self._edited(changed) if written else self._upstream(changed)}"

    def _depends(self, row: PlanRow) -> str:
        """Return what a `maybe` turns on, and how often that really changed."""
        names = listed(list(dict.fromkeys(node_of(one.node) for one in row.depends)), 2)
        changed, of = sum(one.changed for one in row.depends), sum(one.of for one in row.depends)
        if row.cause == "new":
            return f"new, after {names}"
        return f"{names} may change" + (f" ({changed} of last {of})" if of else "")

    def _edited(self, changed: Sequence[FieldDiff]) -> str:
        if rerolled := next((d for d in changed if d.field == "reroll"), None):
            at = self.places(list(rerolled.lines))
            return f"sample {rerolled.new} instead of {rerolled.old}" + (f" ({at})" if at else "")
        written = [d for d in changed if not d.unknown and (d.places or not d.upstream)] or list(changed)
        names = listed([field_name(d) for d in written], _MOST_FIELDS)
        added = all(d.old is None for d in written)
        removed = all(d.new is None and not d.unknown for d in written)
        verb = "added" if added else "removed" if removed else "edited"
        places = self.places([line for d in written for line in d.lines])
        return f"{names} {verb} ({places})" if places and not removed else f"{names} {verb}"

    def _upstream(self, changed: Sequence[FieldDiff]) -> str:
        above = list(dict.fromkeys(name for d in changed for name in d.upstream))
        files = [name for name in above if node_of(name) not in self._nodes]
        if files and len(files) == len(above):
            return f"{listed(files, 2)} changed"
        return f"upstream: {listed(above, 2)}" if above else "upstream"

    def places(self, found: Sequence[tuple[str, int]]) -> str:
        """Return "line 31", "lines 31, 40", "common.toml:7": the main file goes without saying."""
        found = list(dict.fromkeys(found))
        if all(file == self._main for file, _ in found):
            lines = sorted(line for _, line in found)
            word = "line" if len(lines) == 1 else "lines"
            more = f" and {len(lines) - _MOST_LINES} more" if len(lines) > _MOST_LINES else ""
            return f"{word} {', '.join(map(str, lines[:_MOST_LINES]))}{more}" if lines else ""
        return listed([f"{self.file(file)}:{line}" for file, line in found], _MOST_LINES)

    def file(self, path: str) -> str:
        """Return a file as it is named to people: the graph as it was given, others from its folder."""
        return self.shown if path == self._main else os.path.relpath(path, self._folder)


def waits_for_a_word(row: PlanRow) -> bool:
    """Tell whether a person is to approve what it shows, not to choose."""
    if row.status != "waiting":
        return False
    from dagcontent.kinds.declaration import Effect  # noqa: PLC0415 - most plans wait for nobody
    from dagcontent.kinds.registry import kind_of  # noqa: PLC0415 - as above

    return kind_of(row.kind).effect is Effect.PERSON
