"""Every declared kind by name, and the names that are planned. Knows no implementation."""

from __future__ import annotations

from typing import Final

from dagcontent.kinds import asset, audio, control, deciding, document, footage, image, lists, media, text, video
from dagcontent.kinds.declaration import Kind

__all__ = ["COMMON_KEYS", "KINDS", "LATER_KINDS", "RESERVED_NAMES", "kind_of"]

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for module in (text, lists, asset, document, image, audio, video, footage, media, control, deciding)
    for kind in module.KINDS
}
"""All kinds that can be used, by name."""

LATER_KINDS: Final = frozenset("python command".split())
"""Kinds of the language that this version cannot build yet."""

COMMON_KEYS: Final = (
    "kind", "model", "options", "each", "takes", "needs", "when", "optional", "output", "timeout", "retries",
    "on_error", "on_block", "max_cost_usd", "snap", "seed", "cache", "tags",
)  # fmt: skip
"""Keys that every node has; no kind has a parameter of the same name."""

RESERVED_NAMES: Final = frozenset({"params", "each", "index", "label", "take", "prev", "next"})
"""Names that no node and no dimension may have."""


def kind_of(name: str) -> Kind:
    """Return a kind by name: one that can be used, or one that only nodes have which others bring with them."""
    return control.MEASURE if name == control.MEASURE.name else KINDS[name]
