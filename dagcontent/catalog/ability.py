"""Words as "duration:10" or "sound" into whether a model can do that as it is written. Knows no price and no graph.

A word is the name of a parameter, as a node has it; after a colon stands its value. Of a list that is how many, of a text
without words of its own how many characters, of a recording or clip how many seconds.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from dagcontent.catalog.canvas import placed
from dagcontent.catalog.fit import fitted
from dagcontent.catalog.model import Model, Slot
from dagcontent.catalog.request import CANVAS
from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Kind, Param
from dagcontent.kinds.registry import KINDS
from dagcontent.values.value import Blob, Digest

__all__ = ["Ability", "able", "capabilities", "capability"]

_SEED: Final = "seed"
_ALSO: Final = {"references": "images", "start_frame": "start_image", "end_frame": "end_image", "length": "duration"}
_ALIKE: Final = {"size": "resolution", "resolution": "size"}
"""A clip's is its shorter side, a picture's its width and height; "4k" is said of both."""
_PICTURES: Final = {"1k": "1024x1024", "2k": "2560x1440", "4k": "3840x2160"}
_YES: Final = {"true": True, "yes": True, "false": False, "no": False}
_NOBODYS: Final = Digest("0" * 64)
_MOST: Final = 10_000_000


class Ability(msgspec.Struct, frozen=True):
    """What is asked of a model: a parameter's name, or "seed", and its value as text; "" for any."""

    name: str
    value: str = ""


def capabilities() -> tuple[str, ...]:
    """Return every name that can be asked for."""
    names = {param.name for kind in KINDS.values() if kind.by_model for param in kind.params}
    return tuple(sorted({*names, *_ALSO, _SEED}))


def capability(text: str) -> Ability:
    """Return what a word asks for. Raises ValueError with what is wrong with it."""
    name, colon, value = text.strip().partition(":")
    name = name.strip().replace("-", "_")
    if name in KINDS:
        raise ValueError(f"`{name}` is a kind: ask for it by --kind {name}")
    if name not in capabilities():
        raise ValueError(f"no model has a parameter `{name:.40}`")
    if colon and not value.strip():
        raise ValueError(f"`{text:.40}` has no value after its colon")
    asked = Ability(_ALSO.get(name, name), value.strip())
    if value:
        params = [p for kind in KINDS.values() if kind.by_model and (p := kind.param(asked.name)) is not None]
        if params and all(_wrong(param, asked.value) for param in params):
            raise ValueError(f"`{name}` takes {_wrong(params[0], asked.value)}, not `{asked.value:.40}`")
    return asked


def able(model: Model, kind: str, asked: Ability) -> bool:
    """Tell whether a model takes for a kind what is asked, as it stands: nothing is snapped."""
    if asked.name == _SEED:
        return model.seed is not None
    names = (asked.name, _ALIKE[asked.name]) if asked.name in _ALIKE else (asked.name,)
    return any(_takes(model, KINDS[kind], name, asked.value) for name in names)


def _takes(model: Model, kind: Kind, name: str, value: str) -> bool:
    param = kind.param(name)
    if param is None:
        return False
    for slot in model.slots.get(kind.name, ()):
        if slot.param == name:
            return _in_slot(slot, param, value, model.id)
    return model.canvas is not None and name in CANVAS and _on_canvas(model, name, value)


def _in_slot(slot: Slot, param: Param, value: str, model: str) -> bool:
    if not value:
        return param.type.name != "boolean" or not slot.values or True in slot.values
    if _wrong(param, value):
        return False
    try:
        fitted(slot, _meant(slot, param, value), "error", model)
    except NodeError:
        return False
    return True


def _on_canvas(model: Model, name: str, value: str) -> bool:
    canvas = model.canvas
    assert canvas is not None
    if not value or value in canvas.words:
        return True
    size = _PICTURES.get(value.lower(), value)
    try:
        placed(canvas, value if name == "aspect" else None, size if name == "size" else None, "error", model.id)
    except NodeError:
        return False
    return True


def _meant(slot: Slot, param: Param, value: str) -> Any:
    """Return a value of the parameter's type that stands for the one that was asked for."""
    type_ = param.type
    if type_.name == "boolean":
        return _YES[value.lower()]
    if type_.name in {"number", "integer"}:
        return float(value)
    if type_.name == "list":
        return [_unseen("image", 0.0)] * int(value)
    if type_.artifact:
        return _unseen(type_.name, float(value))
    if type_.name == "text" and not slot.values and value.isdigit() and slot.form == "plain":
        return "x" * int(value)
    return value


def _wrong(param: Param, value: str) -> str:
    """Return what a value of this parameter would be; nothing if it is one."""
    name = param.type.name
    if name == "boolean":
        return "" if value.lower() in _YES else "yes or no"
    if name in {"number", "integer"} or param.type.artifact:
        unit = param.unit or ("s" if param.type.artifact else "")
        return "" if _is_number(value) else f"a number{f' ({unit})' if unit else ''}"
    if name == "list":
        return "" if value.isdigit() and int(value) <= _MOST else "how many"
    return "" if not value.isdigit() or int(value) <= _MOST else "how many characters"


def _is_number(value: str) -> bool:
    try:
        return 0 <= float(value) <= _MOST
    except ValueError:
        return False


def _unseen(type_: str, seconds: float) -> Blob:
    return Blob(_NOBODYS, type_, "", 0, {"duration_ms": round(seconds * 1000)} if seconds else {})
