"""A named crash point into the end of this process, at once and without a word. Knows no store.

Give one of these as `crashpoint` of `api.Seams`: first `Points`, to learn which points a build passes and how often,
then `CrashAt` in a process of its own, once for each of them.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator

__all__ = ["CrashAt", "Points"]


class Points:
    """Counts crash points, from any thread."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, point: str) -> None:
        """Note that a point is passed."""
        with self._lock:
            self.passed[point] += 1

    def spread(self, most: int) -> list[tuple[str, int]]:
        """Return up to `most` (point, occurrence from 1), every name in turn: the rare ones are not crowded out."""
        names = sorted(self.passed)
        rounds = range(max(self.passed.values(), default=0))
        return list(self._in_turn(names, rounds))[:most]

    def _in_turn(self, names: list[str], rounds: range) -> Iterator[tuple[str, int]]:
        for nth in rounds:
            # From both ends: the first time a point is passed, the last time, the second time, ...
            for name in names:
                count = self.passed[name]
                if nth < count:
                    yield name, nth // 2 + 1 if nth % 2 == 0 else count - nth // 2


class CrashAt:
    """Ends the process by SIGKILL when a point is passed for the n-th time (from 1)."""

    def __init__(self, point: str, occurrence: int) -> None:
        self._points = Points()
        self._at = (point, occurrence)

    def __call__(self, point: str) -> None:
        """Pass a point, or do not."""
        self._points(point)
        if (point, self._points.passed[point]) == self._at:
            os.kill(os.getpid(), signal.SIGKILL)
