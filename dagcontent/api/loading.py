"""A path into a loaded graph, or into one error with every mistake in its place. Knows no store."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from dagcontent.api.files import SeenFile, stamp_of
from dagcontent.api.loaded import LoadedGraph
from dagcontent.errors import GraphError
from dagcontent.graph.link import link
from dagcontent.spec.document import read_file
from dagcontent.spec.load import load as load_pipeline
from dagcontent.spec.source import Located, locate
from dagcontent.values.mistake import Mistake

__all__ = ["find_mistakes", "load_graph", "wrong_graph"]


def load_graph(path: str | os.PathLike[str], params: Mapping[str, str] | None = None) -> LoadedGraph:
    """Return a graph that was read, checked and linked.

    `params` override `[params]`, as `-p` does. Models that have ended are no hindrance: what they made is still found.
    Raises GraphError with all mistakes, ConfigError if the file cannot be read.
    """
    loaded, found, _ = _examine(path, params)
    if loaded is None:
        raise wrong_graph(path, found)
    return loaded


def wrong_graph(path: str | os.PathLike[str], found: Sequence[Located]) -> GraphError:
    """Return the error that says all that is wrong with a graph."""
    count = sum(not one.warning for one in found)
    return GraphError(f"{count} mistake{'s' * (count != 1)} in {os.fspath(path)}; nothing was run", found)


def find_mistakes(path: str | os.PathLike[str], params: Mapping[str, str] | None = None) -> tuple[Located, ...]:
    """Return every mistake and warning of one pass, in the order of the file. Raises ConfigError."""
    return _examine(path, params)[1]


def _examine(
    path: str | os.PathLike[str], params: Mapping[str, str] | None
) -> tuple[LoadedGraph | None, tuple[Located, ...], Sequence[Mistake]]:
    stamps = _Stamps()
    read = load_pipeline(path, overrides=params, read=stamps.read)
    broken = {str(m.path[1]) for m in read.mistakes if len(m.path) > 1 and m.path[0] in {"node", "each", "params"}}
    linked = link(read.pipeline, broken | set(read.pipeline.broken), datetime.now(UTC).date())
    mistakes = (*read.mistakes, *linked.mistakes)
    found = tuple(sorted((locate(read.sources, m) for m in mistakes), key=lambda m: (m.file, m.line, m.column)))
    if linked.graph is None or any(not m.warning and not m.ended for m in mistakes):
        return None, found, mistakes
    warnings = [f"{m.file}:{m.line}:{m.column}: {m.message}" for m in found if m.warning]
    ended = {m.ended: locate(read.sources, m) for m in mistakes if m.ended}
    seen = [SeenFile(file, stamps.of.get(file, ()), digest) for file, digest in read.files]
    choices = os.path.splitext(os.path.realpath(path))[0] + ".choices.toml"
    seen.append(SeenFile(choices, (), ""))
    loaded = LoadedGraph(Path(os.path.realpath(path)), linked.graph, read.sources, seen, warnings, ended)
    return loaded, found, mistakes


class _Stamps:
    """Reads files, and notes how each looked just before."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[int, ...]] = {}

    def read(self, path: str) -> bytes:
        with contextlib.suppress(OSError):
            self.of[path] = stamp_of(path)
        return read_file(path)
