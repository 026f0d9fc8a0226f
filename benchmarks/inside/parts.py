"""An unchanged graph and its store into the seconds of each step that the memo saves. Prints JSON."""

from __future__ import annotations

import gc
import json
import sys
import time
from itertools import pairwise
from pathlib import Path

BEGAN = time.perf_counter()
gc.disable()  # as the command line does

from dagcontent.api.files import BesideFiles  # noqa: E402 - its import is measured
from dagcontent.api.loaded import LoadedGraph  # noqa: E402
from dagcontent.api.planning import new_resolver  # noqa: E402
from dagcontent.graph.link import link  # noqa: E402
from dagcontent.plan.planner import make_plan, resolve_dry  # noqa: E402
from dagcontent.spec.load import load  # noqa: E402
from dagcontent.store.store import open_store  # noqa: E402


def main(graph: str, store: str) -> None:
    """Time each step once."""
    at = [BEGAN, time.perf_counter()]

    def lap() -> None:
        at.append(time.perf_counter())

    read = load(graph)
    lap()
    linked = link(read.pipeline).graph
    assert linked is not None
    lap()
    with open_store(Path(store), write=False) as opened:
        loaded = LoadedGraph(Path(graph).resolve(), linked, read.sources, [], [], {})
        files = BesideFiles(Path(read.pipeline.folder), opened.side)
        resolver = new_resolver(loaded, opened, files, [], epoch=None)
        resolve_dry(resolver)
        lap()
        plan = make_plan(resolver, opened.last_build(str(loaded.path)))
        lap()
    assert not plan.pending, plan.counts
    steps = ("imports", "load", "link", "resolve", "rows")
    json.dump(dict(zip(steps, (b - a for a, b in pairwise(at)), strict=True)), sys.stdout)


main(*sys.argv[1:])
