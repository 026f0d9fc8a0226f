"""Open attempts into results, without their graph: polled, fetched, recorded; and what vendors still list. Sends nothing.

Enough is on the journal to go on: the request as it was made, and the id it got. A request that provably never was is let
go; it is the next build that sends it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn, TypeAlias

import anyio
import msgspec

from dagcontent.api.files import BesideFiles
from dagcontent.api.jobs import ALLOWED, allow, held
from dagcontent.api.paying import Till, committed
from dagcontent.api.result import Job
from dagcontent.api.seams import Seams
from dagcontent.api.spending import Spending
from dagcontent.api.wiring import StoreArtifacts
from dagcontent.errors import ConfigError, DagcontentError, InternalError, NodeError, ProviderError, UsageError
from dagcontent.providers.port import Call, ErrorClass, Failure, Recovery
from dagcontent.providers.registry import missing
from dagcontent.run.attempt import go_on
from dagcontent.run.order import Desk, Order, order_of, refusal
from dagcontent.run.paid import BuildClock
from dagcontent.store.runs import Run
from dagcontent.store.store import Store, open_store
from dagcontent.values.attempt import Attempt, AttemptState, Handle, Intent

__all__ = [
    "Listing", "Resumed", "adopt_job", "finish_leftovers", "jobs_desk", "jobs_store", "jobs_till", "list_vendors",
    "resume_jobs",
]  # fmt: skip

_RUN: Final = "jobs"
_MOST_AT_ONCE: Final = 16
_LEFTOVERS_S: Final = 60.0
_SKEW_MS: Final = 600_000  # as where a lost answer is looked for
_NONE_THERE: Final = frozenset({ErrorClass.NOT_FOUND, ErrorClass.GONE})
_GOES_ON: Final = frozenset({"intent", "submitted"})
_HANDLES: Final[Mapping[tuple[str, str], str]] = {
    ("fal", "queue"): "request_id",
    ("openai", "chat"): "completion",
    ("openai", "responses"): "response",
    ("openai", "responses.image"): "response",
    ("elevenlabs", "speech"): "history_item_id",
    ("elevenlabs", "dialogue"): "history_item_id",
    ("elevenlabs", "convert"): "history_item_id",
    ("elevenlabs", "dubbing"): "dubbing_id",
    ("elevenlabs", "flows.image"): "id",
    ("elevenlabs", "flows.video"): "id",
    ("google", "interactions.video"): "interaction",
    ("google", "vertex.video"): "operation",
    ("openrouter", "videos"): "video",
}
"""The id by which a vendor's result is asked for, by operation. What is not here comes with its answer only."""


Stage: TypeAlias = Callable[[Job, str, int | None], None]


def _quiet(_job: Job, _stage: str, _position: int | None) -> None:
    """Tell nobody."""


class Resumed(msgspec.Struct, frozen=True):
    """What came of going on with one attempt. `error` is why it is not done, if it is not."""

    job: Job
    error: str | None = None
    hint: str | None = None


class Listing(msgspec.Struct, frozen=True):
    """What a vendor lists that could be an attempt, each by its ids; `error`: it could not be asked, or lists nothing."""

    job: Job
    handles: tuple[dict[str, str], ...] = ()
    error: str | None = None


def resume_jobs(
    store: Path, prefixes: Sequence[str], spending: Spending, *, wait: bool = True, signals: bool = False,
    stage: Stage = _quiet, seams: Seams | None = None,
) -> list[Resumed]:  # fmt: skip
    """Go on with open attempts (all, or those named) until each is settled; without `wait` ask once. Raises UsageError, StoreError."""
    seams = seams or Seams()
    with jobs_store(store, seams) as (opened, begin):
        found = [allow(opened, "resume", prefix) for prefix in dict.fromkeys(prefixes)]
        if not prefixes:
            found = [one for one in opened.attempts.list(ALLOWED["resume"]) if not held(opened, one)]
        if not found:
            return []
        run, clock = begin(), BuildClock(seams.now_ms)
        jobs = {one.key: Job.of(one) for one in found}

        async def work() -> list[Resumed]:
            async with jobs_till(opened, run, spending, seams, clock, jobs, stage) as till:
                async with anyio.create_task_group() as group:
                    if not wait:
                        clock.stop()
                    if signals and threading.current_thread() is threading.main_thread():
                        group.start_soon(_watch, clock)
                    results = await _resumed(opened, run, till, spending, found)
                    group.cancel_scope.cancel()
                return results

        return anyio.run(work)


def adopt_job(store: Path, prefix: str, handle: str, spending: Spending, *, seams: Seams | None = None) -> Job:
    """Take a job that a person found at the vendor for an unresolved attempt's. It is asked for once before that is written.

    `handle` is its id, or `name=value` for each of its ids, with commas. Raises UsageError, NodeError, StoreError.
    """
    seams = seams or Seams()
    with jobs_store(store, seams) as (opened, begin):
        found = allow(opened, "adopt", prefix)
        ids = Handle(_ids(found, handle))
        run, clock = begin(), BuildClock(seams.now_ms)

        async def work() -> Job:
            async with jobs_till(opened, run, spending, seams, clock) as till:
                await _look(jobs_desk(till, spending, found), found, ids)
                pending = opened.attempts.submitted(found.id, ids, now_ms=clock.now_ms())
                return Job.of(await committed(pending))

        return anyio.run(work)


def list_vendors(
    store: Path, prefixes: Sequence[str], spending: Spending, *, seams: Seams | None = None
) -> list[Listing]:
    """Ask the vendors' lists for jobs that could be unresolved attempts (all, or those named). Raises UsageError, StoreError."""
    seams = seams or Seams()
    with jobs_store(store, seams) as (opened, begin):
        found = [allow(opened, "adopt", prefix) for prefix in dict.fromkeys(prefixes)]
        found = found or opened.attempts.list([AttemptState.UNRESOLVED])
        if not found:
            return []
        run, clock = begin(), BuildClock(seams.now_ms)

        async def work() -> list[Listing]:
            async with jobs_till(opened, run, spending, seams, clock) as till:
                return [await _listed(till, spending, one, clock.now_ms()) for one in found]

        return anyio.run(work)


async def finish_leftovers(
    store: Store, run: Run, graph: str, keys: Collection[str], till: Till, spending: Spending
) -> list[str]:
    """Go on, once each, with open attempts of a graph whose keys are no longer in it; return what went wrong, as warnings.

    `till`'s clock was told to stop: nothing is sent, and no job is waited for.
    """
    warnings: list[str] = []
    try:
        found = store.attempts.list(ALLOWED["resume"], graph=graph)
        found = [one for one in found if one.key not in keys and not held(store, one)]
        with anyio.move_on_after(_LEFTOVERS_S):
            for result in await _resumed(store, run, till, spending, found):
                if result.error is not None and result.job.state not in _GOES_ON:
                    text = f"{result.job.node} as it was before ({result.job.attempt}): {result.error}"
                    warnings.append(text)
    except Exception as error:  # noqa: BLE001 - whatever became of what nobody asked for, the build is done
        warnings.append(f"an earlier request of this graph was not gone on with: {error}")
    return warnings


@contextlib.contextmanager
def jobs_store(store: Path, seams: Seams) -> Iterator[tuple[Store, Callable[[], Run]]]:
    """Give a store, and what begins a run in it (ended with the block)."""
    runs: list[Run] = []
    with open_store(store, crashpoint=seams.crashpoint) as opened:

        def begin() -> Run:
            runs.append(opened.start_run(_RUN, now_ms=seams.now_ms()))
            return runs[-1]

        try:
            yield opened, begin
        finally:
            for run in runs:
                opened.finish_run(run, "ok", {}, now_ms=seams.now_ms())


@contextlib.asynccontextmanager
async def jobs_till(
    store: Store, run: Run, spending: Spending, seams: Seams, clock: BuildClock,
    jobs: Mapping[str, Job] = {}, stage: Stage = _quiet,
) -> AsyncIterator[Till]:  # fmt: skip
    """Give what stands ready for attempts whose graph nobody asks for, and close it."""

    def tell(order: Order, word: str, position: int | None) -> None:
        if order.key in jobs:
            stage(jobs[order.key], word, position)

    till = Till(
        store, run, spending.configs, StoreArtifacts(store, BesideFiles(Path(), store.side)), clock,
        caps=_buys_nothing, stage=tell, crashpoint=seams.crashpoint, proxies=spending.proxies, market=spending.market,
    )  # fmt: skip
    try:
        yield till
    finally:
        with anyio.CancelScope(shield=True):
            await till.close()


def _buys_nothing(intent: Intent) -> NoReturn:
    raise InternalError(
        f"{intent.instance} was about to be sent by a command that sends nothing", hint="please report it"
    )


async def _watch(clock: BuildClock) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
        async for _ in received:
            if clock.stopping:
                os._exit(130)  # as in a build: everything durable is durable
            clock.stop()


async def _resumed(store: Store, run: Run, till: Till, spending: Spending, found: Sequence[Attempt]) -> list[Resumed]:
    results: dict[str, Resumed] = {}
    limiter = anyio.CapacityLimiter(_MOST_AT_ONCE)

    async def one(attempt: Attempt) -> None:
        async with limiter:
            results[attempt.id] = await _gone_on(store, run, till, spending, attempt)

    async with anyio.create_task_group() as group:
        for attempt in found:
            group.start_soon(one, attempt)
    return [results[attempt.id] for attempt in found]


async def _gone_on(store: Store, run: Run, till: Till, spending: Spending, attempt: Attempt) -> Resumed:
    failed: DagcontentError | None = None
    try:
        desk = jobs_desk(till, spending, attempt)
        taken = await committed(store.attempts.take_over([attempt.id], run, now_ms=desk.clock.now_ms()))
        if taken:
            await go_on(desk, order_of(attempt, run=run.id), attempt)
        else:
            failed = NodeError("another build goes on with it", hint="wait until that has ended")
    except DagcontentError as error:
        failed = error
    now = store.attempts.get(attempt.id) or attempt
    return Resumed(Job.of(now), None if failed is None else failed.message, None if failed is None else failed.hint)


def jobs_desk(till: Till, spending: Spending, attempt: Attempt) -> Desk:
    """Return what stands ready for an attempt's provider. Raises ConfigError if it is not the one that was asked, or cannot be."""
    intent = attempt.intent
    found = missing(spending.configs, [intent.provider])
    if found:
        raise ConfigError(found[0].message, hint=found[0].hint)
    now = spending.configs[intent.provider].realm
    if now != intent.realm:
        names = [realm or f"{intent.provider}'s own address" for realm in (intent.realm, now)]
        text = f"it was sent to {names[0]}, and {names[1]} is configured now"
        raise ConfigError(text, hint=f"configure [provider.{intent.provider}] as it was then")
    return till.desk(intent.provider)


def _ids(attempt: Attempt, text: str) -> dict[str, str]:
    """Return the ids that a person typed. Raises UsageError."""
    intent = attempt.intent
    name = _HANDLES.get((intent.provider, intent.operation))
    if name is None:
        raise UsageError(
            f"{intent.provider} gives no way to ask for a result of {intent.operation} again: there is nothing to adopt",
            hint=f"dagcontent jobs retry {attempt.id} sends it again, jobs abandon {attempt.id} leaves it",
        )
    given = {n.strip(): v.strip() for n, equals, v in (part.partition("=") for part in text.split(",")) if equals}
    if not given and text.strip() and "," not in text:
        given = {name: text.strip()}
    if name == "dubbing_id" and "project_id" in given:
        name = "project_id"
    if not given.get(name):
        raise UsageError(f"{text!r} names no {name}", hint=f"give it as {name}=..., or the id alone")
    return {"app": intent.model, **given} if intent.provider == "fal" else given


async def _look(desk: Desk, attempt: Attempt, handle: Handle) -> None:
    """Ask a vendor for a job once. Raises UsageError if it has none like that, or another attempt has it; NodeError."""
    provider = attempt.intent.provider
    shown = ", ".join(handle.ids.values())
    if desk.journal.knows(provider, handle, attempt.id):
        raise UsageError(f"another attempt has the job {shown} already", hint="dagcontent jobs list --all")
    asked = True
    try:
        found = await desk.adapter.poll(Call(**attempt.intent.request), handle)
    except ProviderError as error:
        raise UsageError(f"{provider} has no job {shown}: {error.message}", hint="look at its id") from error
    except DagcontentError:
        raise
    except Exception as error:
        fault = desk.adapter.fault(error)
        if fault is None:
            raise
        found, asked = fault, False
    if isinstance(found, Failure):
        if found.error_class in _NONE_THERE:
            raise UsageError(f"{provider} has no job {shown}: {found.message}", hint="look at its id")
        if not asked:
            raise refusal(provider, found)


async def _listed(till: Till, spending: Spending, attempt: Attempt, now_ms: int) -> Listing:
    """Return what a vendor's list has that could be an attempt and is nobody's."""
    intent, job = attempt.intent, Job.of(attempt)
    if intent.recovery == Recovery.ASK.value:
        return Listing(job, error=f"{intent.provider} keeps no list of these")
    try:
        desk = jobs_desk(till, spending, attempt)
        found = await desk.adapter.find(
            Call(**intent.request), intent.payload_digest, intent.at_ms - _SKEW_MS, now_ms + _SKEW_MS
        )
    except DagcontentError as error:
        return Listing(job, error=error.message)
    except Exception as error:
        fault = desk.adapter.fault(error)
        if fault is None:
            raise
        return Listing(job, error=refusal(intent.provider, fault).message)
    free = [one.handle for one in found if not desk.journal.knows(intent.provider, one.handle, attempt.id)]
    return Listing(job, tuple(dict(handle.ids) for handle in free))
