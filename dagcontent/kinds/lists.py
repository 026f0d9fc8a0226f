"""Kinds of lists: declarations, and the pure functions that they are. What is in a list, media too, passes as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.kinds.path import Way
from dagcontent.values.types import ANY, INTEGER, LIST, NUMBER, TEXT, Type, list_of
from dagcontent.values.value import ABSENT, Blob, Value

__all__ = ["KINDS"]

_TESTS: Final = ("is", "is_not", "in", "min", "max")


def _filter(params: Mapping[str, Value]) -> Value:
    items, by = params["list"], params.get("by")
    assert isinstance(items, list)
    judged = by if isinstance(by, list) else items
    if len(judged) != len(items):
        text = f"the number of values in `by` is {len(judged)}, and of elements in `list` {len(items)}"
        raise NodeError(text, hint="give one for each, in the same order, as ${check[*].ok}")
    if "where" in params:
        judged = _looked_at(judged, str(params["where"]), "by" if isinstance(by, list) else "list")
    return [item for item, value in zip(items, judged, strict=True) if _holds(value, params)]


def _looked_at(judged: list[Value], where: str, name: str) -> list[Value]:
    """Return what is at the way into each element; ABSENT where there is nothing."""
    way = Way(where, "where")
    if any(isinstance(item, Blob) for item in judged):
        text = "there is no way into media"
        raise NodeError(text, hint='judge by values, one for each: by = "${still[*].width}"')
    found = [way.look(item) for item in judged]
    if judged and all(value is ABSENT for value in found):
        keys = dict.fromkeys(key for item in judged if isinstance(item, dict) for key in item)
        text = f"no element of `{name}` has `{where}`"
        raise NodeError(text, facts=[("there is", ", ".join(keys) or "no table")], hint="correct `where`")
    return found


def _holds(value: Value, params: Mapping[str, Value]) -> bool:
    """Tell whether an element stays. What is not there stays only where something else is asked for to be kept out."""
    tests = [name for name in _TESTS if name in params]
    if not tests:
        return value is not ABSENT and bool(value)
    return all(_passes(name, value, params[name]) for name in tests)


def _passes(test: str, value: Value, against: Value) -> bool:
    if test == "is":
        return _same(value, against)
    if test == "is_not":
        return not _same(value, against)
    if test == "in":
        return isinstance(against, list) and any(_same(value, item) for item in against)
    if value is ABSENT or value is None:
        return False
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = f"`{test}` compares numbers, and an element has {value!r:.40}"
        raise NodeError(text, hint="say with `where` or `by` which number is meant")
    assert isinstance(against, int | float)
    return value >= against if test == "min" else value <= against


def _same(one: Value, other: Value) -> bool:
    """Compare by meaning: 1 and 1.0 are the same, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return isinstance(one, bool) and isinstance(other, bool) and one == other
    return one == other


def _flatten(params: Mapping[str, Value]) -> Value:
    depth = params.get("depth")
    assert depth is None or isinstance(depth, int)
    return _flat(params["list"], -1 if depth is None else depth)


def _flat(value: Value, depth: int) -> list[Value]:
    assert isinstance(value, list)
    made: list[Value] = []
    for item in value:
        if isinstance(item, list) and depth:
            made += _flat(item, depth - 1)
        else:
            made.append(item)
    return made


def _slice(params: Mapping[str, Value]) -> Value:
    items, start, stop = params["list"], params.get("start"), params.get("stop")
    assert isinstance(items, list)
    assert start is None or isinstance(start, int)
    assert stop is None or isinstance(stop, int)
    return items[start:stop]


def _as_given(given: Type, _params: Mapping[str, Any]) -> Type:
    return given if given.name == "list" and given.item is not None else list_of(ANY)


def _as_flattened(given: Type, params: Mapping[str, Any]) -> Type:
    depth = params.get("depth")
    if given.name != "list" or not (depth is None or isinstance(depth, int)):
        return list_of(ANY)
    inner, left = given.item or ANY, -1 if depth is None else depth
    while inner.name == "list" and left:
        inner, left = inner.item or ANY, left - 1
    return list_of(inner)


KINDS: Final = (
    Kind(
        "list.filter",
        "The elements of a list of which something holds.",
        (
            Param("list", LIST, "what to sift", required=True),
            Param("where", TEXT, "the way to what is looked at in each element, as in references; left out: all of it"),
            Param("by", LIST, "values to look at in place of the elements, one for each, as ${check[*].ok}"),
            Param(
                "is", ANY, "what it must be; with no condition at all, it must be there and neither false, 0 nor empty"
            ),
            Param("is_not", ANY, "what it must not be"),
            Param("in", LIST, "what it may be"),
            Param("min", NUMBER, "a number that it must reach"),
            Param("max", NUMBER, "a number that it must not exceed"),
        ),
        list_of(ANY),
        Effect.VALUE,
        gives="as `list`",
        evaluate=_filter,
        like="list",
        output_like=_as_given,
    ),
    Kind(
        "list.flatten",
        "A list without the lists in it: their elements take their place.",
        (
            Param("list", LIST, "what to flatten", required=True),
            Param("depth", INTEGER, "how many levels; left out: all", minimum=1),
        ),
        list_of(ANY),
        Effect.VALUE,
        gives="a list",
        evaluate=_flatten,
        like="list",
        output_like=_as_flattened,
    ),
    Kind(
        "list.slice",
        "A stretch of a list.",
        (
            Param("list", LIST, "what to take it from", required=True),
            Param(
                "start", INTEGER, "position of the first, from 0; below 0 it counts from the end; left out: the first"
            ),
            Param("stop", INTEGER, "position before which it ends, counted likewise; left out: after the last"),
        ),
        list_of(ANY),
        Effect.VALUE,
        gives="as `list`",
        evaluate=_slice,
        like="list",
        output_like=_as_given,
    ),
)
