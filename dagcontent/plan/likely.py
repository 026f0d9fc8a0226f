"""What is still to be made into what it will likely be: its length, as the prompt that makes it asks for. Knows no store.

A guess for the expected cost alone. No key, no bound and no request is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from dagcontent.errors import NodeError
from dagcontent.graph.model import Expr, FactStep, FromFile, Join, Literal, Node, Output
from dagcontent.plan.evaluate import Missing
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Unit
from dagcontent.values.value import Blob, Digest, contains_unknown

__all__ = ["CHARACTERS_A_WORD", "Likely", "asked_words"]

CHARACTERS_A_WORD: Final = 6
"""Of plain English, with the space behind it."""
_WORDS_A_SECOND: Final = 2.5
_WORDS_IN: Final[Mapping[str, float]] = {
    "word": 1, "character": 1 / CHARACTERS_A_WORD, "sentence": 15, "line": 10, "paragraph": 80, "page": 400,
    "second": _WORDS_A_SECOND, "minute": 60 * _WORDS_A_SECOND,
}  # fmt: skip
_SPELLED: Final = {
    name: number
    for number, name in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty".split(),
        1,
    )
} | {"a": 1, "an": 1, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "hundred": 100}
_ASKED: Final = re.compile(
    rf"\b(?P<count>\d{{1,6}}|{'|'.join(_SPELLED)})[ -]+(?:\w+[ -]+){{0,2}}?(?P<unit>{'|'.join(_WORDS_IN)})s?\b",
    re.IGNORECASE,
)
_NOBODYS: Final = Digest("0" * 64)
_LONGEST_READ: Final = 20_000
_DEEPEST: Final = 4


def asked_words(prompt: str) -> float | None:
    """Return how many words a prompt asks for, as "at most twelve words" or "a 30-second text"; None if it says no length.

    Of several lengths the finest unit counts, and of those the largest: "two sentences of at most ten words" are words.
    """
    found = [
        (_WORDS_IN[match["unit"].lower()], _number(match["count"]) * _WORDS_IN[match["unit"].lower()])
        for match in _ASKED.finditer(prompt[:_LONGEST_READ])
    ]
    exact = [words for each, words in found if each <= 1]
    return max(exact or [words for _, words in found], default=None)


def _number(text: str) -> float:
    return float(text) if text.isdigit() else float(_SPELLED[text.lower()])


class Likely:
    """Likely values of the parameters of units whose inputs are still to be made."""

    def __init__(self, resolver: Resolver) -> None:
        self._graph = resolver.graph
        self._fanout = resolver.fanout
        self._evaluator = resolver.evaluator

    def filled(self, unit: Unit, node: Node, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters with likely values where they are unknown, as far as there are any."""
        written = dict(node.params)
        made = dict(params)
        for name, value in params.items():
            if contains_unknown(value) and name in written:
                found = self._value(written[name], unit, 0)
                if found is not None:
                    made[name] = found
        return made

    def _value(self, expr: Expr, unit: Unit, depth: int) -> Any:
        if depth > _DEEPEST:
            return None
        if isinstance(expr, Literal):
            return expr.value
        if isinstance(expr, Join):
            parts = [part if isinstance(part, str) else self._value(part, unit, depth + 1) for part in expr.parts]
            return None if any(part is None for part in parts) else "".join(str(part) for part in parts)
        if isinstance(expr, Output):
            return self._of_output(expr, unit, depth)
        if isinstance(expr, FromFile):
            return None
        try:
            found = self._evaluator.value(expr, self._fanout.scope_of(unit))
        except (NodeError, Missing, KeyError):
            return None
        return None if contains_unknown(found) else found

    def _of_output(self, expr: Output, unit: Unit, depth: int) -> Any:
        node = self._graph.nodes[expr.node]
        made_by = self._chosen(expr, unit)
        fact = next((step.name for step in expr.steps if isinstance(step, FactStep)), "")
        if fact and fact != "duration":
            return None
        seconds = self._seconds(node, made_by, depth)
        if fact:
            return seconds
        if expr.type.name in {"text", "any"}:
            words = asked_words(self._prompt(node, made_by))
            return None if words is None else "x" * round(words * CHARACTERS_A_WORD)
        if expr.type.name == "image":
            return Blob(_NOBODYS, "image", "image/png", 0, {"width": 1024, "height": 1024})
        if expr.type.name in {"audio", "video"} and seconds is not None:
            return Blob(_NOBODYS, expr.type.name, f"{expr.type.name}/mp4", 0, {"duration_ms": round(seconds * 1000)})
        return None

    def _seconds(self, node: Node, unit: Unit | None, depth: int) -> float | None:
        """Return how long a recording or clip will likely be: as long as it is asked to be, or as its text takes."""
        written = dict(node.params)
        for name in ("duration", "seconds", "text"):
            if name not in written:
                continue
            known = unit.params.get(name) if unit is not None and unit.params is not None else None
            found = known if known is not None and not contains_unknown(known) else None
            if found is None and unit is not None:
                found = self._value(written[name], unit, depth + 1)
            if name == "text":
                return len(found) / CHARACTERS_A_WORD / _WORDS_A_SECOND if isinstance(found, str) else None
            if isinstance(found, int | float):
                return float(found)
        return None

    def _prompt(self, node: Node, unit: Unit | None) -> str:
        known = unit.params.get("prompt") if unit is not None and unit.params is not None else None
        if isinstance(known, str):
            return known
        written = dict(node.params).get("prompt")
        if isinstance(written, Literal):
            return str(written.value)
        return "".join(part for part in written.parts if isinstance(part, str)) if isinstance(written, Join) else ""

    def _chosen(self, expr: Output, unit: Unit) -> Unit | None:
        scope = self._fanout.scope_of(unit)
        try:
            chosen = self._fanout.choose(expr, scope, lambda by: self._evaluator.value(by, scope))
        except (NodeError, Missing, KeyError):
            return None
        while isinstance(chosen, list) and chosen:
            chosen = chosen[0]
        return chosen if isinstance(chosen, Unit) else None
