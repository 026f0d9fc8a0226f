"""Parameters and options into fitted ones and a vendor's fields, one at a time. Knows no price.

`effective` takes them all and stops at the first that a model cannot do; `check` takes each and tells of all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dagcontent.catalog.canvas import placed
from dagcontent.catalog.fit import TIMES, fitted, shown, written
from dagcontent.catalog.model import Model, Slot
from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Kind
from dagcontent.values.snap import Snap
from dagcontent.values.value import ABSENT, UNKNOWN, Blob, contains_unknown

__all__ = ["CANVAS", "Request", "copied", "leaves"]

CANVAS: Final = ("aspect", "size")
"""Parameters that a canvas takes together."""

_SEEDS: Final = 2**31 - 1
_WHY: Final = " (what the model allows)"


class Request:
    """Parameters and fields in the making."""

    def __init__(self, model: Model, kind: Kind, snap: Snap | None) -> None:
        self.model = model
        self.kind = kind
        self.snap = snap
        self.params: dict[str, Any] = {}
        self.fields: dict[str, Any] = copied(model.send) if model.send else {}
        self.notes: list[str] = []
        self.pixels: int | None = None
        for name, knob in model.knobs.items():
            _put(self.fields, name, knob.default)
        if model.retired is not None:
            after = f"; then {model.provider}/{model.successor}" if model.successor else ""
            self.notes.append(f"{model.id} ends on {model.retired}{after}")
        if not model.catalogued:
            self.notes.append(f"{model.id} is not in the catalog: sent by conventional names, price unknown")

    @property
    def slots(self) -> tuple[Slot, ...]:
        """How the model takes this kind's parameters."""
        return self.model.slots[self.kind.name]

    def take(self, params: Mapping[str, Any]) -> None:
        """Fit every parameter, and write its field. Raises NodeError."""
        self.params = {name: value for name, value in params.items() if value is not None and value is not ABSENT}
        taken = self.taken()
        for name, value in self.params.items():
            if name not in taken:
                self.refuse(name, value)
        for slot in self.slots:
            self.slot(slot)
        self.place()

    def taken(self) -> frozenset[str]:
        """Return the names of the parameters that the model takes for this kind."""
        found = {slot.param for slot in self.slots}
        return frozenset(found | set(CANVAS)) if self.model.canvas is not None else frozenset(found)

    def slot(self, slot: Slot) -> None:
        """Fit one parameter, and write its field. Raises NodeError."""
        value = self.params.get(slot.param)
        if value is None or (slot.required and value == []):
            if slot.required and slot.default is None:
                what = f"{self.model.id} needs `{slot.param}`"
                raise NodeError(
                    what, hint=f"give it, or choose a model without (dagcontent models --kind {self.kind.name})"
                )
            if slot.default is None:
                return
            value = slot.default
        if value is UNKNOWN:
            self.params[slot.param] = value
        else:
            made = fitted(slot, value, self.snap, self.model.id)
            if made != value and shown(made).casefold() != shown(value).casefold():
                unit = " s" if slot.param in TIMES else ""
                self.notes.append(f"{slot.param} {shown(value)}{unit} -> {shown(made)}{unit}{_WHY}")
            self.params[slot.param] = value = made
        if slot.note:
            self.notes.append(slot.note)
        if not slot.field or (slot.param == "speed" and value == 1):
            return
        self._write(slot, value)

    def _write(self, slot: Slot, value: Any) -> None:
        if isinstance(value, Blob) and slot.length and "duration_ms" in value.facts:
            most = slot.seconds or math.inf
            _put(self.fields, slot.length, min(math.ceil(value.facts["duration_ms"] / 1000), most))
        if slot.form == "turns":
            _put(self.fields, slot.field, _turns(value, self.params.get("voices")))
        elif slot.form == "list":
            made = written(slot, value)
            before = self.fields.get(slot.field, [])
            self._most(slot, len(before) + len(made) if isinstance(made, list) else 0)
            _put(self.fields, slot.field, [*before, *made] if isinstance(made, list) else made)
        else:
            _put(self.fields, _field(slot, value), written(slot, value))

    def _most(self, slot: Slot, count: int) -> None:
        """Bound what several parameters put into one list."""
        if slot.most is not None and count > slot.most:
            what = f"{self.model.id} takes {slot.most} pictures in all, and these are {count}"
            raise NodeError(what, hint="give it fewer `images`")

    def place(self) -> None:
        """Fit `aspect` and `size`, and write the field for both. Raises NodeError."""
        canvas = self.model.canvas
        if canvas is None or not any(self.kind.param(name) for name in CANVAS):
            return
        aspect, size = self.params.get("aspect"), self.params.get("size")
        if aspect is UNKNOWN or size is UNKNOWN:
            self.fields[canvas.field] = UNKNOWN
            return
        found = placed(canvas, aspect, size, self.snap, self.model.id)
        self.pixels = found.pixels
        if found.note:
            self.notes.append(found.note + _WHY)
        for name, value in (("aspect", found.aspect), ("size", found.size)):
            if value is None:
                self.params.pop(name, None)
            elif self.kind.param(name) is not None:
                self.params[name] = value
        if found.value is not None:
            self.fields[canvas.field] = found.value

    def refuse(self, name: str, value: Any) -> None:
        """Raise NodeError for a parameter that the model does not take, unless it says what is the case anyway."""
        param = self.kind.param(name)
        if param is None:
            return
        if param.default is not None and value == param.default:
            return
        takes = ", ".join(param.name for param in self.kind.params if param.name in self.taken())
        what = f"{self.model.id} takes no `{name}`"
        raise NodeError(what, facts=[("it takes", takes)], hint=f"leave `{name}` out, or choose another model")

    def sow(self, seed: int | None) -> None:
        """Write the seed, folded into what the model takes; without a field for it, it only tells results apart."""
        slot = self.model.seed
        if seed is None or slot is None:
            return
        most = int(slot.maximum) if slot.maximum is not None else _SEEDS
        _put(self.fields, slot.field, written(slot, seed % (most + 1)))

    def merge(self, options: Mapping[str, Any]) -> None:
        """Add the graph's `options` to what is ours. Raises NodeError where they would override it."""
        ours = self.ours()
        for path, value in leaves(options):
            self.option(path, value, ours)

    def ours(self) -> dict[str, str]:
        """Return the fields that parameters are for, each with its parameter."""
        slots = self.slots
        ours = {field: slot.param for slot in slots if slot.field for field in slot.field.split("|")}
        ours |= {slot.length: slot.param for slot in slots if slot.length}
        if self.model.canvas is not None:
            ours[self.model.canvas.field] = "size"
        if self.model.seed is not None:
            ours[self.model.seed.field] = "seed"
        return ours

    def option(self, path: str, value: Any, ours: Mapping[str, str]) -> None:
        """Add one option, by its dotted path. Raises NodeError where it would override what is ours."""
        for field, param in ours.items():
            if _overlap(path, field):
                raise NodeError(f"`options` may not set `{path}`: it is `{param}`", hint=f"write {param} = ...")
        if any(_overlap(path, field) for field in self.model.refuse):
            text = f"`options` may not set `{path}`: {self.model.id} is priced by it"
            raise NodeError(text, hint="leave it out; `takes` makes several")
        knob = self.model.knobs.get(path)
        if knob is not None and value is not UNKNOWN and value not in knob.values:
            allowed = ", ".join(shown(v) for v in knob.values)
            text = f"`{path}` is {shown(value)}, and {self.model.id} takes {allowed}"
            raise NodeError(text, hint="write one that it takes")
        _put(self.fields, path, value)


def _field(slot: Slot, value: Any) -> str:
    """Return the field of a slot; of "audio_url|video_url" the one for this medium."""
    if "|" not in slot.field:
        return slot.field
    medium = value.type if isinstance(value, Blob) else ""
    fields = slot.field.split("|")
    return next((field for field in fields if medium and medium in field), fields[0])


def _turns(lines: Any, voices: Any) -> Any:
    """Return a dialogue as fal takes it: who says what, each with a voice."""
    if not isinstance(lines, list) or contains_unknown(lines) or contains_unknown(voices):
        return UNKNOWN
    return [
        {"text": line.get("text", ""), "voice": voices.get(line.get("speaker")) if isinstance(voices, dict) else voices}
        for line in lines
        if isinstance(line, dict)
    ]


def _put(fields: dict[str, Any], path: str, value: Any) -> None:
    """Set a field by its dotted path."""
    if "." not in path:
        fields[path] = value
        return
    *tables, last = path.split(".")
    for name in tables:
        inner = fields.get(name)
        if not isinstance(inner, dict):
            inner = fields[name] = {}
        fields = inner
    fields[last] = value


def copied(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with tables of its own: what is catalogued is never changed."""
    return {key: copied(value) if isinstance(value, dict) else value for key, value in table.items()}


def leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every leaf of tables with its dotted path; an empty table is one."""
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _overlap(a: str, b: str) -> bool:
    return a == b or a.startswith(f"{b}.") or b.startswith(f"{a}.")
