"""A use of the public names that a type checker must accept. It is read by mypy --strict and never run."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import dagcontent
from dagcontent.api import BuildResult, Event, LoadedGraph, Plan

assert_type(dagcontent.__version__, str)


def listen(event: Event) -> None:
    """Take what a build says while it runs."""
    print(event)


def sync() -> None:
    """Load once, plan and build from a path or from what was loaded."""
    graph = dagcontent.load(Path("graph.toml"), params={"product": "a lantern"})
    assert_type(graph, LoadedGraph)
    assert_type(dagcontent.plan("graph.toml", ["film"], store=Path("store")), Plan)
    assert_type(dagcontent.build(graph, jobs=2, fail_fast=True, listeners=[listen]), BuildResult)


async def inside_a_loop() -> None:
    """The same where an event loop runs already."""
    assert_type(await dagcontent.aplan("graph.toml"), Plan)
    assert_type(await dagcontent.abuild("graph.toml", overwrite_outputs=True), BuildResult)


def errors() -> None:
    """What is raised says in types what can be done about it."""
    try:
        sync()
    except dagcontent.GraphError as error:
        assert_type(error.hint, str | None)
        assert_type(error.exit_code, int)
    except dagcontent.NodeError as error:
        assert_type(error.retry, bool)
        assert_type(error.facts, tuple[tuple[str, str], ...])


# Every branch can be caught by the root.
branches: list[type[dagcontent.DagcontentError]] = [
    dagcontent.UsageError,
    dagcontent.StoreError,
    dagcontent.ProviderError,
    dagcontent.BudgetExceeded,
    dagcontent.InternalError,
]
