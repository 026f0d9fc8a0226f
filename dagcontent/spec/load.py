"""Turn a graph file with everything it includes into a Pipeline and all its mistakes. Knows no links between nodes.

All mistakes of one pass are returned together; only where TOML itself cannot be parsed that file ends there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from dagcontent.spec.aliases import Aliases
from dagcontent.spec.beside import Beside, written_wrongly
from dagcontent.spec.choices import CHOICES, read_choices
from dagcontent.spec.composition import Composition, read_exports, told
from dagcontent.spec.dimensions import read_dimensions
from dagcontent.spec.document import Files, Read, read_file
from dagcontent.spec.findings import Findings
from dagcontent.spec.literal import Literals, Spot
from dagcontent.spec.model import Choice, Pipeline, Place
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
    composed: dict[int, Place] = {}
    if tables is not None:
        document = Document(index, files.graph, folder, tables, frozenset())
        reading = _Reading(files, findings, profile)
        composed = reading.composition.composed
        pipeline = reading.graph(document, overrides or {})
    sources = tuple(files.sources)
    pipeline = msgspec.structs.replace(pipeline, files=tuple(source.path for source in sources), composed=composed)
    mistakes: Iterable[Mistake] = findings.mistakes
    if composed:  # what a node gives is read twice: as a part of the node, and as what the graph declares
        mistakes = dict.fromkeys(told(mistake, composed) for mistake in mistakes)
    return Loaded(pipeline, sources, tuple(mistakes), tuple(files.digests), tuple(files.looked))


def _nothing(path: str) -> Pipeline:
    folder, file = os.path.split(path)
    name = os.path.splitext(file)[0]
    return Pipeline(name, "", (path,), folder, os.path.join(folder, "out"), {}, {}, {})


class _Reading:
    """One load: the graph, and those that stand for nodes of it, all with one profile."""

    def __init__(self, files: Files, findings: Findings, profile: str | None) -> None:
        self._files = files
        self._findings = findings
        self._profile = profile
        self._profiles: Profiles | None = None
        self.composition = Composition(files, findings, self._inner)

    def graph(self, document: Document, overrides: Mapping[str, str]) -> Pipeline:
        """Read the graph itself."""
        findings = self._findings
        literals = Literals(self._files, Beside(document.folder, self._files.looked), findings)
        made = self._read(document, literals, overrides)
        choices: tuple[Choice, ...] = ()
        if not _is_choices_file(document, findings):
            choices = read_choices(document.path, self._files, findings, self._profile)
        if made.drafts:  # what is pinned is no draft
            choices = tuple(msgspec.structs.replace(choice, pin=None) for choice in choices)
        return msgspec.structs.replace(made, choices=choices)

    def _inner(self, document: Document, literals: Literals) -> Pipeline:
        made = self._read(document, literals, None)
        if made.budget_microusd is not None:
            place = Place(document.file, ("graph", "budget_usd"))
            message = f"`budget_usd` holds where {os.path.basename(document.path)} is built by itself, and not here"
            caret = "what the whole may cost is said in the graph that is built"
            self._findings.note(Mistake(message, place.file, place.path, "key", None, caret, warning=True))
        return made

    def _read(self, document: Document, literals: Literals, overrides: Mapping[str, str] | None) -> Pipeline:
        findings = self._findings
        tables = gather(document, self._files, literals.beside, findings)
        _sections(tables, findings)
        empty = _nothing(document.path)
        name, description, output_dir = _graph(document, literals, findings, empty)
        profiles = Profiles(tables, self._profile, findings, within=self._profiles)
        self._profiles = self._profiles or profiles
        params = read_params(tables, overrides, literals, findings, profiles)
        aliases = Aliases(tables, literals, findings, profiles)
        dimensions = read_dimensions(tables, literals, findings)
        reader = Nodes(tables, literals, findings, aliases, dimensions, profiles)
        nodes = reader.read()
        known = list(nodes)
        graphs = self.composition.graphs(nodes, tables, literals)
        lost = [name for name in known if name not in nodes]
        return Pipeline(
            name, description, (document.path,), document.folder, output_dir, params, dimensions.good, nodes,
            aliases.resolved, (*dimensions.broken, *reader.broken, *lost), _budget(document, literals), self._profile,
            profiles.written, (), profiles.drafts, frozenset(aliases.lists),
            read_exports(tables, literals, findings), graphs,
        )  # fmt: skip


def _sections(tables: Tables, findings: Findings) -> None:
    """Note what stands at the top of a file and is no section, or is one that cannot be used yet."""
    for document in tables.documents:
        for key, value in document.data.items():
            if key not in SECTIONS:
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
