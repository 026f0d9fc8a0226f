"""Turn facts that travel with a recording (`alignment`, `chapters`) into those of what is made of it. Knows no file.

alignment   [{text, start, end}]    words, seconds from the beginning
chapters    [{title, start, end}]   parts, seconds from the beginning
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dagcontent.errors import NodeError

__all__ = ["chapter_file", "cut", "merged", "scaled", "shifted", "titled", "travelling", "within"]

Row = dict[str, Any]


def shifted(rows: Sequence[Mapping[str, Any]] | None, by_s: float, until_s: float | None = None) -> list[Row]:
    """Return rows moved later by `by_s`, those that begin at or after `until_s` left out, the last one cut there."""
    moved: list[Row] = []
    for row in rows or ():
        start, end = _ms(row["start"] + by_s), _ms(row["end"] + by_s)
        if until_s is not None:
            if start >= until_s:
                continue
            end = min(end, _ms(until_s))
        moved.append({**row, "start": start, "end": end})
    return moved


def cut(rows: Sequence[Mapping[str, Any]] | None, until_s: float) -> list[Row]:
    """Return rows as far as `until_s`."""
    return shifted(rows, 0.0, until_s)


def within(rows: Sequence[Mapping[str, Any]] | None, start_s: float, end_s: float) -> list[Row]:
    """Return rows of what is kept between two times, from its beginning: those that reach into it, cut at both ends."""
    kept = [
        row
        for row in rows or ()
        if row["start"] < end_s and (row["end"] > start_s or row["start"] == row["end"] == start_s)
    ]
    return shifted(kept, -start_s, end_s - start_s)


def scaled(rows: Sequence[Mapping[str, Any]] | None, factor: float) -> list[Row]:
    """Return rows of what was stretched, or with a factor below 1 pressed together."""
    return [{**row, "start": _ms(row["start"] * factor), "end": _ms(row["end"] * factor)} for row in rows or ()]


def merged(*parts: Iterable[Row]) -> list[Row]:
    """Return the rows of all parts, parts in the order of their beginning.

    A part stays together: where recordings overlap, their words would be read in turns otherwise.
    """
    lists = [list(part) for part in parts]
    return [row for rows in sorted(filter(None, lists), key=lambda rows: rows[0]["start"]) for row in rows]


def titled(titles: Sequence[str], starts: Sequence[float], end: float) -> list[Row]:
    """Return one chapter a title, each ending where the next begins. Raises NodeError when the numbers differ."""
    if len(titles) != len(starts):
        text = f"there are {len(titles)} titles for {len(starts)} clips"
        raise NodeError(text, hint="give one title a clip")
    ends = [*starts[1:], end]
    return [
        {"title": " ".join(title.split()), "start": _ms(start), "end": _ms(stop)}
        for title, start, stop in zip(titles, starts, ends, strict=True)
    ]


def travelling(facts: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Return the carried facts that are there and not empty."""
    return {name: list(facts[name]) for name in ("alignment", "chapters") if facts.get(name)}


def chapter_file(chapters: Sequence[Mapping[str, Any]], path: Path) -> Path:
    """Write chapters as ffmpeg reads them and return the path."""
    lines = [";FFMETADATA1"]
    for row in chapters:
        start, end = round(row["start"] * 1000), round(row["end"] * 1000)
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={start}", f"END={max(end, start + 1)}"]
        lines.append(f"title={_escaped(str(row['title']))}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _escaped(title: str) -> str:
    escaped = "".join("\\" + letter if letter in "=;#\\\n" else letter for letter in title)
    # ffmpeg takes any backslash before the end of a line for a line that goes on, an escaped one too.
    return f"{escaped} " if title.endswith("\\") else escaped


def _ms(seconds: float) -> float:
    return round(max(0.0, float(seconds)), 3)
