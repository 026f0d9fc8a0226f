"""Two maps instance -> key into what became of each instance, two manifests into the fields that differ. Knows no store and no graph."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec

from dagcontent.plan.model import FieldDiff
from dagcontent.values.canonical import Encoder
from dagcontent.values.record import Manifest

__all__ = ["Change", "Step", "fields_between", "steps_between"]

Change: TypeAlias = Literal["changed", "appeared", "gone", "same"]
_ORDER: Final = ("changed", "appeared", "gone", "same")
_NUMBER: Final = re.compile(r"(\d+)")
_HEAD: Final = ("kind", "version", "model", "realm", "take", "reroll", "epoch")


class Step(msgspec.Struct, frozen=True):
    """What became of one instance from one map to another, with its key in each."""

    node: str
    change: Change
    old: str | None
    new: str | None


def steps_between(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Step, ...]:
    """Return what became of each instance of two maps: what changed first, each sort by name with numbers as numbers."""
    steps = (Step(name, _change(old.get(name), new.get(name)), old.get(name), new.get(name)) for name in {**old, **new})
    return tuple(sorted(steps, key=lambda step: (_ORDER.index(step.change), _natural(step.node))))


def fields_between(old: Manifest, new: Manifest) -> tuple[FieldDiff, ...]:
    """Return the fields that differ, as they stand in keys: first what heads a manifest, then parameters by name."""
    return tuple(_fields(old, new, Encoder()))


def _change(old: str | None, new: str | None) -> Change:
    if old is None:
        return "appeared"
    return "gone" if new is None else "same" if old == new else "changed"


def _fields(old: Manifest, new: Manifest, encoder: Encoder) -> Iterator[FieldDiff]:
    for name in _HEAD:
        then, now = getattr(old, name), getattr(new, name)
        if then != now:
            yield FieldDiff(name, _said(then), _said(now))
    for name in sorted({**old.params, **new.params}):
        if not (name in old.params and name in new.params and _equal(name, old, new, encoder)):
            yield FieldDiff(f"params.{name}", old.params.get(name), new.params.get(name))


def _equal(name: str, old: Manifest, new: Manifest, encoder: Encoder) -> bool:
    then, now = (encoder.encode(one.params[name], carry=one.carry) for one in (old, new))
    return then == now


def _said(value: Any) -> Any:
    return None if value in ("", None) else value


def _natural(name: str) -> list[tuple[int, int | str]]:
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in _NUMBER.split(name)]
