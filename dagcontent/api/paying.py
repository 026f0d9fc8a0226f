"""A store, configurations and gates into what a paid attempt asks for: the wiring of money. Knows no graph and no policy."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from dagcontent.api.pacing import StoreLimits
from dagcontent.api.pricing import payment_of
from dagcontent.api.vault import StoreFiles, StoreVault
from dagcontent.api.wiring import StoreArtifacts
from dagcontent.catalog.market import Market
from dagcontent.media.probe import made_with
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.fetch_net import Net
from dagcontent.providers.once import Gates, Proxies
from dagcontent.providers.port import Bounds, Operation
from dagcontent.providers.registry import make
from dagcontent.run.order import Desk, Order
from dagcontent.run.paid import BuildClock
from dagcontent.run.paid_ports import Payment
from dagcontent.store.journal import new_attempt_id
from dagcontent.store.runs import Run
from dagcontent.store.store import Store
from dagcontent.store.writer import Pending
from dagcontent.values.attempt import Attempt, AttemptState, Handle, Intent
from dagcontent.values.money import Cap
from dagcontent.values.record import Record
from dagcontent.values.units import UnitCap

__all__ = ["Till"]

T = TypeVar("T")


async def committed(pending: Pending[T]) -> T:
    """Wait for a transaction without holding the event loop up."""
    if not pending.done:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def tell(_: Pending[T]) -> None:
            loop.call_soon_threadsafe(done.set)

        pending.when_done(tell)
        await done.wait()
    return pending.result()


class StoreJournal:
    """The store's journal of attempts, for one run."""

    def __init__(
        self, store: Store, run: Run, caps: Callable[[Intent], Sequence[Cap | UnitCap]], now_ms: Callable[[], int]
    ) -> None:
        self._store = store
        self._attempts = store.attempts
        self._run = run
        self._caps = caps
        self._now_ms = now_ms

    def blocking(self, key: str) -> Attempt | None:
        """Return the attempt that keeps a key from being sent again."""
        return self._attempts.blocking(key)

    def knows(self, provider: str, handle: Handle, attempt: str) -> bool:
        """Whether another attempt has this job, or had its answer: then the request's id is among the headers it kept."""
        asked = handle.ids.get("request_id")
        for other in self._attempts.list(provider=provider):
            if other.id == attempt:
                continue
            if other.handle is not None and other.handle.ids == handle.ids:
                return True
            headers = other.answer.get("headers", {}) if isinstance(other.answer, dict) else {}
            if asked is not None and headers.get("request-id") == asked:
                return True
        return False

    async def intend(self, intent: Intent, *, again: bool) -> None:
        """Check claim and caps, reserve, write: one transaction."""
        await committed(self._attempts.intend(intent, self._caps(intent), repay=again))

    async def answered(self, attempt: str, answer: Mapping[str, Any]) -> None:
        """Write down status and headers."""
        await committed(self._attempts.answered(attempt, dict(answer), now_ms=self._now_ms()))

    async def adopt(self, attempt: str, handle: Handle) -> bool:
        """Write down a job that was found, or answered, unless another attempt has it."""
        return await committed(self._attempts.adopt(attempt, handle, now_ms=self._now_ms()))

    async def spooled(self, attempt: str, spool: Mapping[str, Any]) -> None:
        """Write down what the spool holds."""
        await committed(self._attempts.spooled(attempt, dict(spool), now_ms=self._now_ms()))

    async def commit(self, attempt: str, record: Record, payment: Payment, *, again: bool) -> Record:
        """Record and settle."""
        return await committed(
            self._attempts.commit(
                attempt, record, cost_microusd=payment.microusd, cost_source=payment.source, now_ms=self._now_ms(),
                replace_lost=again, doubt=payment.doubt,
            )
        )  # fmt: skip

    async def charge(self, attempt: str, record: Record, payment: Payment) -> None:
        """Record a failure that was paid for."""
        await committed(
            self._attempts.charge(
                attempt, record, cost_microusd=payment.microusd, cost_source=payment.source, now_ms=self._now_ms(),
                doubt=payment.doubt,
            )
        )  # fmt: skip

    async def release(self, attempt: str, error_class: str, message: str) -> None:
        """End an attempt that cost nothing."""
        await committed(self._attempts.release(attempt, error_class, message, now_ms=self._now_ms()))

    def release_soon(self, attempt: str, error_class: str, message: str) -> None:
        """End an attempt that cost nothing, without waiting."""
        self._attempts.release(attempt, error_class, message, now_ms=self._now_ms())

    async def unresolve(self, attempt: str, message: str) -> None:
        """Leave an attempt to a person."""
        await committed(self._attempts.unresolve(attempt, message, now_ms=self._now_ms()))

    async def expire(self, attempt: str, message: str) -> None:
        """Write down that a result is kept no longer."""
        await committed(self._attempts.expire(attempt, message, now_ms=self._now_ms()))

    async def take_over(self, attempt: str) -> None:
        """Go on with what a dead run left."""
        await committed(self._attempts.take_over([attempt], self._run, now_ms=self._now_ms()))

    async def supersede(self, attempt: str) -> None:
        """Let a key be sent again. An expired attempt gives way in the next intent's own transaction."""
        known = self._attempts.get(attempt)
        if known is not None and known.state is not AttemptState.EXPIRED:
            await committed(self._attempts.supersede(attempt, now_ms=self._now_ms()))


class Till:
    """All that stands ready for the paid attempts of one run: gates, adapters, journal, limits. Close it."""

    def __init__(  # noqa: PLR0913 - what a run stands on
        self,
        store: Store,
        run: Run,
        configs: Mapping[str, ProviderConfig],
        artifacts: StoreArtifacts,
        clock: BuildClock,
        *,
        caps: Callable[[Intent], Sequence[Cap | UnitCap]],
        stage: Callable[[Order, str, int | None], None] = lambda _order, _stage, _position: None,
        crashpoint: Callable[[str], None] = lambda _point: None,
        proxies: Proxies | None = None,
        market: Market | None = None,
    ) -> None:
        self._store = store
        self._market = market
        self._configs = configs
        self._artifacts = artifacts
        self._clock = clock
        self._journal = StoreJournal(store, run, caps, clock.now_ms)
        self._limits = StoreLimits(store, configs, clock)
        self._stage = stage
        self._crashpoint = crashpoint
        self._proxies = proxies
        self._gates = Gates(proxies=proxies)
        self._desks: dict[str, Desk] = {}

    def desk(self, provider: str) -> Desk:
        """Return what stands ready for a provider. Raises ConfigError if it cannot be used."""
        if provider not in self._desks:
            config = self._configs[provider]
            adapter = make(config, self._gates)
            files = StoreFiles(self._store, self._artifacts, provider, config.account, self._clock.now_ms)
            vault = StoreVault(self._store, files, config, adapter.result_hosts, Net(proxies=self._proxies))

            def bounds(operation: Operation) -> Bounds:
                return config.bounded(operation.bounds)

            self._desks[provider] = Desk(
                adapter=adapter, bounds=bounds, journal=self._journal, vault=vault, clock=self._clock,
                limits=self._limits, price=partial(payment_of, market=self._market), new_id=self._new_id, account=config.account, made_with=made_with(),
                stage=self._stage, crashpoint=self._crashpoint,
            )  # fmt: skip
        return self._desks[provider]

    async def close(self) -> None:
        """Close every connection."""
        self._limits.close()
        for desk in self._desks.values():
            await desk.adapter.close()
        await self._gates.aclose()

    def _new_id(self) -> tuple[str, str]:
        return new_attempt_id(self._clock.now_ms()), secrets.token_hex(16)
