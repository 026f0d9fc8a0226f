"""Turn one configuration file into what it sets, or into its mistakes. Knows not which file it is, but whose.

A file beside a graph came with the graph: it may set nothing that leads a secret or a request elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dagcontent.errors import ConfigError, GraphError
from dagcontent.spec.document import Files, read_file
from dagcontent.spec.findings import Findings
from dagcontent.spec.source import Located, locate_all
from dagcontent.spec.words import a_value, listed
from dagcontent.values.mistake import Mistake

__all__ = ["read_file_settings"]

_EXECUTED: Final = {"store": frozenset({"path"})}
_LATER: Final = frozenset({"provider", "budget", "confirm_above_usd", "remote", "executor"})
_USERS_ONLY: Final = frozenset({"provider"})


def read_file_settings(file: Path, *, own: bool) -> tuple[Path | None, list[str]]:
    """Return the store's path, if it is set, and warnings. Raises ConfigError, GraphError with all mistakes."""
    findings = Findings()
    files = Files(read_file, findings, os.fspath(file))
    try:
        data = read_file(os.fspath(file))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}", hint="look at its permissions") from None
    _, table = files.toml(files.graph, data)
    path = _checked(table, findings, own=own) if table is not None else None
    found = locate_all(files.sources, findings.mistakes)
    wrong = [one for one in found if not one.warning]
    if wrong:
        count = f"{len(wrong)} mistake{'s' * (len(wrong) != 1)}"
        raise GraphError(f"{count} in {file}; nothing was run", found)
    return (file.parent / Path(path).expanduser() if path else None), [_line(one) for one in found]


def _checked(table: Mapping[str, Any], findings: Findings, *, own: bool) -> str | None:
    """Note every mistake; return the store's path, if it is given and right."""
    known = [*_EXECUTED, *sorted(_LATER)]
    for name in table:
        if name in _USERS_ONLY and not own:
            findings.add(0, (name,), f"`{name}` can be set in your own config.toml only", at="key",
                         note="a file beside a graph comes with the graph: it may not say where your keys are sent")  # fmt: skip
        elif name in _LATER:
            findings.note(Mistake(f"`{name}` is not used by this version yet", 0, (name,), "key", warning=True))
        elif name not in _EXECUTED:
            findings.add(0, (name,), f"there is no setting `{name}`", at="key",
                         caret=findings.suggestion(name, known), note=f"settings are: {listed(known)}")  # fmt: skip
    store = table.get("store")
    if store is None:
        return None
    if not isinstance(store, Mapping):
        findings.add(0, ("store",), f"`store` is a table, not {a_value(store)}", caret='write [store] and path = "..."')
        return None
    for name in store:
        if name not in _EXECUTED["store"]:
            findings.add(0, ("store", name), f"there is no setting `{name}` of the store", at="key",
                         caret=findings.suggestion(name, ["path"]), note="it has: path")  # fmt: skip
    path = store.get("path")
    if path is not None and not (isinstance(path, str) and path.strip()):
        findings.add(
            0, ("store", "path"), f"`path` is the path of a folder, not {a_value(path) if path != '' else 'empty'}"
        )
        return None
    return path


def _line(found: Located) -> str:
    return f"{found.file}:{found.line}:{found.column}: {found.message}"
