"""Turn a window whose edges lie between px into whole numbers that show it. Knows no picture.

Theory. A fast scaler turns a whole number of px into a whole number of px, and what is seen is cut out of those: with `first` and
`end` in the picture, `scaled` px made of them, and `skipped` px left out before what is seen,

    scale = scaled / (end - first)          the left edge is off by  (first - left) * scale + skipped   px of what is seen

and so for the right one. Rounding the window itself is off by half a px, which trembles when it moves. But a little more of the
picture may be scaled than is seen, on either side: of the pairs of numbers there, some make both errors small, as fractions do that come
near a number. Only where the scale is near a simple fraction none does; of two copies of a picture in different sizes, one then has another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["NEAR_PX", "REACH_PX", "Span", "nearest"]

REACH_PX: Final = 10
"""How far beyond a window its picture must go, on either side."""
NEAR_PX: Final = 0.03
"""An error that is not seen: looking for less takes longer than scaling."""


class Span(NamedTuple):
    """One axis of a window: of which copy, from `first` to `end` of it, scaled to so many px, of which some are skipped."""

    copy: int
    first: int
    end: int
    scaled: int
    skipped: int
    error: float


def nearest(windows: Sequence[tuple[float, float]], seen: int, near_px: float = NEAR_PX) -> Span:
    """Return the best numbers for one of several `windows` (left and right edge in px of a copy each), of which `seen` px are made.

    The error is that of the worse edge, in px of what is seen; at `near_px` it is small enough.
    """
    best = None
    for copy, (left, right) in enumerate(windows):
        found = _nearest(copy, left, right, seen, near_px)
        if best is None or found.error < best.error:
            best = found
        if best.error <= near_px:
            break
    assert best is not None
    return best


def _nearest(copy: int, left: float, right: float, seen: int, near_px: float) -> Span:
    wanted = seen / (right - left)
    best = Span(copy, 0, 0, 0, 0, math.inf)
    for first in range(math.floor(left), math.floor(left) - REACH_PX, -1):
        for end in range(math.ceil(right), math.ceil(right) + REACH_PX):
            scaled = round((end - first) * wanted)
            scale = scaled / (end - first)
            skipped = round((left - first) * scale)
            error = max(abs((first - left) * scale + skipped), abs((first - right) * scale + skipped + seen))
            if error < best.error and skipped + seen <= scaled:
                best = Span(copy, first, end, scaled, skipped, error)
                if error <= near_px:
                    return best
    return best
