"""The store's slots and rates into waiting: how long a paid attempt stands in line. Knows no vendor.

All processes of this machine that use the store share them, for each account of a vendor.
"""

from __future__ import annotations

from collections.abc import Mapping

from dagcontent.errors import AttemptDetached
from dagcontent.providers.config import ProviderConfig
from dagcontent.run.machine import PAID_SLOTS
from dagcontent.run.paid import BuildClock
from dagcontent.store.limits import Limits, Slot
from dagcontent.store.store import Store

__all__ = ["StoreLimits"]

_PAUSE_S = 0.02
_PAUSE_MOST_S = 0.5
_SLOWER = 1.5
_MOST_SAID = "maximum-concurrent-requests"


class StoreLimits:
    """Lines before the vendors' accounts."""

    def __init__(self, store: Store, configs: Mapping[str, ProviderConfig], clock: BuildClock) -> None:
        self._limits = Limits(store.layout.limits)
        self._configs = {config.account: config for config in configs.values()}
        self._clock = clock

    async def enter(self, account: str) -> object:
        """Wait for a slot. Raises AttemptDetached when told to stop."""
        config = self._configs.get(account)
        most = config.concurrency if config is not None and config.concurrency is not None else PAID_SLOTS
        pause = _PAUSE_S
        while (slot := self._limits.try_slot(account, most)) is None:
            await self._wait(pause)
            pause = min(pause * _SLOWER, _PAUSE_MOST_S)
        return slot

    def leave(self, slot: object) -> None:
        """Give a slot back."""
        assert isinstance(slot, Slot)
        slot.release()

    async def pace(self, account: str) -> None:
        """Wait until one more request may be sent this minute."""
        config = self._configs.get(account)
        per_minute = config.requests_per_minute if config is not None else None
        at_s = self._limits.next_at(account, per_minute, self._clock.now_ms() / 1000)
        # A hold may come while we wait: for all of us.
        while (left_s := max(at_s, self._limits.held_until(account)) - self._clock.now_ms() / 1000) > 0:
            await self._wait(left_s)

    def hold(self, account: str, seconds: float) -> None:
        """Let nobody send for a while."""
        self._limits.hold(account, self._clock.now_ms() / 1000 + seconds)

    def learn(self, account: str, headers: Mapping[str, str]) -> None:
        """Take limits from a vendor's headers."""
        most = str(headers.get(_MOST_SAID, ""))
        if most.isdigit() and int(most) > 0:
            self._limits.learn(account, concurrency=int(most))

    def close(self) -> None:
        """Stand in no line any more."""
        self._limits.close()

    async def _wait(self, seconds: float) -> None:
        if self._clock.stopping:
            raise AttemptDetached("the build was stopped before this was sent", hint="build again")
        await self._clock.sleep(seconds)
