"""Turn `[each]` into DimensionSpecs. Knows no node, and no list that is known only at run time."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from dagcontent.kinds.registry import RESERVED_NAMES
from dagcontent.spec.findings import Findings
from dagcontent.spec.literal import Literals, Spot
from dagcontent.spec.model import DimensionSpec, Place, Template
from dagcontent.spec.tables import Entry, Tables
from dagcontent.spec.words import a_value, listed

__all__ = ["NAME", "Dimensions", "read_dimensions", "wrong_name"]

NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_KEYS: Final = ("of", "id", "max", "over")
_MAX_RANGE: Final = 1_000_000


def wrong_name(name: str) -> tuple[str, str] | None:
    """Return what is wrong with the name of a node or a dimension, and a hint."""
    if name in RESERVED_NAMES:
        return f"`{name}` is a word of the language", f"reserved: {listed(sorted(RESERVED_NAMES))}"
    if NAME.fullmatch(name):
        return None
    better = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
    better = better if NAME.fullmatch(better) and better not in RESERVED_NAMES else ""
    return (
        f"`{name}` is not a name: small letters, digits and _, a letter first",
        f"write `{better}`" if better else "",
    )


class Dimensions(msgspec.Struct, frozen=True):
    """Every dimension by name, and the names of those that cannot be read."""

    good: dict[str, DimensionSpec]
    broken: list[str]


def read_dimensions(tables: Tables, literals: Literals, findings: Findings) -> Dimensions:
    """Return the dimensions of a graph."""
    found = Dimensions({}, [])
    for name, entry in tables.named("each"):
        place = Place(entry.document.file, ("each", name))
        wrong = wrong_name(name)
        if wrong is not None:
            findings.at_key(place, *wrong)
            found.broken.append(name)
        else:
            before = findings.count
            found.good[name] = _dimension(name, entry, place, literals, findings)
            if findings.count > before:
                found.broken.append(name)
    return found


def _dimension(name: str, entry: Entry, place: Place, literals: Literals, findings: Findings) -> DimensionSpec:
    spot = Spot(entry.document.file, entry.document.folder, place.path)
    value = entry.value
    if not isinstance(value, dict) or ("from" in value and "of" not in value):
        return DimensionSpec(name, _list(name, value, spot, literals), None, None, "stop", place)
    for key in value:
        if key not in _KEYS:
            caret = findings.suggestion(key, _KEYS)
            note = f"a dimension has: {listed(_KEYS)}"
            findings.at_key(Place(spot.file, (*spot.path, key)), f"unknown key `{key}` of a dimension", caret, note)
    if "of" not in value:
        findings.add(
            spot.file,
            spot.path,
            f"dimension `{name}` has no `of`",
            at="header",
            caret='write of = [...] or of = "${...}"',
        )
        return DimensionSpec(name, [], None, None, "stop", place)
    of = _list(name, value["of"], spot.step("of"), literals)
    most, over = _max(value, spot, literals), _over(value, spot, literals)
    if isinstance(of, list) and most is not None and len(of) > most and over == "stop":
        message = f"`{name}` has {len(of):,} elements, and its `max` is {most:,}"
        literals.wrong(spot.step("of"), message, 'raise `max`, or take the first ones with over = "cut"')
    return DimensionSpec(name, of, _id(value, spot, literals), most, over, place)


def _list(name: str, value: Any, spot: Spot, literals: Literals) -> Any:
    if isinstance(value, list):
        return literals.data(value, spot)
    if isinstance(value, dict):
        return _range(value, spot, literals)
    if isinstance(value, str):
        parsed = literals.string(value, spot)
        if isinstance(parsed, Template) and parsed.whole is not None:
            return parsed
        message = "a dimension goes over one list: this is text"
        literals.wrong(spot, message, 'write a list, or exactly one reference: "${script.scenes}"')
        return []
    message = f"dimension `{name}` goes over a list, not {a_value(value)}"
    literals.wrong(spot, message, f"write {{ from = 1, to = {value} }}" if isinstance(value, int) else "")
    return []


def _range(value: dict[str, Any], spot: Spot, literals: Literals) -> list[int]:
    first, last = value.get("from"), value.get("to")
    if set(value) != {"from", "to"} or not _whole(first) or not _whole(last):
        literals.wrong(spot, "a range has whole numbers `from` and `to`", "write { from = 1, to = 5 }")
        return []
    assert isinstance(first, int) and isinstance(last, int)  # noqa: PT018 - told to the type checker
    if last - first >= _MAX_RANGE:
        literals.wrong(spot, f"this range has more than {_MAX_RANGE:,} elements")
        return []
    return list(range(first, last + 1))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _id(value: dict[str, Any], spot: Spot, literals: Literals) -> str | None:
    field = value.get("id")
    if field is None or isinstance(field, str):
        return field
    literals.wrong(spot.step("id"), f"`id` names a field of the elements, it is not {a_value(field)}")
    return None


def _max(value: dict[str, Any], spot: Spot, literals: Literals) -> int | None:
    bound = value.get("max")
    if bound is None or (_whole(bound) and isinstance(bound, int) and bound >= 0):
        return bound
    literals.wrong(spot.step("max"), "`max` is a whole number, 0 or more")
    return None


def _over(value: dict[str, Any], spot: Spot, literals: Literals) -> str:
    over = value.get("over", "stop")
    if over in ("stop", "cut"):
        return str(over)
    literals.wrong(spot.step("over"), '`over` is "stop" or "cut"', "cut takes the first `max` of a longer list")
    return "stop"
