"""Turn a Picture into text for other programs (Mermaid, Graphviz) and for people. Knows no graph and no store."""

from __future__ import annotations

import json
from typing import Any, Final

from dagcontent.report.picture import STATUSES, Box, Picture
from dagcontent.spec.source import visible

__all__ = ["document", "dot", "mermaid", "table"]

_COLOURS: Final = {
    "hit": "#2c9a5b", "run": "#2b6fe0", "maybe": "#d1930a", "skipped": "#9aa0a6", "failed": "#d13c3c",
    "blocked": "#a06a5c",
}  # fmt: skip
_WORST: Final = ("failed", "blocked", "run", "maybe", "hit", "skipped")


def mermaid(picture: Picture) -> str:
    """Return a Mermaid flowchart."""
    lines = ["flowchart LR"]
    # What stands in a graph has a name that is no id; those of other nodes begin with n_.
    ids = {
        box.name: f"n{i}" if "/" in box.name or "." in box.name else f"n_{box.name}"
        for i, box in enumerate(picture.boxes)
    }
    for i, (group, boxes) in enumerate(_groups(picture)):
        indent = "    " if group else "  "
        lines += [f'  subgraph g{i}["{_mermaid_text(group)}"]'] if group else []
        for box in boxes:
            text = "<br/>".join(_mermaid_text(part) for part in _texts(box))
            opening, closing = ("([", "])") if box.value else ("[", "]")
            status = _status(box)
            lines.append(f'{indent}{ids[box.name]}{opening}"{text}"{closing}' + (f":::{status}" if status else ""))
        lines += ["  end"] if group else []
    lines += [f"  {ids[source]} --> {ids[target]}" for source, target in picture.arrows]
    used = {_status(box) for box in picture.boxes}
    lines += [f"  classDef {s} stroke:{_COLOURS[s]},stroke-width:2px" for s in STATUSES if s in used]
    return "\n".join(lines) + "\n"


def dot(picture: Picture) -> str:
    """Return a Graphviz digraph."""
    lines = [
        f"digraph {_quoted(picture.name)} {{",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded", fontname="Helvetica", fontsize=11];',
        '  edge [color="#888888", arrowsize=0.7];',
    ]
    for group, boxes in _groups(picture):
        indent = "    " if group else "  "
        lines += [f"  subgraph {_quoted(f'cluster_{group}')} {{", f"    label={_quoted(group)};"] if group else []
        for box in boxes:
            label = "\\n".join(_quoted(part)[1:-1] for part in _texts(box))
            status = _status(box)
            colour = f', color="{_COLOURS[status]}"' if status else ""
            style = ', style="rounded,dashed"' if box.value else ""
            lines.append(f'{indent}{_quoted(box.name)} [label="{label}"{colour}{style}];')
        lines += ["  }"] if group else []
    lines += [f"  {_quoted(source)} -> {_quoted(target)};" for source, target in picture.arrows]
    return "\n".join([*lines, "}", ""])


def table(picture: Picture) -> list[list[str]]:
    """Return a row a node: its name, kind or model, dimensions, statuses, and what it uses."""
    uses: dict[str, list[str]] = {}
    for source, target in picture.arrows:
        uses.setdefault(target, []).append(source)
    return [
        [
            box.name,
            box.model or box.kind,
            box.many,
            box.status or ("value" if box.value else ""),
            ", ".join(uses.get(box.name, [])),
        ]
        for box in picture.boxes
    ]


def document(picture: Picture) -> dict[str, Any]:
    """Return the picture as JSON data."""
    return {
        "graph": picture.name,
        "profile": picture.profile,
        "description": picture.description,
        "nodes": [
            {
                "node": box.name, "kind": box.kind, "model": box.model or None, "each": box.many or None, "layer": layer,
                "value": box.value, "output": box.output, "counts": dict(box.statuses),
            }
            for layer, boxes in enumerate(picture.layers)
            for box in boxes
        ],
        "edges": [{"from": source, "to": target} for source, target in picture.arrows],
        "counts": picture.counts,
    }  # fmt: skip


def _groups(picture: Picture) -> list[tuple[str, list[Box]]]:
    """Return boxes by the graph within the graph that they stand in, those of the graph itself first, under no name."""
    groups: dict[str, list[Box]] = {"": []}
    for box in picture.boxes:
        groups.setdefault(box.name.rpartition("/")[0], []).append(box)
    return list(groups.items())


def _texts(box: Box) -> list[str]:
    return [part for part in (f"{box.name}  {box.many}".strip(), box.model or box.kind, box.status) if part]


def _status(box: Box) -> str:
    found = {status for status, _ in box.statuses}
    return next((status for status in _WORST if status in found), "")


def _mermaid_text(text: str) -> str:
    # Mermaid reads HTML entities with # in front, and nothing else inside quotes is special.
    special = {'"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "#": "#35;", "`": "#96;"}
    return "".join(special.get(char, char) for char in visible(text))


def _quoted(text: str) -> str:
    return json.dumps(visible(text), ensure_ascii=False)
