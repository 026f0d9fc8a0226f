"""What a build stands on, in one place where it can be exchanged. Knows no graph.

Whoever writes kinds of their own gives a `registry` that knows them; `testing` gives a crash point and a clock. All that
is left out is this version's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from dagcontent.media.call import Registry

__all__ = ["Seams"]


def _no_crash(_point: str) -> None:
    """Do nothing: tests pass a function that ends the process instead."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Seams(msgspec.Struct, frozen=True, kw_only=True):
    """The exchangeable parts of a build.

    `registry` holds the local implementations (None: all of this version). `crashpoint` is called with a name before
    each step that a crash could tear from the next one, in any thread. `now_ms` is the time written into records, `clock`
    measures durations in seconds.
    """

    registry: Registry | None = None
    crashpoint: Callable[[str], None] = _no_crash
    now_ms: Callable[[], int] = _now_ms
    clock: Callable[[], float] = time.monotonic
