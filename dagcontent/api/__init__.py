"""Paths and options into plans and builds: the wiring, the only layer that joins store, files, media and engine.

`load`, `plan` and `build` are synchronous; `aplan` and `abuild` are for programs with an event loop of their own
(the asyncio backend). All raise the errors of `dagcontent.errors`, and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from dagcontent.api.building import Build, BuildOptions
from dagcontent.api.loading import find_mistakes, load_graph
from dagcontent.api.planning import explain_instance, plan_graph
from dagcontent.api.result import BuildResult, LoadedGraph, NodeResult, WhyResult
from dagcontent.api.seams import Seams
from dagcontent.plan.model import FieldDiff, Plan, PlanRow
from dagcontent.run.events import Event, Listener
from dagcontent.store.store import Store, open_store

__all__ = [
    "BuildResult",
    "Event",
    "FieldDiff",
    "LoadedGraph",
    "NodeResult",
    "Plan",
    "PlanRow",
    "Seams",
    "WhyResult",
    "abuild",
    "aplan",
    "build",
    "default_store",
    "find_mistakes",
    "load",
    "plan",
    "why",
]

GraphLike: TypeAlias = "str | os.PathLike[str] | LoadedGraph"


def default_store() -> Path:
    """Return the store's place when none is given: the platform's data directory."""
    from platformdirs import user_data_path  # noqa: PLC0415 - slow to import, and rarely needed

    return user_data_path("dagcontent", appauthor=False) / "store"


def load(graph: str | os.PathLike[str], *, params: Mapping[str, str] | None = None) -> LoadedGraph:
    """Read, check and link a graph file. Raises GraphError with every mistake of one pass."""
    return load_graph(graph, params)


def plan(
    graph: GraphLike,
    targets: Sequence[str] = (),
    *,
    params: Mapping[str, str] | None = None,
    store: str | os.PathLike[str] | None = None,
    explain: bool = True,
) -> Plan:
    """Return what a build would do, and why. Runs nothing, opens no socket, needs no store to exist."""
    loaded = _loaded(graph, params)
    with _open(store, write=False) as opened:
        return plan_graph(loaded, opened, targets, explain=explain)


def why(
    graph: GraphLike,
    instance: str,
    *,
    params: Mapping[str, str] | None = None,
    store: str | os.PathLike[str] | None = None,
) -> WhyResult:
    """Return why one instance would run: its manifest against that of its last build, field by field."""
    loaded = _loaded(graph, params)
    with _open(store, write=False) as opened:
        return explain_instance(loaded, opened, instance)


def build(  # noqa: PLR0913 - the options of a build
    graph: GraphLike,
    targets: Sequence[str] = (),
    *,
    params: Mapping[str, str] | None = None,
    store: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    fail_fast: bool = False,
    overwrite_outputs: bool = False,
    listeners: Sequence[Listener] = (),
    seed: int = 0,
    signals: bool = False,
    seams: Seams | None = None,
) -> BuildResult:
    """Make what is missing and place the outputs. A build with nothing to make starts no event loop.

    `jobs` bounds local work at once (default: the processors this process may use). `seed` orders equals.
    With `signals`, Ctrl-C stops the build in order; the result then says "interrupted". `seams` exchange what a build
    stands on, such as the implementations of kinds.
    """
    loaded = _loaded(graph, params)
    options = BuildOptions(
        jobs=jobs or _processors(), overwrite_outputs=overwrite_outputs, fail_fast=fail_fast, seed=seed,
        signals=signals, listeners=listeners, seams=seams,
    )  # fmt: skip
    with _open(store, write=True, seams=seams) as opened:
        work = Build(loaded, opened, targets, options)
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
    store: str | os.PathLike[str] | None = None,
    explain: bool = True,
) -> Plan:
    """Do as `plan` does, in a worker thread."""
    import anyio.to_thread  # noqa: PLC0415 - as above

    return await anyio.to_thread.run_sync(lambda: plan(graph, targets, params=params, store=store, explain=explain))


async def abuild(  # noqa: PLR0913 - the options of a build
    graph: GraphLike,
    targets: Sequence[str] = (),
    *,
    params: Mapping[str, str] | None = None,
    store: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    fail_fast: bool = False,
    overwrite_outputs: bool = False,
    listeners: Sequence[Listener] = (),
    seed: int = 0,
    seams: Seams | None = None,
) -> BuildResult:
    """Do as `build` does, in the caller's event loop. Cancelling it stops free work; what is finished stays."""
    import anyio.to_thread  # noqa: PLC0415 - as above

    loaded = await anyio.to_thread.run_sync(_loaded, graph, params)
    options = BuildOptions(
        jobs=jobs or _processors(), overwrite_outputs=overwrite_outputs, fail_fast=fail_fast, seed=seed,
        listeners=listeners, seams=seams,
    )  # fmt: skip
    with _open(store, write=True, seams=seams) as opened:
        work = Build(loaded, opened, targets, options)
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


def _loaded(graph: GraphLike, params: Mapping[str, str] | None) -> LoadedGraph:
    return graph if isinstance(graph, LoadedGraph) else load_graph(graph, params)


def _open(store: str | os.PathLike[str] | None, *, write: bool, seams: Seams | None = None) -> Store:
    place = Path(store) if store is not None else default_store()
    return open_store(place, write=write, crashpoint=(seams or Seams()).crashpoint)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
