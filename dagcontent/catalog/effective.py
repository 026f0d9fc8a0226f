"""A node's parameters into those that a model takes, and the vendor's fields for them. Knows no clock and no network.

The same for the same arguments: it is asked for every instance of every paid node, before anything is spent.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from dagcontent.catalog.canvas import Placed, placed
from dagcontent.catalog.conventional import conventional
from dagcontent.catalog.cost import bound_microusd, list_microusd
from dagcontent.catalog.fit import TIMES, fitted, shown, written
from dagcontent.catalog.load import find, names
from dagcontent.catalog.model import Model, Slot
from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Kind
from dagcontent.values.value import ABSENT, UNKNOWN, Blob, contains_unknown

__all__ = ["Effective", "effective", "known_model"]

_SEEDS: Final = 2**31 - 1


class Effective(msgspec.Struct, frozen=True):
    """One request as it will be made.

    `params` are the kind's, complete: snapped, with the model's own defaults; they are keyed and priced. `fields` are the
    same in the vendor's names and forms, with `options` merged in; artifacts are Blobs in both. `notes` are for people.
    `bound_microusd` is an upper bound of the cost, `list_microusd` the list price; None: nobody can say. `model` is the
    vendor's own id. `recovery` is None where the operation's own class holds.
    """

    params: dict[str, Any]
    fields: dict[str, Any]
    notes: tuple[str, ...]
    bound_microusd: int | None
    operation: str
    recovery: str | None
    model: str
    list_microusd: int | None = None


def effective(
    model_id: str,
    kind: Kind,
    params: Mapping[str, Any],
    options: Mapping[str, Any] | None = None,
    seed: int | None = None,
    snap: str | None = None,
    today: datetime.date | None = None,
) -> Effective:
    """Return the request that a node's parameters make of a model. UNKNOWN parts stay as they are.

    `snap` is "up", "down", "nearest", "error", or None: durations up, all else an error. `today` decides what is retired
    and which of dated prices is the list price; without it, the day the catalog was written. Raises NodeError for what the
    model cannot do.
    """
    model = known_model(model_id, kind, today)
    made = _Request(model, kind, snap)
    made.take(params)
    if options:
        made.merge(options)
    if seed is not None and model.seed is not None:
        most = int(model.seed.maximum) if model.seed.maximum is not None else _SEEDS
        _put(made.fields, model.seed.field, written(model.seed, seed % (most + 1)))
    fields, own = made.fields, made.params
    return Effective(
        own,
        fields,
        tuple(made.notes),
        bound_microusd(model, kind.name, own, fields, made.pixels),
        _operation(model, kind.name, own),
        model.recovery,
        model.name,
        list_microusd(model, kind.name, own, fields, made.pixels, today),
    )


def known_model(model_id: str, kind: Kind, today: datetime.date | None = None) -> Model:
    """Return the model of a kind, by convention if it is not catalogued. Raises NodeError where there is none, or no more."""
    model = find(model_id)
    if model is None:
        model = conventional(model_id)
        if model is None or kind.name not in model.kinds:
            raise _unknown(model_id, kind)
    if model.gone(today):
        hint = f'write model = "{model.provider}/{model.successor}"' if model.successor else "choose another model"
        raise NodeError(f"{model_id} was retired on {model.retired}", hint=hint)
    if kind.name not in model.slots:
        others = f"it makes: {', '.join(model.kinds)}"
        raise NodeError(f"{model_id} does not make {kind.name}", hint=f"{others}; dagcontent models --kind {kind.name}")
    return model


class _Request:
    """Parameters and fields in the making."""

    def __init__(self, model: Model, kind: Kind, snap: str | None) -> None:
        self.model = model
        self.kind = kind
        self.snap = snap
        self.params: dict[str, Any] = {}
        self.fields: dict[str, Any] = _copied(model.send) if model.send else {}
        self.notes: list[str] = []
        self.pixels: int | None = None
        for name, knob in model.knobs.items():
            _put(self.fields, name, knob.default)
        if model.retired is not None:
            after = f"; then {model.provider}/{model.successor}" if model.successor else ""
            self.notes.append(f"{model.id} ends on {model.retired}{after}")
        if not model.catalogued:
            self.notes.append(f"{model.id} is not in the catalog: sent by conventional names, price unknown")

    def take(self, params: Mapping[str, Any]) -> None:
        """Fit every parameter, and write its field. Raises NodeError."""
        canvas = self.model.canvas
        slots = self.model.slots[self.kind.name]
        taken = {slot.param for slot in slots}
        for name, value in params.items():
            if value is None or value is ABSENT:
                continue
            self.params[name] = value
            if name not in taken and not (canvas is not None and name in _CANVAS):
                self._not_taken(name, value)
        for slot in slots:
            self._slot(slot)
        if canvas is not None and any(self.kind.param(name) for name in _CANVAS):
            self._place()

    def _slot(self, slot: Slot) -> None:
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
            if made != value and not (isinstance(made, str) and made.casefold() == str(value).casefold()):
                unit = " s" if slot.param in TIMES else ""
                self.notes.append(f"{slot.param} {shown(value)}{unit} -> {shown(made)}{unit}")
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

    def _place(self) -> None:
        canvas = self.model.canvas
        assert canvas is not None
        aspect, size = self.params.get("aspect"), self.params.get("size")
        if aspect is UNKNOWN or size is UNKNOWN:
            self.fields[canvas.field] = UNKNOWN
            return
        found: Placed = placed(canvas, aspect, size, self.snap, self.model.id)
        self.pixels = found.pixels
        if found.note:
            self.notes.append(found.note)
        for name, value in (("aspect", found.aspect), ("size", found.size)):
            if value is None:
                self.params.pop(name, None)
            elif self.kind.param(name) is not None:
                self.params[name] = value
        if found.value is not None:
            self.fields[canvas.field] = found.value

    def _not_taken(self, name: str, value: Any) -> None:
        param = self.kind.param(name)
        if param is None:
            return
        if param.default is not None and value == param.default:
            return
        takes = ", ".join(_taken(self.model, self.kind))
        what = f"{self.model.id} takes no `{name}`"
        raise NodeError(what, facts=[("it takes", takes)], hint=f"leave `{name}` out, or choose another model")

    def merge(self, options: Mapping[str, Any]) -> None:
        """Lay the graph's `options` beneath what is ours. Raises NodeError where they would override it."""
        slots = self.model.slots[self.kind.name]
        ours = {field: slot.param for slot in slots if slot.field for field in slot.field.split("|")}
        ours |= {slot.length: slot.param for slot in slots if slot.length}
        if self.model.canvas is not None:
            ours[self.model.canvas.field] = "size"
        if self.model.seed is not None:
            ours[self.model.seed.field] = "seed"
        for path, value in _leaves(options):
            self._option(path, value, ours)

    def _option(self, path: str, value: Any, ours: Mapping[str, str]) -> None:
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


_CANVAS: Final = ("aspect", "size")


def _taken(model: Model, kind: Kind) -> list[str]:
    found = [slot.param for slot in model.slots[kind.name]]
    if model.canvas is not None:
        found += [name for name in _CANVAS if kind.param(name) is not None and name not in found]
    return found


def _field(slot: Slot, value: Any) -> str:
    """Return the field of a slot; of "audio_url|video_url" the one for this medium."""
    if "|" not in slot.field:
        return slot.field
    medium = value.type if isinstance(value, Blob) else ""
    fields = slot.field.split("|")
    return next((field for field in fields if medium and medium in field), fields[0])


def _operation(model: Model, kind: str, params: Mapping[str, Any]) -> str:
    if params.get("images"):
        with_images = model.operations.get(f"{kind}+images")
        if with_images is not None:
            return with_images
    return model.operations[kind]


def _turns(lines: Any, voices: Any) -> Any:
    """Return a dialogue as fal takes it: who says what, each with a voice."""
    if not isinstance(lines, list) or contains_unknown(lines) or contains_unknown(voices):
        return UNKNOWN
    return [
        {"text": line.get("text", ""), "voice": voices.get(line.get("speaker")) if isinstance(voices, dict) else voices}
        for line in lines
        if isinstance(line, dict)
    ]


def _unknown(model_id: str, kind: Kind) -> NodeError:
    vendor = model_id.partition("/")[0]
    there = [name for name in names(vendor) if (found := find(f"{vendor}/{name}")) and kind.name in found.kinds]
    facts = [("there is", ", ".join(f"{vendor}/{name}" for name in there[:8]))] if there else []
    hint = f"dagcontent models --kind {kind.name} lists what makes it"
    return NodeError(f"no model `{model_id}` is known that makes {kind.name}", facts=facts, hint=hint)


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


def _copied(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) if isinstance(value, dict) else value for key, value in table.items()}


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every leaf of tables with its dotted path; an empty table is one."""
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _overlap(a: str, b: str) -> bool:
    return a == b or a.startswith(f"{b}.") or b.startswith(f"{a}.")
