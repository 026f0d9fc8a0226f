"""A person's file into the record of what takes a result's place: read, looked at, measured, kept. Knows no choices file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec

from dagcontent.api.files import BesideFiles
from dagcontent.errors import NodeError, UsageError
from dagcontent.graph.model import Node
from dagcontent.plan.replaced import FILE, replaced_manifest
from dagcontent.plan.typed import misfit
from dagcontent.store.store import Store
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Done, Record, action_key
from dagcontent.values.types import Type
from dagcontent.values.value import Blob

__all__ = ["Given", "keep", "read_given"]


class Given(msgspec.Struct, frozen=True):
    """A file that a person gave: what it is as a value, and the digest of its bytes."""

    path: str
    value: Any
    digest: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return os.path.basename(self.path)


def read_given(path: str | os.PathLike[str], node: Node, store: Store) -> Given:
    """Return what a file is as a value of a node. Raises UsageError for one that is none."""
    where = os.path.realpath(path)
    shown = os.fspath(path)
    try:
        if not os.path.isfile(where):
            raise NodeError(
                f"{shown} is {'not a file' if os.path.exists(where) else 'not there'}", hint="look at the path"
            )
        files = BesideFiles(Path(where).parent, store.side)
        value = _value(files, where, node.type, node.name)
        return Given(where, value, files.seen[where].digest)
    except NodeError as error:
        raise UsageError(error.message, facts=error.facts, hint=error.hint) from None


def keep(store: Store, node: Node, given: Given, instead_of: str | None, now_ms: int) -> Record:
    """Put a file into the store, and the record that says what it stands for. The same one again is the record that is there.

    Raises UsageError for what cannot be kept, StoreError.
    """
    if isinstance(given.value, Blob):
        digest, _ = store.cas.put_file(Path(given.path))
        if digest != given.value.digest:
            raise UsageError(f"{given.path} was changed while it was read", hint="save it, and say it again")
    manifest = replaced_manifest(node.kind.name, given.digest, instead_of)
    record = Record(
        key=action_key(manifest, Encoder()), manifest=manifest, outcome=Done(given.value, {FILE: given.name}), made_with={},
        run="", at_ms=now_ms,
    )  # fmt: skip
    try:
        return store.put(record).result()
    except NodeError as error:
        raise UsageError(error.message, hint=error.hint) from None


def _value(files: BesideFiles, path: str, want: Type, node: str) -> Any:
    if want.artifact:
        blob = files.measured(files.artifact(path, want.name))
        if blob.type != want.name:
            raise NodeError(
                f"{os.path.basename(path)} is {blob.type} ({blob.media_type}), and `{node}` makes {want.name}",
                hint=f"give {want.name}",
            )
        return Blob(blob.digest, blob.type, blob.media_type, blob.size_bytes, blob.facts)
    if _has_media(want):
        raise NodeError(
            f"`{node}` makes {want}, which is no one file", hint="replace what it is made of, or what uses it"
        )
    # An output of ours ends in a line of its own: that is not part of the text.
    text = files.text(path).removesuffix("\n")
    if want.name == "text" and not want.choices:
        return text
    try:
        value = text if want.name == "text" else json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise NodeError(
            f"{os.path.basename(path)} is not JSON: {error}", hint=f"`{node}` makes {want}: give it as JSON"
        ) from None
    wrong = misfit(value, want)
    if wrong:
        raise NodeError(f"{os.path.basename(path)} is not what `{node}` makes: {wrong}", hint=f"it makes {want}")
    return value


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def _has_media(want: Type) -> bool:
    inner = [field.type for field in want.fields] + ([want.item] if want.item is not None else [])
    return want.artifact or any(_has_media(one) for one in inner)
