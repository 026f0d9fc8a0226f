"""What becomes of a value that a model does not allow: the words for it, as a graph writes them. Knows no model."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

__all__ = ["SNAPS", "Snap"]

Snap: TypeAlias = Literal["up", "down", "nearest", "error"]
"""To the next that is no less, no more, or nearest; or refused. Where nothing is said: up for lengths of time, else refused."""

SNAPS: Final[tuple[Snap, ...]] = ("up", "down", "nearest", "error")
