"""Turn `[defaults]` and `[defaults."KIND"]` into values to lay under the nodes of a kind. Knows no node."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from dagcontent.kinds.declaration import WORKED_OUT, Kind
from dagcontent.kinds.registry import COMMON_KEYS, KINDS, LATER_KINDS
from dagcontent.spec.findings import Findings
from dagcontent.spec.model import Place, TomlPath
from dagcontent.spec.profiles import Profiles
from dagcontent.spec.tables import Document, Tables
from dagcontent.spec.words import a_value

__all__ = ["Default", "Defaults"]

_NOT_BY_DEFAULT: Final = frozenset({"kind"})


class Default(msgspec.Struct, frozen=True):
    """One value of `[defaults]`. `exact` says that it was given for this kind."""

    value: Any
    document: Document
    place: Place
    exact: bool


class Defaults:
    """Defaults by kind, the kind's own before those of all kinds, and a profile's before the graph's."""

    def __init__(self, tables: Tables, findings: Findings, profiles: Profiles) -> None:
        self._findings = findings
        self._all: dict[str, Default] = {}
        self._of: dict[str, dict[str, Default]] = {}
        self._beneath: tuple[dict[str, Default], dict[str, dict[str, Default]]] = ({}, {})
        # One pass over all documents, the including ones first: what stands first stays.
        for document in tables.documents:
            section = document.data.get("defaults")
            if isinstance(section, dict):
                self._read(section, document, ("defaults",))
            elif section is not None:
                message = f"`defaults` is a table, not {a_value(section)}"
                findings.add(document.file, ("defaults",), message, at="key", caret="write [defaults]")
        if profiles.layers:
            self._beneath, self._all, self._of = (self._all, self._of), {}, {}
        for layer in reversed(profiles.layers):  # as above: what stands first stays
            self._read(layer.sections.get("defaults", {}), layer.document, layer.path("defaults"))

    def of(self, kind: Kind) -> dict[str, Default]:
        """Return what lies under the nodes of a kind: only keys that it has."""
        merged: dict[str, Default] = {}
        for of_all, of_kind in (self._beneath, (self._all, self._of)):
            merged.update({key: default for key, default in of_all.items() if _has(kind, key)})
            merged.update(of_kind.get(kind.name, {}))
        return merged

    def _read(self, section: dict[str, Any], document: Document, above: TomlPath) -> None:
        for key, value in section.items():
            place = Place(document.file, (*above, key))
            if isinstance(value, dict) and ("." in key or key in KINDS or key in LATER_KINDS):
                self._of_kind(key, value, document, place)
            elif isinstance(value, dict) and self._unquoted(key, value, place):
                continue
            elif key in _NOT_BY_DEFAULT:
                self._findings.at_key(place, f"`{key}` has no default: every node says its own")
            elif key in COMMON_KEYS or any(kind.param(key) for kind in KINDS.values()):
                self._all.setdefault(key, Default(value, document, place, exact=False))
            else:
                names = {*COMMON_KEYS, *(param.name for kind in KINDS.values() for param in kind.params)}
                caret = self._findings.suggestion(key, sorted(names))
                self._findings.at_key(place, f"no kind has a parameter `{key}`", caret)

    def _of_kind(self, name: str, table: dict[str, Any], document: Document, place: Place) -> None:
        kind = KINDS.get(name)
        if kind is None:
            if name in LATER_KINDS:
                self._findings.later(place, f"kind `{name}` is")
            else:
                caret = self._findings.suggestion(name, [*KINDS, *LATER_KINDS])
                self._findings.at_key(place, f"there is no kind `{name}`", caret)
            return
        known = self._of.setdefault(name, {})
        for key, value in table.items():
            inner = Place(document.file, (*place.path, key))
            if key in _NOT_BY_DEFAULT or not (key in COMMON_KEYS or kind.param(key)):
                params = [param.name for param in kind.params]
                caret = self._findings.suggestion(key, [*params, *COMMON_KEYS])
                self._findings.at_key(inner, f"unknown parameter `{key}` of {name}", caret)
            else:
                known.setdefault(key, Default(value, document, inner, exact=True))

    def _unquoted(self, key: str, value: dict[str, Any], place: Place) -> bool:
        """Note a kind without quotes: TOML reads its dot as a table in a table."""
        found = [f"{key}.{inner}" for inner in value if f"{key}.{inner}" in KINDS or f"{key}.{inner}" in LATER_KINDS]
        media = {name.partition(".")[0] for name in KINDS if "." in name}
        if not found and key not in media:
            return False
        name = found[0] if found else f"{key}.{next(iter(value), 'generate')}"
        path = (*place.path, name.partition(".")[2]) if name.partition(".")[2] in value else place.path
        caret = f'write [defaults."{name}"]'
        self._findings.add(
            place.file, path, "a kind in [defaults] stands in quotes: its dot is no path", at="header", caret=caret
        )
        return True


def _has(kind: Kind, key: str) -> bool:
    if key == "model":
        return kind.by_model
    if key == "takes" and kind.effect in WORKED_OUT:
        return False
    return (key in COMMON_KEYS and kind.takes_key(key)) or kind.param(key) is not None
