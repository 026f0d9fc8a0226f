"""Turn `[profile.NAME]` tables into the layers that are laid over a graph. Knows no value: who reads one judges it.

A profile and those that it inherits from are layers, the lowest first; a later one wins, key by key. `draft` is there
without being written: in it every model that costs money gives way to its stand-in. What stands above it in the layers
(a graph's own `[profile.draft]` first of all) is kept as it is written.

What can be said of a table alone is said of every profile; its values are read when it is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

import msgspec

from dagcontent.kinds.registry import COMMON_KEYS, KINDS
from dagcontent.spec.findings import Findings
from dagcontent.spec.model import Place, TomlPath
from dagcontent.spec.tables import Document, Entry, Tables
from dagcontent.spec.words import DRAFT, a_value, listed

__all__ = ["KEYS", "Layer", "Profiles"]

KEYS: Final = ("inherit", "params", "models", "defaults", "node")
"""What a profile may hold."""
_SECTIONS: Final = KEYS[1:]
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")
_FIXED: Final = {
    "kind": "a profile changes no kind",
    "each": "a profile adds no dimension",
}
"""Keys of a node that a profile may not give, and why."""


class Layer(msgspec.Struct, frozen=True):
    """One profile's tables. Every section of it is a table, and its nodes are nodes of the graph."""

    name: str
    document: Document
    sections: dict[str, dict[str, Any]]

    def path(self, *names: str) -> TomlPath:
        """Return the path of something in this profile."""
        return ("profile", self.name, *names)

    def entries(self, section: str) -> Iterator[tuple[str, Entry]]:
        """Yield every name of a section with its value."""
        for name, value in self.sections.get(section, {}).items():
            yield name, Entry(value, self.document, self.path(section, name))


class Profiles:
    """The profiles of a graph, and the layers of the one that was chosen, the lowest first. `within` a graph that was read with
    a profile, only one of the same name is laid over this one, and a draft is a draft throughout.

    `nodes` are those that a layer says something of. `drafts`: the built-in `draft` is among the layers; `own` are the
    names of those above it, whose models stay.
    """

    def __init__(
        self, tables: Tables, chosen: str | None, findings: Findings, *, within: Profiles | None = None
    ) -> None:
        self._findings = findings
        self._tables = tables
        self._all: dict[str, Layer] = {}
        self._inherits: dict[str, str] = {}
        for name, entry in tables.named("profile"):
            self._read(name, entry)
        self._check_inherits()
        self.written: tuple[str, ...] = tuple(self._all)
        self.names: tuple[str, ...] = tuple(dict.fromkeys((*self._all, DRAFT)))
        chain = self._chain(chosen) if within is None or chosen in self._all else []
        if within is not None and within.drafts and DRAFT not in chain:
            chain = [DRAFT, *chain]
        self.layers: tuple[Layer, ...] = tuple(self._all[name] for name in chain if name in self._all)
        self.nodes = frozenset(name for layer in self.layers for name in layer.sections.get("node", {}))
        self.drafts: bool = DRAFT in chain
        self.own = frozenset(chain[chain.index(DRAFT) :]) if self.drafts else frozenset[str]()

    @cached_property
    def _nodes(self) -> dict[str, dict[str, Any]]:
        return _tables_of(self._tables, "node")

    @cached_property
    def _params(self) -> set[str]:
        return {name for document in self._tables.documents for name in _table(document.data.get("params"))}

    def of_node(self, name: str) -> list[tuple[Layer, dict[str, Any]]]:
        """Return what the layers say of a node, the lowest first."""
        found = ((layer, layer.sections.get("node", {}).get(name)) for layer in self.layers)
        return [(layer, table) for layer, table in found if table is not None]

    def keeps(self, path: TomlPath) -> bool:
        """Tell whether what stands at a path lies above the built-in draft."""
        return path[:1] == ("profile",) and path[1] in self.own

    def _chain(self, chosen: str | None) -> list[str]:
        """Return the names from the lowest to the chosen one."""
        if chosen is None:
            return []
        if chosen not in self.names:
            path = ("profile", next(iter(self._all))) if self._all else ()
            caret = self._findings.suggestion(chosen, self.names)
            message = f"--profile {chosen}: there is no such profile"
            self._findings.add(0, path, message, at="header", caret=caret, note=f"there are: {listed(self.names)}")
            return []
        names = [chosen]
        while names[-1] in self._inherits:
            names.append(self._inherits[names[-1]])
        return names[::-1]

    def _read(self, name: str, entry: Entry) -> None:
        place = Place(entry.document.file, ("profile", name))
        table = entry.value
        if not isinstance(table, dict):
            self._findings.at_key(place, f"`{name}` stands in [profile] itself", "a profile is a table: [profile.NAME]")
            return
        if not _NAME.fullmatch(name):
            self._findings.add(place.file, place.path, f"`{name}` is no name for a profile", at="header",
                               caret="names are letters, digits, _ and -")  # fmt: skip
        sections: dict[str, dict[str, Any]] = {}
        for key, value in table.items():
            there = Place(place.file, (*place.path, key))
            if key == "inherit":
                self._inherit(name, value, there)
            elif key not in KEYS:
                caret = self._findings.suggestion(key, KEYS)
                self._findings.at_key(there, f"unknown section `{key}` of a profile", caret, f"it has: {listed(KEYS)}")
            elif not isinstance(value, dict):
                self._findings.at_key(there, f"`{key}` of a profile is a table, not {a_value(value)}")
            else:
                sections[key] = {inner: dict(v) if isinstance(v, dict) else v for inner, v in value.items()}
        layer = self._all[name] = Layer(name, entry.document, sections)
        self._check_params(layer)
        self._check_nodes(layer)

    def _inherit(self, name: str, value: Any, place: Place) -> None:
        if isinstance(value, str):
            self._inherits[name] = value
        else:
            self._findings.at_value(place, f"`inherit` names one profile, not {a_value(value)}")

    def _check_params(self, layer: Layer) -> None:
        for name in layer.sections.get("params", {}):
            if name not in self._params:
                place = Place(layer.document.file, layer.path("params", name))
                note = f"the graph has: {listed(sorted(self._params))}" if self._params else "the graph has none"
                caret = self._findings.suggestion(name, self._params)
                self._findings.at_key(place, f"there is no parameter `{name}` for a profile to change", caret, note)

    def _check_nodes(self, layer: Layer) -> None:
        for name, table in list(layer.sections.get("node", {}).items()):
            place = Place(layer.document.file, layer.path("node", name))
            if name not in self._nodes:
                caret = self._findings.suggestion(name, self._nodes)
                if "/" in name:
                    caret = f"a [profile.{layer.name}] in the inner graph's own file changes its nodes"
                self._findings.add(place.file, place.path, f"there is no node `{name}`: a profile adds none",
                                   at="header", caret=caret)  # fmt: skip
            elif not isinstance(table, dict):
                self._findings.at_key(place, f"`{name}` stands in the profile's [node] itself", "a node is a table")
            else:
                self._check_keys(name, table, place)
                continue
            del layer.sections["node"][name]

    def _check_keys(self, name: str, table: dict[str, Any], place: Place) -> None:
        written = self._nodes[name].get("kind")
        kind = KINDS.get(written) if isinstance(written, str) else None
        for key in list(table):
            there = Place(place.file, (*place.path, key))
            if key in _FIXED:
                self._findings.at_key(there, f"`{key}` of a node is the same in every profile: {_FIXED[key]}")
            elif key == "takes" and "takes" not in self._nodes[name]:
                message = f"`{name}` has no `takes`, and a profile adds no dimension"
                self._findings.at_key(there, message, "write `takes = 1` in the node itself: a list of one")
            elif kind is None or key in COMMON_KEYS or kind.param(key) is not None:
                continue
            else:
                names = [param.name for param in kind.params]
                caret = self._findings.suggestion(key, [*names, *COMMON_KEYS])
                note = f"{kind.name} takes: {listed(names, 40)} (dagcontent kinds {kind.name})"
                self._findings.at_key(there, f"unknown parameter `{key}` of {kind.name}", caret, note)
            del table[key]

    def _check_inherits(self) -> None:
        """Note what inherits from a profile that is not there, and those that inherit from each other; then cut there."""
        for name, above in list(self._inherits.items()):
            place = Place(self._all[name].document.file, ("profile", name, "inherit"))
            if above not in self._all and above != DRAFT:
                caret = self._findings.suggestion(above, {*self._all, DRAFT} - {name})
                self._findings.at_value(place, f"there is no profile `{above}` to inherit from", caret)
                del self._inherits[name]
                continue
            chain = [name]
            while (above := self._inherits.get(chain[-1], "")) and above not in chain:
                chain.append(above)
            if above == name:
                path = " -> ".join([*chain, name])
                self._findings.at_value(place, f"these profiles inherit from each other: {path}", "leave one out")
                del self._inherits[name]


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables_of(tables: Tables, section: str) -> dict[str, dict[str, Any]]:
    """Return the tables of a section by name, what is given twice once and without a word: that is said elsewhere."""
    return {
        name: value
        for document in reversed(tables.documents)
        for name, value in _table(document.data.get(section)).items()
        if isinstance(value, dict)
    }
