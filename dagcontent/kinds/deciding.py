"""Kinds that let a value through, or do not: a gate by a person's word, an assertion by a bound, a fallback by what failed.

Declarations, and the pure functions of those that are values. What a person said and what failed is known where units are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from dagcontent.errors import NodeError
from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.values.types import ANY, NUMBER, TEXT, list_of
from dagcontent.values.value import Blob, Value

__all__ = ["KINDS"]

_LONGEST: Final = 60
_HINT: Final = "make another of what it is made of, or change the bound"


def _shown(params: Mapping[str, Value]) -> Value:
    """Return what a gate lets through: what it shows, as it is."""
    return params["show"]


def _asserted(params: Mapping[str, Value]) -> Value:
    """Return a value that is as it should be. Raises NodeError for one that is not."""
    value = params["value"]
    if "equals" in params and not _same(value, params["equals"]):
        text = f"`value` is {_words(value)}, and should be {_words(params['equals'])}"
        raise NodeError(text, hint=_HINT)
    for name, less in (("min", True), ("max", False)):
        bound = params.get(name)
        if isinstance(bound, int | float):
            _check_bound(value, name, bound, less=less)
    if "matches" in params:
        _check_text(value, str(params["matches"]))
    return value


def _check_bound(value: Value, name: str, bound: float, *, less: bool) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NodeError(f"`value` is {_words(value)}, and `{name}` is for numbers", hint="refer to a number or a fact")
    if value < bound if less else value > bound:
        text = f"`value` is {_words(value)}, {'less' if less else 'more'} than `{name}` = {bound:g}"
        raise NodeError(text, hint=_HINT)


def _check_text(value: Value, pattern: str) -> None:
    if not isinstance(value, str):
        raise NodeError(f"`value` is {_words(value)}, and `matches` is for text", hint="refer to text")
    try:
        found = re.search(pattern, value)
    except re.error as error:
        text = f"`matches` is no regular expression: {error}"
        raise NodeError(text, hint="as in '^[A-Z]'; write it in single quotes") from None
    if found is None:
        text = f"`value` is {_words(value)}, and does not match {_words(pattern)}"
        raise NodeError(text, hint=_HINT)


def _same(a: Any, b: Any) -> bool:
    """Compare by meaning: 1 and 1.0 are the same, 1 and true are not, also inside of lists and tables."""
    if isinstance(a, bool) or isinstance(b, bool):
        return isinstance(a, bool) and isinstance(b, bool) and a == b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, Blob) and isinstance(b, Blob):
        return a.digest == b.digest
    return bool(a == b)


def _words(value: Any) -> str:
    if isinstance(value, Blob):
        return f"{value.type} {value.digest[:12]}"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:
        text = "a value with media in it"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


KINDS: Final = (
    Kind(
        "gate",
        "What it shows, once a person has approved it.",
        (
            Param("show", ANY, "what is looked at, and given on: a reference, or a list of anything", required=True),
            Param("title", TEXT, "the question, as it is put to whoever decides"),
        ),
        ANY,
        Effect.PERSON,
        gives="its `show`",
        evaluate=_shown,
        passes="show",
    ),
    Kind(
        "assert",
        "A value that is as it should be; another one fails.",
        (
            Param("value", ANY, "what is checked, and given on", required=True),
            Param("equals", ANY, "what it is; 1 and 1.0 are the same"),
            Param("min", NUMBER, "the least number that will do"),
            Param("max", NUMBER, "the greatest number that will do"),
            Param("matches", TEXT, "a regular expression that is found in the text; ^ and $ stand for its ends"),
        ),
        ANY,
        Effect.VALUE,
        gives="its `value`",
        evaluate=_asserted,
        passes="value",
        one_of=(("equals", "min", "max", "matches"),),
    ),
    Kind(
        "fallback",
        "The first of its alternatives that can be made; one after another is tried.",
        (
            Param(
                "of",
                list_of(ANY),
                "alternatives in order, or all instances or takes of a node, as ${check[scene]}",
                required=True,
            ),
        ),
        ANY,
        Effect.VALUE,
        gives="one of `of`",
        lazy="of",
    ),
)
