"""Turn names of instances into nodes and labels, and many names into few. Knows no graph."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["grouped", "labels_of", "node_of"]

_ALIKE: Final = 3
_LABEL: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|([^,'\]]+)")


def node_of(name: str) -> str:
    """Return `still` of `still[intro,2]`."""
    return name.partition("[")[0]


def labels_of(name: str) -> tuple[str, ...]:
    """Return ("intro", "2") of `still[intro,2]`."""
    _, bracket, inside = name.partition("[")
    if not bracket:
        return ()
    return tuple(re.sub(r"\\(.)", r"\1", quoted) if quoted else plain for quoted, plain in _LABEL.findall(inside[:-1]))


def grouped(names: Iterable[str]) -> list[str]:
    """Return names in order, three and more instances of one node as `clip[*] x3`."""
    nodes: dict[str, list[str]] = {}
    for name in names:
        nodes.setdefault(node_of(name), []).append(name)
    made: list[str] = []
    for node, same in nodes.items():
        made += [f"{node}[*] x{len(same):,}"] if len(same) >= _ALIKE else same
    return made
