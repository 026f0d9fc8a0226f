"""Paths and options into plans and builds: the wiring, the only layer that joins store, files, media and engine.

`load`, `plan` and `build` are synchronous; `aplan` and `abuild` are for programs with an event loop of their own
(the asyncio backend). All raise the errors of `dagcontent.errors`, and nothing else.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from dagcontent.api.memo import Question, read_memo
from dagcontent.api.result import BuildResult, NodeResult, WhyResult
from dagcontent.plan.model import FieldDiff, Plan, PlanRow
from dagcontent.run.events import BuildFinished, BuildStarted, Event, Listener
from dagcontent.store.store import Store, open_store

if TYPE_CHECKING:
    from dagcontent.api.building import Build
    from dagcontent.api.choices import approve, pick, pin, reject, reroll, takes, unpin
    from dagcontent.api.gallery import write_gallery
    from dagcontent.api.loaded import LoadedGraph
    from dagcontent.api.loading import find_mistakes
    from dagcontent.api.seams import Seams
    from dagcontent.api.showing import ShowResult
    from dagcontent.api.spending import Spending
    from dagcontent.catalog.market import Market
    from dagcontent.values.money import Ceiling

__all__ = [
    "BuildResult",
    "Event",
    "FieldDiff",
    "LoadedGraph",
    "NodeResult",
    "Plan",
    "PlanRow",
    "Seams",
    "Spending",
    "WhyResult",
    "abuild",
    "aplan",
    "approve",
    "build",
    "default_store",
    "find_mistakes",
    "load",
    "pick",
    "pin",
    "plan",
    "reject",
    "reroll",
    "show",
    "takes",
    "unpin",
    "why",
    "write_gallery",
]

_LATE = {
    "LoadedGraph": "loaded", "Seams": "seams", "Spending": "spending", "approve": "choices", "find_mistakes": "loading", "pick": "choices",
    "pin": "choices", "reject": "choices", "reroll": "choices", "takes": "choices", "unpin": "choices", "write_gallery": "gallery",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Import what an unchanged graph does not need when it is first asked for."""
    if name not in _LATE:
        text = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(text)
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)


GraphLike: TypeAlias = "str | os.PathLike[str] | LoadedGraph"


def default_store() -> Path:
    """Return the store's place when none is given: the platform's data directory."""
    from platformdirs import user_data_path  # noqa: PLC0415 - slow to import, and rarely needed

    return user_data_path("dagcontent", appauthor=False) / "store"


def load(
    graph: str | os.PathLike[str], *, params: Mapping[str, str] | None = None, profile: str | None = None
) -> LoadedGraph:
    """Read, check and link a graph file. Raises GraphError with every mistake of one pass."""
    from dagcontent.api.loading import load_graph  # noqa: PLC0415 - an unchanged graph is not read at all

    return load_graph(graph, params, profile)


def plan(  # noqa: PLR0913 - what a plan is asked
    graph: GraphLike,
    targets: Sequence[str] = (),
    *,
    params: Mapping[str, str] | None = None,
    profile: str | None = None,
    store: str | os.PathLike[str] | None = None,
    explain: bool = True,
    realms: Mapping[str, str] | None = None,
    market: Market | None = None,
    ceilings: Sequence[Ceiling] = (),
    binding: bool = False,
) -> Plan:
    """Return what a build would do, and why. Runs nothing, opens no socket, needs no key and no store to exist.

    `profile` is the one of the graph's (or `draft`) that is laid over it; with a graph that is loaded, it is its own.
    `realms`, `market` and `ceilings` are those of a build's `Spending`. With `binding` a build can be held to the plan.
    """
    with opened_at(store, write=False) as opened:
        if isinstance(graph, str | os.PathLike):
            memo = read_memo(opened, Question.of(graph, params, targets, realms, profile), outputs=True)
            if memo is not None:
                return memo.plan()
        from dagcontent.api.planning import plan_graph  # noqa: PLC0415 - as in `load`

        return plan_graph(
            loaded_from(graph, params, profile),
            opened,
            targets,
            explain=explain,
            realms=realms,
            ceilings=ceilings,
            binding=binding,
            market=market,
        )


def why(
    graph: GraphLike,
    instance: str,
    *,
    params: Mapping[str, str] | None = None,
    profile: str | None = None,
    store: str | os.PathLike[str] | None = None,
    realms: Mapping[str, str] | None = None,
) -> WhyResult:
    """Return why one instance would run: its manifest against that of its last build, field by field."""
    from dagcontent.api.planning import explain_instance  # noqa: PLC0415 - as in `load`

    loaded = loaded_from(graph, params, profile)
    with opened_at(store, write=False) as opened:
        return explain_instance(loaded, opened, instance, realms)


def show(
    graph: GraphLike,
    instance: str,
    *,
    params: Mapping[str, str] | None = None,
    profile: str | None = None,
    store: str | os.PathLike[str] | None = None,
    realms: Mapping[str, str] | None = None,
) -> ShowResult:
    """Return one instance's result: its files, their facts, how and when it was made. Raises UsageError if there is none.

    `realms` are those of a build's `Spending`.
    """
    from dagcontent.api.showing import show_instance  # noqa: PLC0415 - as in `load`

    loaded = loaded_from(graph, params, profile)
    with opened_at(store, write=False) as opened:
        return show_instance(loaded, opened, instance, realms)


def build(  # noqa: PLR0913 - the options of a build
    graph: GraphLike,
    targets: Sequence[str] = (),
    *,
    params: Mapping[str, str] | None = None,
    profile: str | None = None,
    store: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    fail_fast: bool = False,
    overwrite_outputs: bool = False,
    listeners: Sequence[Listener] = (),
    seed: int = 0,
    signals: bool = False,
    details: bool = True,
    seams: Seams | None = None,
    spending: Spending | None = None,
) -> BuildResult:
    """Make what is missing and place the outputs. A build with nothing to make starts no event loop.

    `jobs` bounds local work at once (default: the processors this process may use). `seed` orders equals.
    With `signals`, Ctrl-C stops the build in order; the result then says "interrupted". `seams` exchange what a build
    stands on, such as the implementations of kinds. `spending` says who is paid and what was agreed to: without it nothing
    is bought.

    A graph given by its path that was built before and has not changed is answered from its memo; without `details`
    the result then lists no instances.
    """
    began = time.monotonic()
    with opened_at(store, write=True, seams=seams) as opened:
        known = (
            None
            if overwrite_outputs or seams is not None
            else _from_memo(opened, graph, params, profile, targets, began, details=details, spending=spending)
        )
        if known is not None:
            return _told(known, listeners)
        work = _new_build(
            opened, graph, targets, params, profile, jobs=jobs, fail_fast=fail_fast, overwrite_outputs=overwrite_outputs,
            listeners=listeners, seed=seed, signals=signals, seams=seams, spending=spending,
        )  # fmt: skip
        try:
            work.prepare()
            while True:
                if work.work:
                    import anyio  # noqa: PLC0415 - a build with nothing to make needs no event loop

                    anyio.run(work.drive)
                result = work.conclude()
                if result is not None:
                    return result
        finally:
            work.abandon()


async def aplan(
    graph: GraphLike,
    targets: Sequence[str] = (),
    *,
    params: Mapping[str, str] | None = None,
    profile: str | None = None,
    store: str | os.PathLike[str] | None = None,
    explain: bool = True,
) -> Plan:
    """Do as `plan` does, in a worker thread."""
    import anyio.to_thread  # noqa: PLC0415 - as above

    return await anyio.to_thread.run_sync(
        lambda: plan(graph, targets, params=params, profile=profile, store=store, explain=explain)
    )


async def abuild(  # noqa: PLR0913 - the options of a build
    graph: GraphLike,
    targets: Sequence[str] = (),
    *,
    params: Mapping[str, str] | None = None,
    profile: str | None = None,
    store: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    fail_fast: bool = False,
    overwrite_outputs: bool = False,
    listeners: Sequence[Listener] = (),
    seed: int = 0,
    seams: Seams | None = None,
    spending: Spending | None = None,
) -> BuildResult:
    """Do as `build` does, in the caller's event loop. Cancelling it stops free work; what is finished stays."""
    import anyio.to_thread  # noqa: PLC0415 - as above

    began = time.monotonic()
    with opened_at(store, write=True, seams=seams) as opened:
        known = (
            None
            if overwrite_outputs or seams is not None
            else _from_memo(opened, graph, params, profile, targets, began, details=True, spending=spending)
        )
        if known is not None:
            return _told(known, listeners)
        work = await anyio.to_thread.run_sync(
            lambda: _new_build(
                opened, graph, targets, params, profile, jobs=jobs, fail_fast=fail_fast, overwrite_outputs=overwrite_outputs,
                listeners=listeners, seed=seed, signals=False, seams=seams, spending=spending,
            )
        )  # fmt: skip
        try:
            await anyio.to_thread.run_sync(work.prepare)
            while True:
                if work.work:
                    await work.drive()
                result = await anyio.to_thread.run_sync(work.conclude)
                if result is not None:
                    return result
        finally:
            work.abandon()


def _new_build(  # noqa: PLR0913 - the options of a build
    store: Store,
    graph: GraphLike,
    targets: Sequence[str],
    params: Mapping[str, str] | None,
    profile: str | None,
    *,
    jobs: int | None,
    fail_fast: bool,
    overwrite_outputs: bool,
    listeners: Sequence[Listener],
    seed: int,
    signals: bool,
    seams: Seams | None,
    spending: Spending | None,
) -> Build:
    from dagcontent.api.building import Build, BuildOptions  # noqa: PLC0415 - an unchanged graph needs neither

    options = BuildOptions(
        jobs=jobs or _processors(), overwrite_outputs=overwrite_outputs, fail_fast=fail_fast, seed=seed,
        signals=signals, listeners=listeners, seams=seams, spending=spending,
    )  # fmt: skip
    # What a memo says holds for this version's own kinds only.
    own = seams is None or seams.registry is None
    realms = spending.realms if spending is not None else None
    question = (
        Question.of(graph, params, targets, realms, profile) if own and isinstance(graph, str | os.PathLike) else None
    )
    return Build(loaded_from(graph, params, profile), store, targets, options, question)


def _from_memo(
    store: Store,
    graph: GraphLike,
    params: Mapping[str, str] | None,
    profile: str | None,
    targets: Sequence[str],
    began: float,
    *,
    details: bool,
    spending: Spending | None,
) -> BuildResult | None:
    if not isinstance(graph, str | os.PathLike):
        return None
    realms = spending.realms if spending is not None else None
    memo = read_memo(store, Question.of(graph, params, targets, realms, profile), outputs=True)
    return None if memo is None else memo.result(time.monotonic() - began, nodes=details)


def _told(result: BuildResult, listeners: Sequence[Listener]) -> BuildResult:
    """Let listeners hear of a build that had nothing to do."""
    for listener in listeners:
        listener(BuildStarted(result.graph, "", 0))
        listener(BuildFinished(result.status, result.counts, result.seconds))
    return result


def loaded_from(graph: GraphLike, params: Mapping[str, str] | None, profile: str | None) -> LoadedGraph:
    return load(graph, params=params, profile=profile) if isinstance(graph, str | os.PathLike) else graph


def opened_at(store: str | os.PathLike[str] | None, *, write: bool, seams: Seams | None = None) -> Store:
    place = Path(store) if store is not None else default_store()
    if seams is None:
        return open_store(place, write=write)
    return open_store(place, write=write, crashpoint=seams.crashpoint)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
