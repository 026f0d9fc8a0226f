"""What is written in a node into what its model cannot do of it: everything that can be seen before a build.

Knows no file and no line: a problem names the key that it stands at. What is not written out is UNKNOWN, and passes.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from dagcontent.catalog.effective import known_model
from dagcontent.catalog.load import find, names
from dagcontent.catalog.model import Model
from dagcontent.catalog.request import CANVAS, Request, leaves
from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Kind
from dagcontent.values.snap import Snap
from dagcontent.values.value import ABSENT

__all__ = ["Problem", "problems", "suggestion"]

_ALIKE: Final = 0.8


class Problem(msgspec.Struct, frozen=True):
    """What a model cannot do. `key` is the node's key it stands at: "model", a parameter, or "options"."""

    key: str
    message: str
    hint: str = ""
    warning: bool = False
    option: str = ""
    """The dotted path within `options`."""
    ended: bool = False
    """The model was there, and is no more."""


def problems(
    model_id: str,
    kind: Kind,
    params: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
    snap: Snap | None = None,
    today: datetime.date | None = None,
) -> list[Problem]:
    """Return all that is wrong with a node's parameters, as written, for a vendor's model. Never raises NodeError."""
    try:
        model = known_model(model_id, kind, today)
    except NodeError as error:
        known = find(model_id)
        near = suggestion(model_id, kind) if known is None else ""
        ended = known is not None and known.gone(today)
        return [Problem("model", error.message, near or error.hint or "", ended=ended)]
    request = Request(model, kind, snap)
    request.params = {name: value for name, value in params.items() if value is not None and value is not ABSENT}
    return [*_of_model(model, model_id, kind), *_of_params(request), *_of_options(request, options or {})]


def suggestion(model_id: str, kind: Kind) -> str:
    """Return "did you mean ..." for an id that is much like a catalogued one that makes the kind; else nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - only an unknown name needs it

    vendor, _, name = model_id.partition("/")
    there = [known for known in names(vendor) if (found := find(f"{vendor}/{known}")) and kind.name in found.kinds]
    near = get_close_matches(name[:120], there, n=1, cutoff=_ALIKE)
    return f"did you mean `{vendor}/{near[0]}`?" if near else ""


def _of_model(model: Model, model_id: str, kind: Kind) -> Iterator[Problem]:
    if not model.catalogued:
        text = f"`{model_id}` is not in the catalog: it is sent by conventional names, and its price is unknown"
        yield Problem("model", text, suggestion(model_id, kind), warning=True)
    elif model.retired is not None:
        after = f"write {model.provider}/{model.successor} before then" if model.successor else ""
        yield Problem("model", f"`{model_id}` ends on {model.retired}", after, warning=True)


def _of_params(request: Request) -> Iterator[Problem]:
    taken = request.taken()
    for name, value in request.params.items():
        if name not in taken:
            yield from _tried(name, partial(request.refuse, name, value))
    for slot in request.slots:
        missing = request.params.get(slot.param) is None
        yield from _tried("model" if missing else slot.param, partial(request.slot, slot))
    at = next((name for name in ("size", "aspect") if name in request.params), CANVAS[0])
    yield from _tried(at, request.place)


def _of_options(request: Request, options: Mapping[str, Any]) -> Iterator[Problem]:
    ours = request.ours()
    for path, value in leaves(options):
        try:
            request.option(path, value, ours)
        except NodeError as error:
            yield Problem("options", error.message, error.hint or "", option=path)


def _tried(key: str, step: Callable[[], None]) -> Iterator[Problem]:
    try:
        step()
    except NodeError as error:
        takes = "; ".join(f"{label} {value}" for label, value in error.facts)
        yield Problem(key, error.message, takes or error.hint or "")
