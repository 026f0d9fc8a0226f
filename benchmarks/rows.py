"""Measurements into a Markdown table, into the README, and against a baseline. Knows no way of measuring."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Row", "Section", "drifted", "keep_baseline", "markdown", "write_readme"]

BEGIN = "<!-- results: written by `make bench BENCH=--write` -->"
END = "<!-- end of results -->"
_WORSE = 1.25


class Row(NamedTuple):
    """One line. `value` is what the target speaks of and what the baseline keeps: a ratio wherever there is a peer.

    The target is `most`, or `least` where more is better.
    """

    what: str
    size: str
    ours: str
    beside: str = ""
    value: float | None = None
    unit: str = "x"
    most: float | None = None
    least: float | None = None

    @property
    def id(self) -> str:
        """What stands for this line in the baseline."""
        return f"{self.what} | {self.size} | {self.beside.split(':')[0]}"

    def worse(self, one: float, other: float) -> bool:
        """Tell whether a value of this line is worse than another."""
        return one > other if self.least is None else one < other

    def drifted(self, known: float) -> bool:
        """Tell whether the value is a quarter worse than a known one."""
        margin = _WORSE if self.least is None else 1 / _WORSE
        return self.value is not None and self.worse(self.value, known * margin)

    def cells(self) -> tuple[str, ...]:
        """Return the line as the table shows it."""
        value = "" if self.value is None else f"{self.value:.2f}{self.unit}"
        bound = self.most if self.least is None else self.least
        target = "" if bound is None else f"{'<=' if self.least is None else '>='} {bound:g}{self.unit}"
        met = "" if bound is None or self.value is None else "yes" if not self.worse(self.value, bound) else "**no**"
        return (self.what, self.size, self.ours, self.beside, value, target, met)


class Section(NamedTuple):
    """Lines under one heading, and what a reader must know of them."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()


_HEAD = ("work", "size", "dagcontent", "beside it, in the same run", "value", "target", "met")


def markdown(facts: Iterable[tuple[str, str]], sections: Iterable[Section]) -> str:
    """Return the whole report."""
    lines = [f"- **{name}**: {text}" for name, text in facts]
    for section in sections:
        lines += ["", f"### {section.title}", "", _line(_HEAD), _line(["---"] * len(_HEAD))]
        lines += [_line(row.cells()) for row in section.rows]
        if section.notes:
            lines += ["", *(f"- {note}" for note in section.notes)]
    return "\n".join(lines) + "\n"


def write_readme(path: Path, report: str) -> None:
    """Put the report between the two marks of the README. Raises ValueError if they are not there."""
    text = path.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        message = f"{path} has lost the marks between which results are written"
        raise ValueError(message)
    path.write_text(f"{before}{BEGIN}\n\n{report}\n{END}{after}", encoding="utf-8")


def keep_baseline(path: Path, facts: Iterable[tuple[str, str]], sections: Iterable[Section]) -> None:
    """Write what later runs are compared with."""
    values = {row.id: round(row.value, 4) for section in sections for row in section.rows if row.value is not None}
    path.write_text(json.dumps({"facts": dict(facts), "values": values}, indent=1) + "\n", encoding="utf-8")


def drifted(path: Path, sections: Iterable[Section]) -> list[str]:
    """Return a line for each value that is a quarter worse than the baseline's: a reason to look, not a verdict."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))["values"]
    except FileNotFoundError:
        return []
    return [
        f"worse than the baseline: {row.id}: {row.value:.2f}{row.unit}, was {known[row.id]:.2f}{row.unit}"
        for section in sections
        for row in section.rows
        if row.value is not None and row.id in known and row.drifted(known[row.id])
    ]


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
