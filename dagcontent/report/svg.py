"""Turn a Picture into SVG that reads well on light and on dark ground. Knows no graph and no store.

Ids are made of node names and stay the same from one picture to the next. Every text is escaped. No script, no font from
elsewhere, and no link but to places of the page that a picture is part of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from dagcontent.report.layout import Placed, lay_out
from dagcontent.report.picture import FAMILIES, STATUSES, Box, Picture
from dagcontent.spec.source import visible

__all__ = ["style_of", "svg"]

_MARGIN: Final = 32
_HEAD: Final = 66
_LINE: Final = 17
_PAD: Final = 12
_NARROW, _WIDE = 150, 260
_COLUMN_GAP: Final = 72
_ROW_GAP: Final = 22
_LEGEND: Final = 44
_DOT: Final = " \u00b7 "

_LIGHT: Final = {
    "ground": "#fbfbfa", "ink": "#1c2024", "soft": "#63696f", "line": "#a3a9b0", "paper": "#ffffff",
    "text": "#5b6b7b", "image": "#b4568a", "sound": "#b37400", "video": "#3f6fd1", "subtitles": "#11836f",
    "other": "#76777a", "hit": "#2c9a5b", "run": "#2b6fe0", "maybe": "#b87d00", "skipped": "#868c92",
    "failed": "#d13c3c", "blocked": "#a06a5c",
}  # fmt: skip
_DARK: Final = {
    "ground": "#15181b", "ink": "#eceef0", "soft": "#9ba3ab", "line": "#59616a", "paper": "#1f2428",
    "text": "#9fb0c1", "image": "#e58bbd", "sound": "#e6ad43", "video": "#82a8f5", "subtitles": "#4fc7b1",
    "other": "#a9abae", "hit": "#4cc27f", "run": "#6ba1ff", "maybe": "#f0b93a", "skipped": "#7d848b",
    "failed": "#ff7a7a", "blocked": "#c9937f",
}  # fmt: skip
_SHAPE: Final = """
  text { font-family: ui-sans-serif, system-ui, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
  .name { font-size: 14px; font-weight: 600; } .graph { font-size: 20px; font-weight: 700; }
  .kind, .said { font-size: 12px; } .model, .many { font-size: 11px; } .many, .state { font-weight: 600; }
  .state { font-size: 11.5px; } .pill { opacity: .15; } .paper { stroke-width: 1.4; }
  .arrow { fill: none; stroke-width: 1.6; } .value .paper { stroke-dasharray: 4 3; }
"""


def svg(picture: Picture, links: Mapping[str, str] | None = None) -> str:
    """Return the picture: a document of its own, or, with `links` (node -> id), a part of a page on which they are."""
    width = _box_width(picture.boxes)
    heights = {box.name: _box_height(box) for box in picture.boxes}
    placed = lay_out(
        [[box.name for box in layer] for layer in picture.layers], picture.arrows, heights=heights, gap=_ROW_GAP
    )
    columns = max((rank for rank, _ in placed.boxes.values()), default=0) + 1
    inner = columns * width + (columns - 1) * _COLUMN_GAP
    head = _head(picture)
    total = max(inner, _wide(picture.name, 20), _legend_width(picture)) + 2 * _MARGIN
    tall = _HEAD + placed.height + _LEGEND + _MARGIN
    drawn = _Drawing(width, heights, placed, links)
    mark = "" if links is None else "picture-"
    size = f'viewBox="0 0 {total:.0f} {tall:.0f}" width="{total:.0f}" height="{tall:.0f}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="picture-title picture-desc">',
            f'<title id="picture-title">{_text(picture.name)}</title>',
            f'<desc id="picture-desc">{_text(_described(picture))}</desc>',
            f"<style>{style_of(picture)}</style>",
            '<rect class="ground" width="100%" height="100%"/>',
            *head,
            f'<g id="{mark}arrows">',
            *(drawn.arrow(source, target) for source, target in picture.arrows),
            "</g>",
            f'<g id="{mark}nodes">',
            *(line for box in picture.boxes for line in drawn.box(box)),
            "</g>",
            *_legend(picture, _HEAD + placed.height + _LEGEND, mark),
            "</svg>",
            "",
        ]
    )


class _Drawing:
    """Boxes and arrows at their places."""

    def __init__(
        self, width: float, heights: dict[str, float], placed: Placed, links: Mapping[str, str] | None
    ) -> None:
        self._mark = "" if links is None else "picture-"
        self._links = links or {}
        self._width = width
        self._heights = heights
        self._placed = placed
        self._outs = self._ports(0)
        self._ins = self._ports(1)

    def _left(self, rank: int) -> float:
        return _MARGIN + rank * (self._width + _COLUMN_GAP)

    def _ports(self, end: int) -> dict[tuple[str, str], float]:
        """Return the heights at which arrows leave (0) or reach (1) their boxes: side by side, in the order they come."""
        by_box: dict[str, list[tuple[float, tuple[str, str]]]] = {}
        for arrow, bends in self._placed.bends.items():
            beyond = bends[0 if end == 0 else -1][1] if bends else self._placed.boxes[arrow[1 - end]][1]
            by_box.setdefault(arrow[end], []).append((beyond, arrow))
        ports: dict[tuple[str, str], float] = {}
        for name, found in by_box.items():
            found.sort()
            step = min(12.0, (self._heights[name] - 24) / max(1, len(found) - 1))
            for i, (_, arrow) in enumerate(found):
                ports[arrow] = self._placed.boxes[name][1] + (i - (len(found) - 1) / 2) * step
        return ports

    def arrow(self, source: str, target: str) -> str:
        """Return an arrow: a smooth curve through its bends."""
        arrow = (source, target)
        rank = self._placed.boxes[source][0]
        x, y = self._left(rank) + self._width, _HEAD + self._outs[arrow]
        parts = [f"M{x:.1f} {y:.1f}"]
        for at, middle in self._placed.bends[arrow]:
            left = self._left(at)
            parts += [_curve(x, y, left, _HEAD + middle), f"H{left + self._width:.1f}"]
            x, y = left + self._width, _HEAD + middle
        end_x = self._left(self._placed.boxes[target][0])
        end_y = _HEAD + self._ins[arrow]
        parts.append(_curve(x, y, end_x - 7, end_y))
        tip = f"M{end_x - 8:.1f} {end_y - 4.2:.1f}L{end_x - 0.5:.1f} {end_y:.1f}L{end_x - 8:.1f} {end_y + 4.2:.1f}Z"
        name = quoteattr(f"{self._mark}arrow-{source}-{target}")
        return f'<g id={name}><path class="arrow" d="{"".join(parts)}"/><path class="tip" d="{tip}"/></g>'

    def box(self, box: Box) -> list[str]:
        """Return a box with its texts."""
        rank, middle = self._placed.boxes[box.name]
        height = self._heights[box.name]
        x, y = self._left(rank), _HEAD + middle - height / 2
        kind = f"family-{box.family}" + (" value" if box.value else "")
        lines = [
            f'<g id={quoteattr(f"{self._mark}node-{box.name}")} class="{kind}" transform="translate({x:.1f} {y:.1f})">',
            f"<title>{_text(_told(box))}</title>",
            f'<rect class="paper edge" width="{self._width:.0f}" height="{height:.0f}" rx="9"/>',
            f'<path class="band" d="M0 9a9 9 0 0 1 9-9v{height:.0f}a9 9 0 0 1-9-9z"/>',
        ]
        left = _PAD + 7
        badge = _fit(box.many, self._width * 0.5, 11)
        room = self._width - left - _PAD - (_wide(badge, 11, bold=True) + 22 if badge else 0)
        lines.append(f'<text class="name" x="{left}" y="23">{_text(_fit(box.name, room, 14, bold=True))}</text>')
        if badge:
            wide = _wide(badge, 11, bold=True) + 16
            lines.append(
                f'<rect class="pill" x="{self._width - _PAD - wide + 4:.1f}" y="9" width="{wide:.1f}" height="19" rx="9.5"/>'
            )
            lines.append(
                f'<text class="many hue" x="{self._width - _PAD - wide + 11:.1f}" y="22.5">{_text(badge)}</text>'
            )
        at = 23 + _LINE + 1
        lines.append(
            f'<text class="kind" x="{left}" y="{at}">{_text(_fit(box.kind, self._width - left - _PAD, 12))}</text>'
        )
        if box.model:
            at += _LINE - 1
            lines.append(
                f'<text class="model" x="{left}" y="{at}">{_text(_fit(box.model, self._width - left - _PAD, 11))}</text>'
            )
        lines += [*self._state(box, left, height), "</g>"]
        anchor = self._links.get(box.name)
        return lines if anchor is None else [f"<a href={quoteattr(f'#{anchor}')}>", *lines, "</a>"]

    def _state(self, box: Box, left: float, height: float) -> list[str]:
        if not box.statuses:
            return []
        total = sum(count for _, count in box.statuses)
        lines: list[str] = []
        x, room = left, self._width - left - _PAD
        for status, count in box.statuses:
            wide = room * count / total
            lines.append(
                f'<rect class="is-{_known(status)}" x="{x:.1f}" y="{height - 27:.0f}" width="{max(1.0, wide - 1.5):.1f}" height="4" rx="2"/>'
            )
            x += wide
        x = left
        for status, count in box.statuses:
            word = f"{count:,} {status.replace('_', ' ')}"
            lines.append(
                f'<text class="state is-{_known(status)}" x="{x:.1f}" y="{height - 9:.0f}">{_text(word)}</text>'
            )
            x += _wide(word, 11.5) + 10
        return lines


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = (to_x - x) * 0.5
    return f"C{x + bend:.1f} {y:.1f} {to_x - bend:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"


def style_of(picture: Picture) -> str:
    """Return the style sheet of a picture. Colours are written out in each rule: not every reader of SVG knows variables."""
    families = [family for family in FAMILIES if any(box.family == family for box in picture.boxes)]
    dark = _colours(_DARK, families, "    ")
    return f"{_SHAPE}{_colours(_LIGHT, families, '  ')}\n  @media (prefers-color-scheme: dark) {{\n{dark}\n  }}\n"


def _colours(of: Mapping[str, str], families: Sequence[str], indent: str) -> str:
    rules = [
        f".ground {{ fill: {of['ground']}; }} .name, .graph {{ fill: {of['ink']}; }}",
        f".kind, .said, .model {{ fill: {of['soft']}; }} .paper {{ fill: {of['paper']}; }}",
        f".arrow {{ stroke: {of['line']}; }} .tip {{ fill: {of['line']}; }}",
    ]
    for family in families:
        inside = f".family-{family}"
        rules.append(
            f"{inside} .edge {{ stroke: {of[family]}; }} {inside} .band, {inside} .pill, {inside} .hue {{ fill: {of[family]}; }}"
        )
    rules += [f".is-{status} {{ fill: {of[status]}; }}" for status in STATUSES]
    return "\n".join(indent + rule for rule in rules)


def _head(picture: Picture) -> list[str]:
    words = [f"{len(picture.boxes):,} nodes" if len(picture.boxes) != 1 else "1 node"]
    words += [f"{count:,} {status.replace('_', ' ')}" for status, count in picture.counts.items()]
    return [
        f'<text class="graph" x="{_MARGIN}" y="34">{_text(picture.name)}</text>',
        f'<text class="said" x="{_MARGIN}" y="53">{_text(_DOT.join(words))}</text>',
    ]


def _legend(picture: Picture, y: float, mark: str) -> list[str]:
    families = [f for f in FAMILIES if any(box.family == f for box in picture.boxes)]
    lines = [f'<g id="{mark}legend">']
    x = float(_MARGIN)
    for family in families:
        lines.append(
            f'<g class="family-{family}"><rect class="band" x="{x:.1f}" y="{y - 10:.0f}" width="5" height="12" rx="2"/></g>'
        )
        lines.append(f'<text class="said" x="{x + 11:.1f}" y="{y:.0f}">{family}</text>')
        x += _wide(family, 12) + 27
    x += 14
    for status in picture.counts:
        lines.append(f'<rect class="is-{_known(status)}" x="{x:.1f}" y="{y - 6:.0f}" width="14" height="4" rx="2"/>')
        lines.append(f'<text class="said" x="{x + 20:.1f}" y="{y:.0f}">{_text(status.replace("_", " "))}</text>')
        x += _wide(status, 12) + 36
    return [*lines, "</g>"]


def _legend_width(picture: Picture) -> float:
    families = {box.family for box in picture.boxes}
    return sum(_wide(f, 12) + 27 for f in families) + 14 + sum(_wide(s, 12) + 36 for s in picture.counts)


def _described(picture: Picture) -> str:
    words = [picture.description] if picture.description else []
    words += [f"{len(picture.boxes)} nodes: " + "; ".join(_told(box) for box in picture.boxes)]
    return ". ".join(words)


def _told(box: Box) -> str:
    parts = [
        f"{box.name}: {box.kind}",
        box.model,
        box.many,
        box.status or ("worked out from its inputs" if box.value else ""),
    ]
    return ", ".join(part for part in parts if part)


def _box_width(boxes: Sequence[Box]) -> float:
    wide = [_NARROW]
    for box in boxes:
        name = _wide(box.name, 14) * 1.07 + (_wide(box.many, 11, bold=True) + 28 if box.many else 0)
        state = sum(_wide(f"{count:,} {status}", 11.5) + 10 for status, count in box.statuses)
        wide.append(int(max(name, _wide(box.kind, 12), _wide(box.model, 11), state) + 2 * _PAD + 10))
    return float(min(_WIDE, max(wide)))


def _box_height(box: Box) -> float:
    return 52.0 + (_LINE - 1 if box.model else 0) + (27 if box.statuses else 0)


def _known(status: str) -> str:
    return status if status in STATUSES else "skipped"


_NARROW_LETTERS: Final = frozenset("iljftrI.,:;|'!()[]{} -")
_WIDE_LETTERS: Final = frozenset("mwMWABCDEFGHKNOPQRUVXYZ@%_")


def _wide(text: str, size: float, *, bold: bool = False) -> float:
    """Return about how wide a text is, in pixels: fonts differ, so a little more than most need."""
    ems = sum(
        0.34 if c in _NARROW_LETTERS else 0.76 if c in _WIDE_LETTERS else 0.57 if c.isascii() else 1.0 for c in text
    )
    return ems * size * (1.07 if bold else 1.0)


def _fit(text: str, room: float, size: float, *, bold: bool = False) -> str:
    if _wide(text, size, bold=bold) <= room:
        return text
    while text and _wide(text + "...", size, bold=bold) > room:
        text = text[:-1]
    return text + "..."


def _text(text: str) -> str:
    return escape(visible(text.replace("\n", " ")))
