"""Edits of entries into a new text of a choices file: comments, order and everything else of it stay. Knows no disk.

Theory. People write comments into this file and merge it, so an edit touches the lines of its entry and no other. An entry
is a table of its own, `[node."still[intro]"]`; a new one goes where its name sorts. Such a table is edited by its lines.
Other forms (inline tables, dotted keys) are written by people alone and edited by tomlkit, which is slow to import. What
comes out is parsed and compared with what it should say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import tomli

from dagcontent.errors import InternalError
from dagcontent.spec.choices import KEYS
from dagcontent.spec.model import TomlPath
from dagcontent.spec.span import Scan, scan

__all__ = ["edited"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED: Final = {'"': '\\"', "\\": "\\\\"}


def edited(text: str, path: TomlPath, entry: Mapping[str, str | int]) -> str:
    """Return a choices file whose entry at a path says this, and nothing else; an empty one is taken out.

    Raises InternalError if that cannot be written.
    """
    document = tomli.loads(text)
    old = _entry_at(document, path)
    if old == entry or (old is None and not entry):
        return text
    found = scan(text)
    if old is None:
        made = _with_table(text, found, path, entry)
    elif path in found.headers:
        made = _with_lines(text, found, path, old, entry)
    else:
        made = _by_tomlkit(text, path, old, entry)
    if not _says(made, path, entry):
        made = _by_tomlkit(text, path, old or {}, entry)
        if not _says(made, path, entry):
            said = f"the choices file cannot be edited at {'.'.join(map(str, path))}"
            raise InternalError(said, hint="write the entry by hand")
    return made


def _entry_at(document: Mapping[str, Any], path: TomlPath) -> dict[str, Any] | None:
    found: Any = document
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def _says(text: str, path: TomlPath, entry: Mapping[str, Any]) -> bool:
    try:
        return (_entry_at(tomli.loads(text), path) or {}) == entry
    except tomli.TOMLDecodeError:
        return False


# -- a new table -------------------------------------------------------------------------------------------------------


def _with_table(text: str, found: Scan, path: TomlPath, entry: Mapping[str, str | int]) -> str:
    block = f"[{'.'.join(_key(str(part)) for part in path)}]\n" + "".join(
        _line(key, entry[key]) for key in _ordered(entry)
    )
    at = _place_of(text, found, path)
    if at is not None:
        return f"{text[:at]}{block}\n{text[at:]}"
    if text and not text.endswith("\n"):
        text += "\n"
    return f"{text}{'' if not text or text.endswith(chr(10) * 2) else chr(10)}{block}"


def _place_of(text: str, found: Scan, path: TomlPath) -> int | None:
    """Return before which offset a table goes: of the first that sorts behind it, else behind its siblings; None: the end."""
    siblings = {p: span[0] for p, span in found.headers.items() if len(p) == len(path) and p[:-1] == path[:-1]}
    behind = [start for p, start in siblings.items() if str(p[-1]) > str(path[-1])]
    if behind:
        return _with_comments(text, min(behind))
    after = max(siblings.values(), default=-1)
    others = [span[0] for p, span in found.headers.items() if p not in siblings and span[0] > after]
    return _with_comments(text, min(others)) if others else None


def _with_comments(text: str, header: int) -> int:
    """Return where the lines of comment directly above a header begin: they are about it."""
    at = text.rfind("\n", 0, header) + 1
    while at > 0:
        above = text.rfind("\n", 0, at - 1) + 1
        if not text[above:at].lstrip(" \t").startswith("#"):
            break
        at = above
    return at


# -- the lines of a table ----------------------------------------------------------------------------------------------


def _with_lines(text: str, found: Scan, path: TomlPath, old: Mapping[str, Any], entry: Mapping[str, str | int]) -> str:
    """Change, add and remove lines, from the last to the first so that offsets hold."""
    changes: list[tuple[int, int, str]] = []
    for key in old:
        key_start, _, value_start, value_end = found.spans[(*path, key)]
        if key not in entry:
            changes.append((_line_start(text, key_start), _line_end(text, value_end), ""))
        elif entry[key] != old[key]:
            changes.append((value_start, value_end, _value(entry[key])))
    header_end = _line_end(text, found.headers[path][1])
    added = "".join(_line(key, entry[key]) for key in _ordered(entry) if key not in old)
    if added:
        last = max((_line_end(text, found.spans[(*path, key)][3]) for key in old), default=header_end)
        before = "" if text[:last].endswith("\n") else "\n"
        changes.append((last, last, before + added))
    if not entry:
        start = _line_start(text, found.headers[path][0])
        changes.append((start, header_end, ""))
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return _without_gap(text, _line_start(text, found.headers[path][0])) if not entry else text


def _without_gap(text: str, at: int) -> str:
    """Take out the blank line that a table leaves behind."""
    if text.startswith("\n", at) and (at == 0 or text[:at].endswith("\n\n")):
        return text[:at] + text[at + 1 :]
    return text[:at].rstrip("\n") + "\n" if at and at == len(text) else text


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _ordered(entry: Mapping[str, Any]) -> list[str]:
    return sorted(entry, key=KEYS.index)


def _line(key: str, value: str | int) -> str:
    return f"{key} = {_value(value)}\n"


def _value(value: str | int) -> str:
    return str(value) if isinstance(value, int) else _quoted(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    return (
        '"' + "".join(_ESCAPED.get(c) or (c if c.isprintable() or c == " " else f"\\U{ord(c):08x}") for c in text) + '"'
    )


# -- other forms -------------------------------------------------------------------------------------------------------


def _by_tomlkit(text: str, path: TomlPath, old: Mapping[str, Any], entry: Mapping[str, str | int]) -> str:
    import tomlkit  # noqa: PLC0415 - rarely needed

    document = tomlkit.parse(text)
    holder: Any = document
    for key in path[:-1]:
        holder = holder.setdefault(key, tomlkit.table())
    if not entry:
        del holder[path[-1]]
        return tomlkit.dumps(document)
    table = holder.setdefault(path[-1], tomlkit.table())
    for key in old:
        if key not in entry:
            del table[key]
    for key in _ordered(entry):
        if old.get(key) != entry[key]:
            table[key] = entry[key]
    return tomlkit.dumps(document)
