"""Kinds that read files beside the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.values.types import AUDIO, IMAGE, TEXT, VIDEO, Type, list_of
from dagcontent.values.value import Value

__all__ = ["KINDS"]

_TYPES = {"image": IMAGE, "audio": AUDIO, "video": VIDEO, "text": TEXT}


def _listed(params: Mapping[str, Any]) -> Type:
    return list_of(_TYPES.get(params.get("type") or "image", IMAGE))


class _Files(Protocol):
    """What a FILES kind is given beside its parameters."""

    def matching(self, pattern: str, type: str) -> list[Value]:  # noqa: A002 - the parameter's name
        """Return the files that match a pattern."""
        ...


def _matching(params: Mapping[str, Value], files: _Files) -> Value:
    return files.matching(str(params["pattern"]), str(params["type"]))


KINDS: Final = (
    Kind(
        "asset.glob",
        "Files beside the graph, sorted by name with numbers as numbers.",
        (
            Param("pattern", TEXT, "which files, relative to the graph, as photos/*.jpg", required=True),
            Param("type", TEXT, "what they are", default="image", choices=("image", "audio", "video", "text")),
        ),
        list_of(IMAGE),
        Effect.FILES,
        output_of=_listed,
        evaluate=_matching,
    ),
)
