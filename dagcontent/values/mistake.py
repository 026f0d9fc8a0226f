"""A mistake of the user's, with the TOML path it stands at. `spec.source` turns paths into lines."""

from __future__ import annotations

import msgspec

__all__ = ["Mistake"]


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong, where, and what would be right.

    `file` is an index into the pipeline's files, `path` a TOML path in it. `at` says whether the caret goes under the
    "key", the "value" or the table "header"; `within` narrows a string value to offsets (of its decoded text).
    `caret` is said beside the caret ("did you mean `prompt`?"), `note` below ("image.generate takes: ...").
    `also` lists further places, each with a label (the edges of a cycle, the first declaration). `ended` names a node
    whose model is no more: a graph with it can be looked at, since what was made stays, and it is built of that alone.
    """

    message: str
    file: int
    path: tuple[str | int, ...]
    at: str = "value"
    within: tuple[int, int] | None = None
    caret: str = ""
    note: str = ""
    also: tuple[tuple[int, tuple[str | int, ...], str], ...] = ()
    warning: bool = False
    ended: str = ""
