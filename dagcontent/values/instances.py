"""The name of a node and labels into the name of an instance, and back. Knows no graph.

The nodes of a graph within a graph are named `ad/clip`, what it exports is `ad.film`; labels stand at the part of the name
whose dimensions they are of: `ad[es]/clip[intro]`, `ad.film[es]`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["PLAIN", "instance_name", "is_instance_name", "node_of", "parts_of"]

PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:")
"""Characters of a label that needs no quotes."""
_BRACKETS: Final = r"\[(?:'(?:[^'\\]|\\.)*'|[^'\]])*\]"
_PART: Final = re.compile(rf"(/?[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)({_BRACKETS})?", re.DOTALL)
_INSIDE: Final = re.compile(_BRACKETS, re.DOTALL)
_NODE_PART: Final = re.compile(r"/?[^/]+")


def instance_name(node: str, labels: Sequence[str] | None, levels: Sequence[int] = ()) -> str:
    """Return `still[intro]`; labels with other characters are quoted; None labels: no dimensions.

    `levels` says how many labels stand at each part of the name before the last: `ad[es]/clip[intro]` for (1,).
    """
    if not labels:
        return node
    if not levels:
        return f"{node}{_bracketed(labels)}"
    made, done = "", 0
    for part, count in zip(_NODE_PART.findall(node), [*levels, len(labels)], strict=False):
        here = labels[done : done + count]
        made += part + (_bracketed(here) if here else "")
        done += count
    return made


def node_of(name: str) -> str:
    """Return `still` of `still[intro,2]`, and `ad/clip` of `ad[es]/clip[intro]`."""
    head, bracket, rest = name.partition("[")
    if not bracket or "]/" not in rest:
        return head
    return _INSIDE.sub("", name)


def parts_of(name: str) -> list[tuple[str, str | None]] | None:
    """Return (part of the node's name, what stands in its brackets) from the outermost in; None for what is no such name."""
    found: list[tuple[str, str | None]] = []
    at = 0
    while at < len(name):
        part = _PART.match(name, at)
        if part is None or (part[1][0] == "/") != bool(found):
            return None
        found.append((part[1], None if part[2] is None else part[2][1:-1]))
        at = part.end()
    return found or None


def is_instance_name(name: str) -> bool:
    """Tell whether text has the form of an instance's name."""
    found = parts_of(name)
    return found is not None and all(inside != "" for _, inside in found)


def _bracketed(labels: Sequence[str]) -> str:
    return f"[{','.join(x if x == '*' or PLAIN.issuperset(_unmarked(x)) else _quoted(x) for x in labels)}]"


def _unmarked(label: str) -> str:
    """Return a label without the marks that are ours: of a repeat, and of a take."""
    return label.replace("~", "").removeprefix("take=")


def _quoted(label: str) -> str:
    return "'" + label.replace("\\", "\\\\").replace("'", "\\'") + "'"
