"""Turn a choices file, GRAPH.choices.toml, into what people decided, and all its mistakes. Knows no instances and no store.

Whether an entry fits an instance of today is decided where instances are: here it is only read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any, Final

from dagcontent.spec.document import Files
from dagcontent.spec.findings import Findings
from dagcontent.spec.model import Choice, Place, TomlPath
from dagcontent.spec.words import a_value, listed
from dagcontent.values.instances import is_instance_name, node_of

__all__ = ["CHOICES", "KEYS", "choices_path", "read_choices", "table_of"]

CHOICES: Final = ".choices.toml"
_SECTIONS: Final = ("node", "profile")
KEYS: Final = ("for", "reroll", "pick", "pin", "replaced", "instead_of", "approved", "rejected", "note")
"""Of an entry, in the order in which they are written."""
_DIGESTS: Final = ("pin", "pick", "replaced", "instead_of", "approved", "rejected")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_MOST_REROLLS: Final = 1_000_000


def choices_path(graph: str | os.PathLike[str]) -> str:
    """Return where the choices of a graph file stand."""
    return os.path.splitext(os.path.realpath(graph))[0] + CHOICES


def table_of(profile: str | None) -> TomlPath:
    """Return the path of the table whose entries hold in a profile."""
    return ("node",) if profile is None else ("profile", profile, "node")


def read_choices(graph: str, files: Files, findings: Findings, profile: str | None = None) -> tuple[Choice, ...]:
    """Return the entries that hold in a profile, in the order of the file; none where there is no file."""
    path = choices_path(graph)
    try:
        data = files.bytes_of(path)
    except FileNotFoundError:
        return ()
    except OSError as error:
        name = os.path.basename(path)
        findings.add(0, (), f"{name} cannot be read: {error.strerror or error}", caret="it holds this graph's choices")
        return ()
    index, document = files.toml(path, data)
    return tuple(_Reader(index, findings).entries(document or {}, profile))


class _Reader:
    """Reads one choices file. All of it is looked at: what stands for another profile too."""

    def __init__(self, file: int, findings: Findings) -> None:
        self._file = file
        self._findings = findings

    def entries(self, document: dict[str, Any], profile: str | None) -> Iterator[Choice]:
        self._known((), document, _SECTIONS, "a choices file has: [node.NAME] and [profile.P.node.NAME]")
        yield from self._table(document, table_of(None), wanted=profile is None)
        for name, inner in self._tables(document, ("profile",)):
            self._known(("profile", name), inner, ("node",), "a profile's choices stand under [profile.P.node.NAME]")
            yield from self._table(inner, table_of(name), wanted=name == profile)

    def _table(self, holder: dict[str, Any], path: TomlPath, *, wanted: bool) -> Iterator[Choice]:
        for name, table in self._tables(holder, path):
            choice = self._choice(name, table, (*path, name))
            if wanted and choice is not None:
                yield choice

    def _tables(self, holder: dict[str, Any], path: TomlPath) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the tables of a table of tables; what is none is noted."""
        found = holder.get(str(path[-1]), {})
        if not isinstance(found, dict):
            self._at_key(path, f"`{path[-1]}` is a table, not {a_value(found)}")
            return
        for name, table in found.items():
            if isinstance(table, dict):
                yield name, table
            else:
                self._at_key((*path, name), f"`{name}` is a table, not {a_value(table)}")

    def _choice(self, name: str, table: dict[str, Any], path: TomlPath) -> Choice | None:
        before = self._findings.count
        if not is_instance_name(name):
            self._at_key(path, f"`{name}` is not the name of an instance", 'as in [node."still[intro,take=0]"]')
        self._known(path, table, KEYS, f"an entry has: {listed(KEYS)}")
        for key, value in table.items():
            if key == "reroll":
                if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST_REROLLS:
                    self._wrong((*path, key), f"`reroll` is the number of a sample, from 0 to {_MOST_REROLLS:,}")
            elif key == "note":
                if not isinstance(value, str):
                    self._wrong((*path, key), f"`note` is text, not {a_value(value)}")
            elif key in KEYS and not (isinstance(value, str) and _DIGEST.fullmatch(value)):
                self._wrong((*path, key), f"`{key}` is a digest", 'written "sha256:" and 64 digits of 0-9a-f')
        if "instead_of" in table and "replaced" not in table:
            self._at_key((*path, "instead_of"), "`instead_of` is nothing without `replaced`", "take it out")
        if self._findings.count > before:
            return None
        digests = {key: str(table.get(key, "")).removeprefix("sha256:") or None for key in _DIGESTS}
        place = Place(self._file, path)
        about, reroll, note = table.get("for"), table.get("reroll", 0), str(table.get("note", ""))
        return Choice(name, node_of(name), place, about, reroll, note=note, **digests)

    def _known(self, path: TomlPath, table: dict[str, Any], names: tuple[str, ...], note: str) -> None:
        for key in table:
            if key not in names:
                self._at_key((*path, key), f"unknown key `{key}`", self._findings.suggestion(key, names), note)

    def _at_key(self, path: TomlPath, message: str, caret: str = "", note: str = "") -> None:
        self._findings.at_key(Place(self._file, path), message, caret, note)

    def _wrong(self, path: TomlPath, message: str, caret: str = "") -> None:
        self._findings.at_value(Place(self._file, path), message, caret)
