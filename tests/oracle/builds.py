"""A real build of a world, with what it executed. Knows how to ask the engine, and nothing of what it should answer."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oracle import kinds

from dagcontent import api
from dagcontent.kinds.registry import KINDS
from dagcontent.store.store import open_store


@contextmanager
def declared() -> Iterator[None]:
    """Add the stub kinds to the declared ones, for a while. May be nested."""
    stubs = {name: kind for name, (kind, _) in kinds.STUBS.items()} | {kinds.LAZY.name: kinds.LAZY}
    added = {name: kind for name, kind in stubs.items() if name not in KINDS}
    KINDS.update(added)
    try:
        yield
    finally:
        for name in added:
            del KINDS[name]


class Built:
    """One build: its result, the calls that were made (by identity), its events in order."""

    def __init__(self, graph: Path, store: Path, **options: Any) -> None:
        calls: list[str] = []
        self.events: list[Any] = []
        seams = api.Seams(registry=kinds.registry(calls.append))
        listeners = [self.events.append, *options.pop("listeners", ())]
        self.result = api.build(graph, store=store, seams=seams, listeners=listeners, **options)
        self.calls = Counter(calls)
        self.status = {node.node: node.status for node in self.result.nodes}


def new_folder() -> Path:
    """Return a new folder, in memory where there is such a place: what is proven here has nothing to do with disks."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    return Path(tempfile.mkdtemp(prefix="world-", dir=memory if memory.is_dir() else None))


def records(store: Path) -> dict[str, Any]:
    """Return every record of a store, by key."""
    with open_store(store, write=False) as opened:
        connection = opened._connection()
        keys = [] if connection is None else [key.hex() for (key,) in connection.execute("SELECT key FROM record")]
        return {key: record for key in keys if (record := opened.get(key)) is not None}
