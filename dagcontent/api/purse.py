"""The journal's sums into events: what a build has spent and reserved, whenever that changes. Knows no vendor and no policy."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from dagcontent.errors import StoreError
from dagcontent.run.events import BuildSpent, Event, NodeFinished, NodeStage
from dagcontent.store.store import Store
from dagcontent.values.money import Cap

__all__ = ["Purse"]


class Purse:
    """A listener of one run's events that tells others of its money."""

    def __init__(self, store: Store, run: str, limit_microusd: int | None, tell: Callable[[Event], None]) -> None:
        self._store = store
        self._cap = Cap("run", run, 0)
        self._limit = limit_microusd
        self._tell = tell
        self._last = (0, 0)

    def __call__(self, event: Event) -> None:
        """Look at the sums where an event may have changed them."""
        if not isinstance(event, NodeStage | NodeFinished):
            return
        with contextlib.suppress(StoreError):  # a picture is no reason to stop
            found = self._store.attempts.spent(self._cap)
            if found != self._last:
                self._last = found
                self._tell(BuildSpent(*found, self._limit, event.at_s))
