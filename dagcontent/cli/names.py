"""Turn the name of an instance into its node and labels. Knows no graph."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["labels_of", "node_of"]

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
