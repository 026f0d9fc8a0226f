"""A path into a loaded graph, or into one error with every mistake in its place. Knows no store."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from dagcontent.api.files import SeenFile, stamp_of
from dagcontent.api.loaded import LoadedGraph
from dagcontent.errors import DagcontentError, GraphError
from dagcontent.graph.link import link
from dagcontent.spec.choices import choices_path
from dagcontent.spec.document import read_file
from dagcontent.spec.load import load as load_pipeline
from dagcontent.spec.source import Located, locate
from dagcontent.values.mistake import Mistake

__all__ = ["files_asked", "find_mistakes", "load_graph", "wrong_graph"]


def load_graph(
    path: str | os.PathLike[str], params: Mapping[str, str] | None = None, profile: str | None = None
) -> LoadedGraph:
    """Return a graph that was read, checked and linked.

    `params` override `[params]`, as `-p` does; `profile` is laid over it, as `--profile` does. Models that have ended are no
    hindrance: what they made is still found. Raises GraphError with all mistakes, ConfigError if the file cannot be read.
    """
    loaded, found, _, _ = _examine(path, params, profile)
    if loaded is None:
        raise wrong_graph(path, found)
    return loaded


def wrong_graph(path: str | os.PathLike[str], found: Sequence[Located]) -> GraphError:
    """Return the error that says all that is wrong with a graph."""
    count = sum(not one.warning for one in found)
    return GraphError(f"{count} mistake{'s' * (count != 1)} in {os.fspath(path)}; nothing was run", found)


def find_mistakes(
    path: str | os.PathLike[str], params: Mapping[str, str] | None = None, profile: str | None = None
) -> tuple[Located, ...]:
    """Return every mistake and warning of one pass, in the order of the file. Raises ConfigError.

    Without `profile` the tables of every profile are read as well, each as it would be if it were chosen.
    """
    _, found, _, profiles = _examine(path, params, profile)
    if profile is not None:
        return found
    more = dict.fromkeys(found)
    for name in profiles:
        _, wrong, mistakes, _ = _examine(path, params, name)
        for where, mistake in zip(wrong, mistakes, strict=True):
            if where not in more:
                inside = mistake.path[:1] == ("profile",)
                more[where if inside else msgspec.structs.replace(where, note=_with(name, where.note))] = None
    return tuple(sorted(more, key=_order))


def files_asked(
    path: str | os.PathLike[str], params: Mapping[str, str] | None = None, profile: str | None = None
) -> tuple[str, ...]:
    """Return the files that are read for a graph, those that are not there too, as far as its mistakes let it be read."""
    found: list[str] = [os.path.realpath(path), choices_path(path)]
    with contextlib.suppress(DagcontentError):
        read = load_pipeline(path, overrides=params, profile=profile)
        found += [*(file for file, _ in read.files), *read.looked]
    return tuple(dict.fromkeys(found))


def _with(profile: str, note: str) -> str:
    """Return a note that says with which profile something is a mistake."""
    return f"with --profile {profile}{': ' + note if note else ''}"


def _examine(
    path: str | os.PathLike[str], params: Mapping[str, str] | None, profile: str | None
) -> tuple[LoadedGraph | None, tuple[Located, ...], Sequence[Mistake], tuple[str, ...]]:
    """Return the graph, its mistakes with their places and (in the same order) as they are, and the names of its profiles."""
    stamps = _Stamps()
    read = load_pipeline(path, overrides=params, profile=profile, read=stamps.read)
    broken = {str(m.path[1]) for m in read.mistakes if len(m.path) > 1 and m.path[0] in {"node", "each", "params"}}
    broken |= {str(m.path[3]) for m in read.mistakes if len(m.path) > 3 and m.path[0] == "profile"}
    linked = link(read.pipeline, broken | set(read.pipeline.broken), datetime.now(UTC).date())
    pairs = [(locate(read.sources, mistake), mistake) for mistake in (*read.mistakes, *linked.mistakes)]
    pairs.sort(key=lambda pair: _order(pair[0]))
    found, mistakes = tuple(where for where, _ in pairs), [mistake for _, mistake in pairs]
    if linked.graph is None or any(not m.warning and not m.ended for m in mistakes):
        return None, found, mistakes, read.pipeline.profiles
    warnings = [f"{m.file}:{m.line}:{m.column}: {m.message}" for m in found if m.warning]
    ended = {mistake.ended: where for where, mistake in pairs if mistake.ended}
    seen = [SeenFile(file, stamps.of.get(file, ()), digest) for file, digest in read.files]
    choices = choices_path(path)
    if choices not in stamps.of:
        seen.append(SeenFile(choices, (), ""))
    loaded = LoadedGraph(Path(os.path.realpath(path)), linked.graph, read.sources, seen, warnings, ended)
    return loaded, found, mistakes, read.pipeline.profiles


def _order(mistake: Located) -> tuple[str, int, int]:
    return mistake.file, mistake.line, mistake.column


class _Stamps:
    """Reads files, and notes how each looked just before."""

    def __init__(self) -> None:
        self.of: dict[str, tuple[int, ...]] = {}

    def read(self, path: str) -> bytes:
        with contextlib.suppress(OSError):
            self.of[path] = stamp_of(path)
        return read_file(path)
