"""Turn a graph file with everything it includes into a Pipeline and all its mistakes. Knows no links between nodes.

All mistakes of one pass are returned together; only where TOML itself cannot be parsed that file ends there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from dagcontent.spec.aliases import Aliases
from dagcontent.spec.beside import Beside, written_wrongly
from dagcontent.spec.choices import CHOICES, read_choices
from dagcontent.spec.dimensions import read_dimensions
from dagcontent.spec.document import Files, Read, read_file
from dagcontent.spec.findings import Findings
from dagcontent.spec.literal import Literals, Spot
from dagcontent.spec.model import Pipeline, Place
from dagcontent.spec.nodes import Nodes
from dagcontent.spec.params import read_params
from dagcontent.spec.profiles import Profiles
from dagcontent.spec.source import Source
from dagcontent.spec.tables import SECTIONS, Document, Tables, gather
from dagcontent.spec.usd import usd_of
from dagcontent.spec.words import a_value, listed
from dagcontent.values.mistake import Mistake

__all__ = ["Loaded", "load"]

_GRAPH_KEYS: Final = ("name", "description", "output_dir", "budget_usd", "include")
_MAX_BUDGET_USD: Final = 1_000_000_000


class Loaded(msgspec.Struct, frozen=True):
    """What came of a load. `files` are (absolute path, SHA-256) of every file that was read.

    `looked` are the paths that it names, whether something stands there or not. With mistakes (warnings aside) the pipeline holds what could be read.
    """

    pipeline: Pipeline
    sources: tuple[Source, ...]
    mistakes: tuple[Mistake, ...]
    files: tuple[tuple[str, str], ...]
    looked: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing but warnings was found."""
        return all(mistake.warning for mistake in self.mistakes)


def load(
    path: str | os.PathLike[str],
    *,
    text: str | None = None,
    overrides: Mapping[str, str] | None = None,
    profile: str | None = None,
    read: Read = read_file,
) -> Loaded:
    """Load a graph; `text` stands for the file's content, `overrides` are `-p name=value`, `profile` is `--profile`.

    Raises ConfigError when the file cannot be read. Relative paths in `overrides` begin at the working directory.
    """
    given = os.fspath(path)
    findings = Findings()
    files = Files(read, findings, given)
    data = files.first(text)
    index, tables = files.toml(files.graph, data)
    folder = os.path.dirname(files.graph)
    pipeline = _nothing(files.graph)
    if tables is not None:
        document = Document(index, files.graph, folder, tables, frozenset())
        pipeline = _pipeline(document, files, findings, overrides or {}, profile)
    sources = tuple(files.sources)
    pipeline = msgspec.structs.replace(pipeline, files=tuple(source.path for source in sources))
    return Loaded(pipeline, sources, tuple(findings.mistakes), tuple(files.digests), tuple(files.looked))


def _nothing(path: str) -> Pipeline:
    folder, file = os.path.split(path)
    name = os.path.splitext(file)[0]
    return Pipeline(name, "", (path,), folder, os.path.join(folder, "out"), {}, {}, {})


def _pipeline(
    document: Document, files: Files, findings: Findings, overrides: Mapping[str, str], profile: str | None
) -> Pipeline:
    beside = Beside(document.folder, files.looked)
    tables = gather(document, files, beside, findings)
    literals = Literals(files, beside, findings)
    _sections(tables, findings)
    empty = _nothing(document.path)
    name, description, output_dir = _graph(document, literals, findings, empty)
    profiles = Profiles(tables, profile, findings)
    params = read_params(tables, overrides, literals, findings, profiles)
    aliases = Aliases(tables, literals, findings, profiles)
    dimensions = read_dimensions(tables, literals, findings)
    nodes = Nodes(tables, literals, findings, aliases, dimensions, profiles)
    read = nodes.read()
    choices = () if _is_choices_file(document, findings) else read_choices(document.path, files, findings, profile)
    if profiles.drafts:  # what is pinned is no draft
        choices = tuple(msgspec.structs.replace(choice, pin=None) for choice in choices)
    return Pipeline(
        name, description, (), document.folder, output_dir, params, dimensions.good, read, aliases.resolved,
        (*dimensions.broken, *nodes.broken), _budget(document, literals), profile, profiles.written, choices,
        profiles.drafts, frozenset(aliases.lists),
    )  # fmt: skip


def _sections(tables: Tables, findings: Findings) -> None:
    """Note what stands at the top of a file and is no section, or is one that cannot be used yet."""
    for document in tables.documents:
        for key, value in document.data.items():
            place = Place(document.file, (key,))
            if key == "exports":
                findings.later(place, "`[exports]` is", "leave it out", at="header")
            elif key not in SECTIONS:
                caret = findings.suggestion(key, SECTIONS)
                if isinstance(value, dict) and not caret:
                    caret = f"a node is written [node.{key}]"
                note = f"a graph has: {listed([f'[{name}]' for name in SECTIONS])}"
                at = "header" if isinstance(value, dict) else "key"
                findings.add(document.file, (key,), f"unknown section `{key}`", at=at, caret=caret, note=note)


def _graph(document: Document, literals: Literals, findings: Findings, empty: Pipeline) -> tuple[str, str, str]:
    graph = document.data.get("graph", {})
    if not isinstance(graph, dict):
        findings.add(
            document.file, ("graph",), f"`graph` is a table, not {a_value(graph)}", at="key", caret="write [graph]"
        )
        return empty.name, "", empty.output_dir
    spot = Spot(document.file, document.folder, ("graph",))
    for key in graph:
        place = Place(document.file, ("graph", key))
        if key not in _GRAPH_KEYS:
            caret = findings.suggestion(key, _GRAPH_KEYS)
            findings.at_key(place, f"unknown key `{key}` of [graph]", caret, f"[graph] has: {listed(_GRAPH_KEYS)}")
    name = _text(graph, "name", empty.name, spot, literals)
    if not name.strip():
        literals.wrong(spot.step("name"), "the name of a graph is not empty", f"leave it out for `{empty.name}`")
        name = empty.name
    return name, _text(graph, "description", "", spot, literals), _output_dir(graph, spot, literals, empty)


def _budget(document: Document, literals: Literals) -> int | None:
    """Return `budget_usd` in micro-USD; None where there is none, or none that can be read, which is noted."""
    graph = document.data.get("graph")
    if not isinstance(graph, dict) or "budget_usd" not in graph:
        return None
    spot = Spot(document.file, document.folder, ("graph", "budget_usd"))
    return usd_of(graph["budget_usd"], "budget_usd", spot, literals, _MAX_BUDGET_USD)


def _text(graph: dict[str, Any], key: str, default: str, spot: Spot, literals: Literals) -> str:
    value = graph.get(key, default)
    if isinstance(value, str):
        return value
    literals.wrong(spot.step(key), f"`{key}` is text, not {a_value(value)}")
    return default


def _output_dir(graph: dict[str, Any], spot: Spot, literals: Literals, empty: Pipeline) -> str:
    written = _text(graph, "output_dir", "out", spot, literals)
    wrong = written_wrongly(written)
    path = os.path.normpath(os.path.join(spot.folder, written)) if wrong is None else ""
    if wrong is None and (".." in written.split("/") or path == os.path.normpath(spot.folder)):
        wrong = "`output_dir` is a folder in the graph's own", 'write a name, as "out"'
    if wrong is None:
        return path
    literals.wrong(spot.step("output_dir"), *wrong)
    return empty.output_dir


def _is_choices_file(document: Document, findings: Findings) -> bool:
    is_one = document.path.endswith(CHOICES)
    if is_one:
        findings.add(document.file, (), "this is a choices file, not a graph", caret="give the graph beside it")
    return is_one
