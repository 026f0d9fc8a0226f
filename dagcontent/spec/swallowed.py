"""Find keys of a node that a table written above them took: everything below `[[node.mix.tracks]]` is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from dagcontent.spec.literal import Literals
from dagcontent.spec.model import TomlPath

__all__ = ["swallowed"]

_FREE: Final = frozenset({"schema", "returns", "json"})
"""Parameters whose keys are anybody's: there only a key that the node needs and lacks was meant for the node."""


def swallowed(
    table: dict[str, Any], names: set[str], missing: list[str], path: TomlPath, file: int, literals: Literals
) -> set[str]:
    """Note each swallowed key; return their names."""
    found: set[str] = set()
    for key, value in table.items():
        for inner_path, inner in _tables(value, (*path, key)):
            candidates = missing if key in _FREE else names
            for name in inner:
                if name in candidates and name not in table and literals.has_header(file, inner_path):
                    found.add(name)
                    _note(name, key, path, inner_path, file, literals)
    return found


def _tables(value: Any, path: TomlPath) -> Iterator[tuple[TomlPath, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
    elif isinstance(value, list):
        for position, item in enumerate(value):
            if isinstance(item, dict):
                yield (*path, position), item


def _note(name: str, key: str, path: TomlPath, inner: TomlPath, file: int, literals: Literals) -> None:
    node = ".".join(map(str, path))
    header = f"[[{node}.{key}]]" if isinstance(inner[-1], int) else f"[{node}.{key}]"
    literals.findings.add(
        file,
        (*inner, name),
        f"`{name}` stands in {header}, not in [{node}]",
        at="key",
        caret=f"a table takes every key below it: move this above {header}",
        also=((file, inner, "this table"),),
    )
