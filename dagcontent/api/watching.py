"""A graph's files into plans, again whenever they change. Builds nothing, and knows no screen.

What a plan rests on is remembered with its digests: an event of the file system is a hint, and whether anything changed is
looked at. So a file that is written twice, or saved without a change, or put in place by a rename, is what it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from dagcontent.api import load, opened_at
from dagcontent.api.files import BesideFiles, SeenFile, stamp_of
from dagcontent.api.loading import files_asked
from dagcontent.api.memo import matches, unchanged
from dagcontent.api.planning import plan_graph
from dagcontent.catalog.market import Market
from dagcontent.plan.asking import Terms
from dagcontent.plan.model import Plan
from dagcontent.spec.choices import choices_path
from dagcontent.store.store import open_store
from dagcontent.values.money import Cap, Ceiling

__all__ = [
    "Changes",
    "Look",
    "Notices",
    "Polling",
    "Sources",
    "changes",
    "known_before",
    "look",
    "spent_by",
    "with_asked",
]

_TIMEOUT_MS = 2_000
_POLL_S = 0.5
_QUIET_S = 0.1
_QUIET_MS = 100


class Changes(Protocol):
    """Where it is heard that files may have changed."""

    def wait(self, sources: Sources) -> None:
        """Return when what a plan rests on may have changed, or after a while. Raises KeyboardInterrupt."""
        ...


class Sources(msgspec.Struct, frozen=True):
    """What a plan rests on. `loose` are files compared by their looks alone: those of a graph that has no plan."""

    files: tuple[SeenFile, ...] = ()
    globs: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    loose: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def same(self) -> bool:
        """Tell whether all of it is as it was."""
        return (
            all(unchanged(file) for file in self.files)
            and all(matches(folder, pattern, paths) for folder, pattern, paths in self.globs)
            and all(_looks(path) == looks for path, looks in self.loose)
        )

    def folders(self) -> set[str]:
        """Return the folders in which its files stand."""
        named = [*(file.path for file in self.files), *(path for path, _ in self.loose)]
        found = {os.path.dirname(path) for path in named}
        for folder, pattern, _ in self.globs:
            fixed = Path(pattern).parts[:-1]
            plain = [part for part in fixed if not any(mark in part for mark in "*?[")]
            found.add(os.path.join(folder, *(plain if len(plain) == len(fixed) else plain[:1])))
        return {folder for folder in found if os.path.isdir(folder)}


class Look(msgspec.Struct, frozen=True):
    """A plan, and what it rests on. `paid`: some node of the graph may cost money."""

    plan: Plan
    sources: Sources
    paid: bool


def look(  # noqa: PLR0913 - what a plan is asked
    graph: str, targets: Sequence[str], *, params: Mapping[str, str], profile: str | None, store: Path,
    realms: Mapping[str, str], market: Market | None = None, ceilings: Sequence[Ceiling] = (),
    beside: Iterable[str] = (),
) -> Look:  # fmt: skip
    """Return the plan of a graph as it is now. `beside` are other files that it rests on. Raises GraphError, ConfigError, ..."""
    noted = tuple(_noted(path) for path in beside)
    loaded = load(graph, params=params, profile=profile)
    with opened_at(store, write=False) as opened:
        files = BesideFiles(Path(loaded.pipeline.folder), opened.side)
        plan = plan_graph(
            loaded, opened, targets, realms=realms, terms=Terms(market=market), ceilings=ceilings, files=files
        )
    missing = [SeenFile(path, (), "") for path in files.missing if path not in files.seen]
    globs = tuple((folder, pattern, paths) for (folder, pattern), paths in files.globs.items())
    return Look(plan, Sources((*loaded.seen, *files.seen.values(), *missing, *noted), globs), loaded.paid)


def known_before(graph: str, before: Sources, beside: Iterable[str] = ()) -> Sources:
    """Return the files that are known to matter as they look now, before a plan is tried: what a failure leaves to look at."""
    names = {os.path.realpath(graph), choices_path(graph), *beside}
    names.update(file.path for file in before.files)
    names.update(name for name, _ in before.loose)
    return Sources(globs=before.globs, loose=tuple((name, _looks(name)) for name in sorted(names)))


def with_asked(graph: str, before: Sources, params: Mapping[str, str], profile: str | None) -> Sources:
    """Return these sources with all files that a graph without a plan asks for, those that are not there too."""
    known = dict(before.loose)
    looks = {name: _looks(name) for name in files_asked(graph, params, profile)}
    return msgspec.structs.replace(before, loose=tuple({**looks, **known}.items()))


def spent_by(store: Path, runs: Iterable[str]) -> int:
    """Return what runs spent and have reserved, in micro-USD. Raises StoreError."""
    with open_store(store, write=False) as opened:
        return sum(sum(opened.attempts.spent(Cap("run", run, 0))) for run in runs)


def changes() -> Changes:
    """Return the system's own notices where the package for them is there, else a look twice a second."""
    try:
        import watchfiles  # noqa: PLC0415 - an extra, and only for those who watch
    except ImportError:
        return Polling()
    return Notices(watchfiles.watch)


class Polling:
    """Looks at the files themselves, twice a second."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def wait(self, sources: Sources) -> None:
        """Return when something changed and nothing changes any more."""
        while sources.same():
            self._sleep(_POLL_S)
        looks = _all_looks(sources)
        while True:
            self._sleep(_QUIET_S)
            found = _all_looks(sources)
            if found == looks:
                return
            looks = found


class Notices:
    """Is told by the system. What it may have been told of too early or never is looked at now and then."""

    def __init__(self, watch: Callable[..., Iterator[object]]) -> None:
        self._watch = watch
        self._folders: frozenset[str] = frozenset()
        self._heard: Iterator[object] = iter(())

    def wait(self, sources: Sources) -> None:
        """Return at the end of a burst of events in these folders, or after two seconds."""
        folders = frozenset(sources.folders())
        if folders != self._folders:
            self._folders = folders
            self._heard = self._watch(
                *sorted(folders), watch_filter=None, step=_QUIET_MS, rust_timeout=_TIMEOUT_MS, yield_on_timeout=True,
                recursive=False,
            )  # fmt: skip
        if next(self._heard, None) is None:
            self._folders = frozenset()


def _noted(path: str) -> SeenFile:
    try:
        stamp = stamp_of(path)
        import hashlib  # noqa: PLC0415 - few graphs have such a file

        return SeenFile(path, stamp, hashlib.sha256(Path(path).read_bytes()).hexdigest())
    except OSError:
        return SeenFile(path, (), "")


def _looks(path: str) -> tuple[int, ...]:
    try:
        return stamp_of(path)
    except OSError:
        return ()


def _all_looks(sources: Sources) -> list[tuple[int, ...]]:
    return [_looks(path) for path in [*(file.path for file in sources.files), *(path for path, _ in sources.loose)]]
