"""Turn names of instances into nodes and labels, and many names into few. Knows no graph."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from dagcontent.values.instances import node_of, parts_of

__all__ = ["grouped", "labels_of", "node_of"]

_ALIKE: Final = 3
_LABEL: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|([^,'\]]+)")


def labels_of(name: str) -> tuple[str, ...]:
    """Return ("intro", "2") of `still[intro,2]`, ("es", "intro") of `ad[es]/still[intro]`."""
    if "[" not in name:
        return ()
    return tuple(
        re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
        for _, inside in parts_of(name) or ()
        for quoted, plain in _LABEL.findall(inside or "")
    )


def grouped(names: Iterable[str]) -> list[str]:
    """Return names in order, three and more instances of one node as `clip[*] x3`."""
    nodes: dict[str, list[str]] = {}
    for name in names:
        nodes.setdefault(node_of(name), []).append(name)
    made: list[str] = []
    for node, same in nodes.items():
        made += [f"{node}[*] x{len(same):,}"] if len(same) >= _ALIKE else same
    return made
