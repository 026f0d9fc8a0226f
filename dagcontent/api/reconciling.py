"""Costs that nobody knew into what vendors tell later: asked by free requests, written into the journal. Sends nothing that is paid.

Only a cost and where it is from change; results, records and states stay. What was told once is not asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import anyio

from dagcontent.api.ledger import Since
from dagcontent.api.paying import Till, committed
from dagcontent.api.pricing import payment_of
from dagcontent.api.reconciled import Reconciled
from dagcontent.api.resuming import jobs_desk, jobs_store, jobs_till
from dagcontent.api.seams import Seams
from dagcontent.api.spending import Spending
from dagcontent.errors import DagcontentError, NodeError
from dagcontent.providers.port import Call, TellsLater
from dagcontent.run.order import order_of, refusal
from dagcontent.run.paid import BuildClock
from dagcontent.store.journal import counted, day_of
from dagcontent.store.store import Store
from dagcontent.values.attempt import Attempt, AttemptState

__all__ = ["reconcile"]

_S = AttemptState
_SETTLED: Final = (_S.COMMITTED, _S.CHARGED, _S.EXPIRED, _S.ABANDONED, _S.SUPERSEDED)
_TOLD: Final = frozenset({"reported", "computed"})
_MOST_AT_ONCE: Final = 4


def reconcile(
    store: Path, spending: Spending, since: Since, graph: Path | None = None, *, seams: Seams | None = None
) -> list[Reconciled]:
    """Ask vendors what settled requests cost where that is estimated or unknown; return what came of each. Raises StoreError."""
    seams = seams or Seams()
    with jobs_store(store, seams) as (opened, begin):
        name = None if graph is None else str(graph)
        found = [one for one in opened.attempts.list(_SETTLED, graph=name) if _asked(one, since)]
        if not found:
            return []
        run, clock = begin(), BuildClock(seams.now_ms)

        async def work() -> list[Reconciled]:
            results: dict[str, Reconciled] = {}
            limiter = anyio.CapacityLimiter(_MOST_AT_ONCE)
            async with jobs_till(opened, run, spending, seams, clock) as till:

                async def one(attempt: Attempt) -> None:
                    async with limiter:
                        results[attempt.id] = await _told(opened, till, spending, attempt, clock.now_ms())

                async with anyio.create_task_group() as group:
                    for attempt in found:
                        group.start_soon(one, attempt)
            return [results[attempt.id] for attempt in found]

        return anyio.run(work)


def _asked(attempt: Attempt, since: Since) -> bool:
    at_ms = attempt.intent.at_ms
    return attempt.cost_source not in _TOLD and day_of(at_ms) >= since.day and at_ms >= since.ms


async def _told(store: Store, till: Till, spending: Spending, attempt: Attempt, now_ms: int) -> Reconciled:
    intent, before = attempt.intent, counted(attempt)[0]
    after, source = before, attempt.cost_source
    error: str | None = None
    try:
        after, source = await _cost(till, spending, attempt)
        pending = store.attempts.correct(attempt.id, cost_microusd=after, cost_source=source, now_ms=now_ms)
        await committed(pending)
    except DagcontentError as raised:
        error = raised.message
    return Reconciled(
        attempt=attempt.id, node=intent.instance, provider=intent.provider, before_microusd=before,
        after_microusd=after, source=source, error=error,
    )  # fmt: skip


async def _cost(till: Till, spending: Spending, attempt: Attempt) -> tuple[int, str]:
    """Return (micro-USD, source) as its vendor tells it now. Raises what keeps it from being told."""
    intent = attempt.intent
    desk = jobs_desk(till, spending, attempt)
    adapter, ids = desk.adapter, _ids(attempt)
    if not isinstance(adapter, TellsLater):
        raise NodeError("it tells no cost of a single request afterwards")
    if not ids:
        raise NodeError("no id came by which it could be asked")
    try:
        cost = await adapter.cost_later(Call(**intent.request), ids, intent.at_ms)
    except DagcontentError:
        raise
    except Exception as error:
        fault = adapter.fault(error)
        if fault is None:
            raise
        raise refusal(intent.provider, fault) from error
    payment = payment_of(order_of(attempt, run=intent.run), cost, intent.at_ms, spending.market)
    if payment.doubt or payment.source not in _TOLD:
        raise NodeError(payment.doubt or "it tells no cost of this request")
    return payment.microusd, payment.source


def _ids(attempt: Attempt) -> Mapping[str, str]:
    """Return all ids that a vendor named: in headers of its answer, and of the job."""
    headers = attempt.answer.get("headers", {}) if isinstance(attempt.answer, dict) else {}
    found = {name: str(value) for name, value in headers.items() if name.endswith("-id")}
    return {**found, **(attempt.handle.ids if attempt.handle is not None else {})}
