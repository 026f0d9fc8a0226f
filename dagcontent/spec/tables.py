"""Turn the documents of a graph (the file and its includes) into one set of named tables. Knows no table's content.

The including file wins for models, defaults and params; any other name given twice is a mistake that shows both lines.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from dagcontent.spec.beside import Beside
from dagcontent.spec.document import Files
from dagcontent.spec.findings import Findings
from dagcontent.spec.literal import Spot
from dagcontent.spec.model import TomlPath
from dagcontent.spec.words import a_value

__all__ = ["SECTIONS", "Document", "Entry", "Tables", "gather"]

SECTIONS: Final = ("graph", "params", "models", "defaults", "each", "node", "profile", "exports")
_MAX_DEPTH: Final = 8
_MAX_FILES: Final = 100


class Document(msgspec.Struct, frozen=True):
    """One parsed file. `above` are the files that include it."""

    file: int
    path: str
    folder: str
    data: dict[str, Any]
    above: frozenset[int]


class Entry(msgspec.Struct, frozen=True):
    """One named value with the document it stands in, and its path there."""

    value: Any
    document: Document
    path: TomlPath


class Tables:
    """All documents, the graph itself first."""

    def __init__(self, documents: list[Document], findings: Findings) -> None:
        self.documents = documents
        self._findings = findings

    def named(self, section: str, *, first_wins: bool = False) -> Iterator[tuple[str, Entry]]:
        """Yield every name of a section once, with its value. A name given twice is noted."""
        seen: dict[str, Document] = {}
        for document in self.documents:
            table = document.data.get(section)
            if table is None:
                continue
            if not isinstance(table, dict):
                message = f"`{section}` is a table, not {a_value(table)}"
                caret = f"write [{section}.NAME]" if section in {"node", "each"} else f"write [{section}]"
                self._findings.add(document.file, (section,), message, at="key", caret=caret)
                continue
            for name, value in table.items():
                earlier = seen.setdefault(name, document)
                if earlier is document:
                    yield name, Entry(value, document, (section, name))
                elif not (first_wins and earlier.file in document.above):
                    self._twice(section, name, earlier, document)

    def _twice(self, section: str, name: str, earlier: Document, document: Document) -> None:
        self._findings.add(
            document.file,
            (section, name),
            f"`{name}` is given twice",
            at="key",
            caret="rename one of them",
            also=((earlier.file, (section, name), "given here first"),),
        )


def gather(document: Document, files: Files, beside: Beside, findings: Findings) -> Tables:
    """Read everything that a graph includes, each file once."""
    documents: list[Document] = []
    _visit(document, 0, (files, beside, findings), documents)
    return Tables(documents, findings)


def _visit(document: Document, depth: int, tools: tuple[Files, Beside, Findings], documents: list[Document]) -> None:
    files, _beside, findings = tools
    documents.append(document)
    for spot, path in _includes(document, tools):
        known = next((there.file for there in documents if there.path == path), None)
        if known is not None:
            if known == document.file or known in document.above:
                findings.add(spot.file, spot.path, "this file includes itself, directly or not", caret="leave it out")
            continue
        if depth >= _MAX_DEPTH or len(documents) >= _MAX_FILES:
            findings.add(spot.file, spot.path, f"more than {_MAX_DEPTH} levels or {_MAX_FILES} files of includes")
            return
        try:
            index, tables = files.tables(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            findings.add(spot.file, spot.path, f"this file cannot be read: {reason}")
            continue
        if tables is not None:
            above = document.above | {document.file}
            _visit(Document(index, path, os.path.dirname(path), tables, above), depth + 1, tools, documents)


def _includes(document: Document, tools: tuple[Files, Beside, Findings]) -> Iterator[tuple[Spot, str]]:
    _files, beside, findings = tools
    graph = document.data.get("graph")
    include = graph.get("include") if isinstance(graph, dict) else None
    if include is None:
        return
    spot = Spot(document.file, document.folder, ("graph", "include"))
    if not isinstance(include, list):
        caret = f'write ["{include}"]' if isinstance(include, str) else ""
        findings.add(spot.file, spot.path, f"`include` takes a list of paths, not {a_value(include)}", caret=caret)
        return
    for position, written in enumerate(include):
        place = spot.step(position)
        if not isinstance(written, str):
            findings.add(place.file, place.path, f"`include` takes paths, not {a_value(written)}")
            continue
        path, wrong = beside.resolve(document.folder, written)
        if wrong is not None:
            findings.add(place.file, place.path, wrong[0], caret=wrong[1])
        else:
            yield place, path
