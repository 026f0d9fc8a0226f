"""Turn the nodes of kind graph into the Pipelines that they stand for. Knows no links: what is inlined, the linker does.

A graph is read once however many nodes stand for it, by the rules that hold when it is built alone: its files are those of
its own folder. What a node gives as `params` is checked against what the graph declares, at the node's line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from dagcontent.spec.document import Files
from dagcontent.spec.findings import Findings
from dagcontent.spec.literal import Literals, Spot
from dagcontent.spec.model import AssetPath, Export, FileText, NodeSpec, ParamSpec, Pipeline, Place
from dagcontent.spec.params import declared_type
from dagcontent.spec.tables import Document, Tables
from dagcontent.spec.words import a_value, listed
from dagcontent.values.mistake import Mistake
from dagcontent.values.types import BOOLEAN, JSON, NUMBER, TEXT, Type, list_of

__all__ = ["GRAPH", "Composition", "read_exports", "told"]

GRAPH: Final = "graph"
"""The kind of a node that another graph stands for."""
_MAX_DEPTH: Final = 8
_MAX_GRAPHS: Final = 1_000

ReadGraph = Callable[[Document, Literals], Pipeline]
"""Reads the graph of a document that stands for a node."""


class Composition:
    """The graphs within one graph, by path. `chain` are the files from the outermost in, each with its node's place."""

    def __init__(self, files: Files, findings: Findings, read: ReadGraph) -> None:
        self.composed: dict[int, Place] = {}
        self._files = files
        self._findings = findings
        self._read = read
        self._chain: list[tuple[str, Place | None, str]] = [(files.graph, None, "")]
        self._known: dict[str, Pipeline | None] = {}
        self._sizes: dict[str, int] = {}

    def graphs(self, nodes: dict[str, NodeSpec], tables: Tables, literals: Literals) -> dict[str, Pipeline]:
        """Return the graph that each node of the kind stands for; a node without one, which is noted, is taken out."""
        made: dict[str, Pipeline] = {}
        for node in [node for node in nodes.values() if node.kind == GRAPH]:
            before = self._findings.count
            found = self._graph(node, tables, literals)
            if found is None:
                del nodes[node.name]
            else:
                made[node.name] = _Given(self._files, literals, self._findings, node, tables).laid(found)
            if found is not None and self._findings.count == before and self._inside(found) > _MAX_GRAPHS:
                message = f"more than {_MAX_GRAPHS:,} graphs stand within this one"
                self._findings.at_value(node.place_of("path"), message, "compose fewer")
                del nodes[node.name], made[node.name]
        return made

    def _graph(self, node: NodeSpec, tables: Tables, literals: Literals) -> Pipeline | None:
        place = node.place_of("path")
        written = node.params.get("path")
        if not isinstance(written, str):
            if written is not None:
                what = "a graph is known before anything runs: `path` holds no reference"
                self._findings.at_value(place, what, 'write the name of its file: "ad.toml"')
            return None
        folder = next(document.folder for document in tables.documents if document.file == place.file)
        path, wrong = literals.beside.resolve(folder, written)
        if wrong is not None:
            self._findings.at_value(place, *wrong)
            return None
        if any(path == above for above, _, _ in self._chain):
            self._cycle(path, place, node.name)
            return None
        if len(self._chain) > _MAX_DEPTH:
            self._findings.at_value(place, f"more than {_MAX_DEPTH} graphs stand within each other", "compose fewer")
            return None
        if path not in self._known:
            self._known[path] = self._load(path, place, node.name, literals)
        return self._known[path]

    def _load(self, path: str, place: Place, name: str, literals: Literals) -> Pipeline | None:
        first = len(self._files.sources)
        try:
            index, data = self._files.tables(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            self._findings.at_value(place, f"this graph cannot be read: {reason}")
            return None
        self._chain.append((path, place, name))
        found = None
        if data is not None:
            document = Document(index, path, os.path.dirname(path), data, frozenset())
            found = self._read(document, literals.within(document.folder))
        self._chain.pop()
        for file in range(first, len(self._files.sources)):
            self.composed.setdefault(file, place)
        return found

    def _cycle(self, path: str, place: Place, name: str) -> None:
        at = next(i for i, (above, _, _) in enumerate(self._chain) if above == path)
        links = [*((step, where, node) for step, where, node in self._chain[at + 1 :] if where), (path, place, name)]
        shown = [self._files.shown(step) for step, _, _ in [self._chain[at], *links]]
        also = tuple(
            (where.file, where.path, f"node `{node}` is {self._files.shown(step)}") for step, where, node in links
        )
        message = f"a graph that contains itself: {' -> '.join(shown)}"
        self._findings.add(place.file, place.path, message, caret="leave it out", also=also if len(also) > 1 else ())

    def _inside(self, graph: Pipeline) -> int:
        """Return how many graphs stand for nodes in one, itself among them."""
        path = graph.files[0]
        if path not in self._sizes:
            self._sizes[path] = 1 + sum(self._inside(inner) for inner in graph.graphs.values())
        return self._sizes[path]


class _Given:
    """What one node gives as `params`, laid over those of the graph that it stands for."""

    def __init__(self, files: Files, literals: Literals, findings: Findings, node: NodeSpec, tables: Tables) -> None:
        self._files = files
        self._literals = literals
        self._findings = findings
        self._node = node
        self._place = node.place_of("params")
        self._document = next(found for found in tables.documents if found.file == self._place.file)

    def laid(self, graph: Pipeline) -> Pipeline:
        """Return the graph with the node's params."""
        name = self._files.shown(graph.files[0])
        params = dict(graph.params)
        written = self._written()
        if written is None:
            return graph
        for key, value in written.items():
            spec = graph.params.get(key)
            if spec is None:
                caret = self._findings.suggestion(key, graph.params)
                known = f"{name} has: {listed(list(graph.params))}" if graph.params else f"{name} has none"
                place = Place(self._place.file, (*self._place.path, key))
                self._findings.at_key(place, f"{name} has no parameter `{key}`", caret, known)
            else:
                params[key] = self._param(spec, value, key)
        for spec in graph.params.values():
            if spec.kind == "required" and spec.name not in written:
                note = f"it is {spec.help}" if spec.help else ""
                at = "value" if written else "header"
                message = f"`{spec.name}` of {name} must be given"
                caret = f"add {spec.name} = ..." if written else f"write params = {{ {spec.name} = ... }}"
                self._findings.add(self._place.file, self._place.path, message, at=at, caret=caret, note=note)
        return msgspec.structs.replace(graph, params=params)

    def _written(self) -> Mapping[str, Any] | None:
        if "params" not in self._node.params:
            return {}
        value: Any = self._document.data
        for key in self._place.path:
            value = value[key]
        if isinstance(value, dict):
            return value
        what = "text" if isinstance(value, str) else a_value(value)
        self._findings.at_value(self._place, f"`params` is a table, not {what}", "give each by its name: { x = ... }")
        return None

    def _param(self, spec: ParamSpec, value: Any, key: str) -> ParamSpec:
        spot = Spot(self._place.file, self._document.folder, (*self._place.path, key))
        type_ = _type_of(spec)
        before = self._findings.count
        found = self._literals.typed(value, (type_,), key, spot)
        if spec.choices and isinstance(found, str) and found not in spec.choices:
            hint = self._findings.suggestion(found, spec.choices) or f"allowed: {listed(spec.choices)}"
            self._literals.wrong(spot, f"`{key}` cannot be `{found}`", hint)
        place = Place(spot.file, spot.path)
        if self._findings.count > before:
            return ParamSpec(spec.name, "given", None, place=place)  # it was given, and nothing is known of it
        return ParamSpec(spec.name, "given", found, str(type_), spec.choices, spec.help, place)


def _type_of(spec: ParamSpec) -> Type:
    """Return what a parameter takes: what it declares, or else what its default is."""
    value = spec.value
    if spec.type is not None:
        return declared_type(spec.type) or JSON
    if spec.kind == "assets":
        return list_of(Type(value[0].type)) if value and isinstance(value[0], AssetPath) else JSON
    if isinstance(value, AssetPath):
        return Type(value.type)
    if isinstance(value, str | FileText):
        return TEXT
    if isinstance(value, bool):
        return BOOLEAN
    return NUMBER if isinstance(value, int | float) else JSON


def read_exports(tables: Tables, literals: Literals, findings: Findings) -> dict[str, Export]:
    """Return the `[exports]` of a graph."""
    found: dict[str, Export] = {}
    for name, entry in tables.named("exports"):
        document = entry.document
        spot = Spot(document.file, document.folder, entry.path)
        if not name.isidentifier() or not name.isascii():
            findings.at_key(Place(spot.file, spot.path), f"`{name}` is not a name", "names are letters, digits and _")
        else:
            found[name] = Export(name, literals.data(entry.value, spot), Place(spot.file, spot.path))
    return found


def told(mistake: Mistake, composed: Mapping[int, Place]) -> Mistake:
    """Return a mistake with the nodes that its file was read for, from the innermost out."""
    places: list[tuple[int, tuple[str | int, ...], str]] = []
    file = mistake.file
    while file in composed:
        place = composed[file]
        name = next((str(part) for key, part in zip(place.path, place.path[1:], strict=False) if key == "node"), "")
        if all((place.file, place.path) != known[:2] for known in mistake.also):
            places.append((place.file, place.path, f"read for node `{name}`"))
        file = place.file
    return msgspec.structs.replace(mistake, also=(*mistake.also, *places)) if places else mistake
