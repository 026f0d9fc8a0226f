"""A person's edit into what stands for it in records: a manifest of its own, and the way back to the result that it replaces.

Its key is made of the kind of the node, the digest of the file and the key of what it stands for: the choices file says
the last two, so any store can tell whether it has it. What depends on it is keyed by its content, like everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dagcontent.values.record import Done, Manifest, Record
from dagcontent.values.value import ActionKey

__all__ = ["FILE", "REPLACED", "behind", "file_of", "is_replaced", "kind_replaced", "replaced_manifest"]

REPLACED: Final = "replaced"
"""The kind of its manifest: none of a node."""
FILE: Final = "file"
"""Where in the extras of its record the name of the file stands."""


def replaced_manifest(kind: str, content: str, instead_of: str | None) -> Manifest:
    """Return the manifest of a file that stands for a result of a kind."""
    params = {"kind": kind, "content": content}
    return Manifest(REPLACED, 1, params if instead_of is None else {**params, "instead_of": instead_of})


def is_replaced(record: Record | None) -> bool:
    """Tell whether a record is of a file that a person gave."""
    return record is not None and record.manifest.kind == REPLACED


def kind_replaced(record: Record) -> str:
    """Return the kind of node that a result is of."""
    return str(record.manifest.params["kind"]) if is_replaced(record) else record.manifest.kind


def file_of(record: Record | None) -> str | None:
    """Return the name of the file that a person gave; None for a result that was made."""
    if record is None or not is_replaced(record):
        return None
    return str(record.outcome.extras.get(FILE, "")) if isinstance(record.outcome, Done) else ""


def behind(record: Record | None, find: Callable[[ActionKey], Record | None]) -> Record | None:
    """Return the result that a person's file stands for, None where it is not at hand; any other result is itself."""
    if record is None or not is_replaced(record):
        return record
    key = record.manifest.params.get("instead_of")
    return None if key is None else find(ActionKey(key))
