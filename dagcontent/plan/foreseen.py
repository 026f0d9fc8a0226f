"""What is still to be made into what it will likely be, and into the most that it can be. Knows no store and no price.

A stand-in for each unknown value: a text so long, a picture, a recording so long. It serves for the cost alone; no key
and no request is made of it. `Likely` goes by what prompts ask for, `Most` by what bounds an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dagcontent.catalog.effective import request_of
from dagcontent.errors import NodeError
from dagcontent.graph.model import (
    AllOf,
    Element,
    Expr,
    FactStep,
    Join,
    Literal,
    LookUp,
    MemberStep,
    Node,
    Output,
    Sequence,
)
from dagcontent.kinds.schema import ReturnsError, schema_at, schema_of_returns
from dagcontent.plan.asked import CHARACTERS_A_WORD, WORDS_A_SECOND, asked_words
from dagcontent.plan.evaluate import Missing
from dagcontent.plan.fanout import leaves
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Unit
from dagcontent.values.types import Type
from dagcontent.values.value import UNKNOWN, Blob, Digest, contains_unknown

__all__ = ["Foreseen", "Likely", "Most", "known_params", "with_schema"]

TOKENS_OF_A_TOKEN: Final = 4
"""No tokenizer that is priced here makes more of its tokens of a text than this many for each of another's."""

_NOBODYS: Final = Digest("0" * 64)
_DEEPEST: Final = 4
_DIGITS: Final = 24
_NUMBERS: Final = ("number", "integer")
_SPOKEN: Final = ("duration", "seconds", "text")
_TEMPLATE: Final = "text.template"
_NO_LONGER: Final[Mapping[str, str]] = {"audio.fit": "seconds", "audio.place": "duration"}
_SHORTENED: Final = {
    "audio.trim": "audio", "audio.fade": "audio", "audio.normalize": "audio", "audio.convert": "audio",
    "video.trim": "video", "video.resize": "video", "video.reframe": "video", "video.convert": "video",
    "video.overlay": "video", "subtitles.burn": "video", "media.check": "media", "metadata.write": "media",
}  # fmt: skip
"""Kinds whose result is no longer than what they take, and the parameter that it is of."""
SPOKEN_MOST: Final = 50
"""Characters that nobody speaks more of in a second, in the writing of any language."""
_SENTENCE: Final = 15.0
_OF_LIMIT: Final = 0.6
"""What a text is likely to have of the most that its schema lets it have."""
_LIMITS: Final = ("max_output_tokens", "max_completion_tokens", "max_tokens")


def known_params(resolver: Resolver, unit: Unit, node: Node) -> dict[str, Any]:
    """Return a unit's parameters as far as they are known, of one that stands for a whole list too; `model` is none.

    `returns` stands as the schema that is sent in its place: what is priced is the request.
    """
    if unit.params is not None:
        return with_schema({name: value for name, value in unit.params.items() if name != "model"})
    made: dict[str, Any] = {}
    scope = resolver.fanout.scope_of(unit)
    options = () if node.options is None else (("options", node.options),)
    for name, expr in (*node.params, *options):
        try:
            made[name] = resolver.evaluator.value(expr, scope)
        except (NodeError, Missing):
            made[name] = UNKNOWN
    return with_schema(made)


def with_schema(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters with the schema that is sent in place of `returns`."""
    if "returns" not in params or contains_unknown(params["returns"]):
        return params
    try:
        schema = schema_of_returns(params["returns"])
    except ReturnsError:
        return params  # it says so itself when it is evaluated
    return {**{name: value for name, value in params.items() if name != "returns"}, "schema": schema}


class Foreseen:
    """Values for the parameters of units whose inputs are still to be made: `_text` and `_seconds` say how long."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._graph = resolver.graph
        self._fanout = resolver.fanout

    def filled(self, unit: Unit, node: Node, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters with a value where they are unknown, as far as one can be foreseen."""
        written = dict(node.params)
        made = dict(params)
        for name, value in params.items():
            if name in written and contains_unknown(value):
                found = self._value(written[name], unit, 0)
                if found is not None:
                    made[name] = found
        return made

    def _text(self, node: Node, unit: Unit | None, path: tuple[str, ...]) -> int | None:
        """Return how long a text of a node's output is, in characters."""
        raise NotImplementedError

    def _seconds(self, node: Node, unit: Unit | None, depth: int) -> float | None:
        """Return how long a recording or clip of a node is."""
        raise NotImplementedError

    def _kept(self, node: Node, unit: Unit | None, depth: int) -> float | None:
        """Return how long what is passed on can be: as long as what was given, and no longer than is let through."""
        source = _SHORTENED.get(node.kind.name)
        if source is None:
            return None
        given = self._param(node, unit, source, depth)
        lengths = (
            [given.facts["duration_ms"] / 1000] if isinstance(given, Blob) and "duration_ms" in given.facts else []
        )
        most = self._param(node, unit, "max_duration", depth)
        if isinstance(most, int | float) and not isinstance(most, bool):
            lengths.append(float(most))
        return min(lengths, default=None)

    def _heard(self, node: Node, unit: Unit | None) -> float | None:
        """Return how long what a transcript is of can be, in seconds; None where the node writes down nothing."""
        if node.kind.name != "audio.transcribe":
            return None
        given = [self._param(node, unit, name, 0) for name in ("audio", "video")]
        lengths = [
            one.facts["duration_ms"] / 1000 for one in given if isinstance(one, Blob) and "duration_ms" in one.facts
        ]
        return max(lengths, default=None)

    def _value(self, expr: Expr, unit: Unit, depth: int) -> Any:
        if depth > _DEEPEST:
            return None
        if isinstance(expr, Literal):
            return expr.value
        try:
            known = self._resolver.evaluator.value(expr, self._fanout.scope_of(unit))
        except (NodeError, Missing):
            return None
        if not contains_unknown(known):
            return known
        if isinstance(expr, Join):
            parts = [part if isinstance(part, str) else self._part(part, unit, depth + 1) for part in expr.parts]
            return None if any(part is None for part in parts) else "".join(str(part) for part in parts)
        if isinstance(expr, Sequence):
            items = [(item, self._value(item, unit, depth + 1)) for item in expr.items]
            if any(value is None for _, value in items):
                return None
            spliced = [
                value if isinstance(item, Output) and isinstance(value, list) else [value] for item, value in items
            ]
            return [value for values in spliced for value in values]
        if isinstance(expr, Element):
            of = self._graph.dimensions[expr.dim].of
            return (
                self._made(of, expr.type, (*_names(of), *_names(expr)), self._chosen(of, unit), depth)
                if isinstance(of, Output)
                else None
            )
        if isinstance(expr, Output):
            return self._all_made(expr, unit, depth)
        return None

    def _part(self, expr: Expr, unit: Unit, depth: int) -> Any:
        """Return what stands for a part of a text; a number that nobody knows yet is as long as one can be."""
        found = self._value(expr, unit, depth)
        return "0" * _DIGITS if found is None and self._is_number(expr) else found

    def _is_number(self, expr: Expr) -> bool:
        if not isinstance(expr, Element | Output):
            return False
        by = self._graph.dimensions[expr.dim].of if isinstance(expr, Element) else expr
        if expr.type.name in _NUMBERS or not isinstance(by, Output):
            return expr.type.name in _NUMBERS
        path = _names(expr) if by is expr else (*_names(by), *_names(expr))
        form = schema_at(self._graph.nodes[by.node].spec.params, path)
        return form is not None and form.get("type") in _NUMBERS

    def _all_made(self, by: Output, unit: Unit, depth: int) -> Any:
        """Return what stands for all that a reference chooses: one for each instance, of a list that is not known as many as it
        may have; None where nobody knows how many.
        """
        element, most = by.type, 1
        for dim, pick in zip(self._graph.nodes[by.node].dims, by.picks, strict=False):
            if isinstance(pick, AllOf) and element.name == "list" and element.item is not None:
                bound = self._graph.dimensions[dim].spec.max
                element, most = element.item, 0 if bound is None else most * bound
        if element is by.type and by.type.item is not None and any(isinstance(pick, LookUp) for pick in by.picks):
            looked_up = [self._one_made(by, by.type.item, maker, depth) for maker in self._units(by, unit)]
            return None if not looked_up or any(one is None for one in looked_up) else looked_up
        if element is by.type:
            return self._made(by, by.type, _names(by), self._chosen(by, unit), depth)
        there = self._units(by, unit)
        if all(None not in one.coords for one in there):
            made = [self._one_made(by, element, maker, depth) for maker in there]
        else:
            made = [self._one_made(by, element, None, depth)] * most
        return None if not made or any(one is None for one in made) else made

    def _one_made(self, by: Output, element: Type, maker: Unit | None, depth: int) -> Any:
        if maker is not None and not by.steps and not contains_unknown(maker.value):
            return maker.value
        return self._made(by, element, _names(by), maker, depth)

    def _made(self, by: Output, type_: Type, path: tuple[str, ...], made_by: Unit | None, depth: int) -> Any:
        """Return what stands for a part of a node's output."""
        node = self._graph.nodes[by.node]
        if node.kind.name == _TEMPLATE and not by.steps:
            # It makes nothing of its own: what it is put together of is foreseen.
            put = dict(node.params).get("text")
            return None if made_by is None or put is None else self._value(put, made_by, depth + 1)
        fact = next((step.name for step in by.steps if isinstance(step, FactStep)), "")
        if fact:
            return self._seconds(node, made_by, depth) if fact == "duration" else None
        if type_.name in {"text", "any", "json", "record"}:
            count = self._text(node, made_by, path)
            return None if count is None else "x" * count
        if type_.name == "image":
            return Blob(_NOBODYS, "image", "image/png", 0, {})
        if type_.name in {"audio", "video"}:
            seconds = self._seconds(node, made_by, depth)
            facts = {} if seconds is None else {"duration_ms": round(seconds * 1000)}
            return Blob(_NOBODYS, type_.name, f"{type_.name}/mp4", 0, facts)
        return None

    def _param(self, node: Node, unit: Unit | None, name: str, depth: int) -> Any:
        """Return a parameter of the node above: as it is known, else as it is foreseen."""
        known = unit.params.get(name) if unit is not None and unit.params is not None else None
        if known is not None and not contains_unknown(known):
            return known
        written = dict(node.params).get(name)
        if isinstance(written, Literal):
            return written.value
        return None if written is None or unit is None else self._value(written, unit, depth + 1)

    def _chosen(self, expr: Output, unit: Unit) -> Unit | None:
        return next(iter(self._units(expr, unit)), None)

    def _units(self, expr: Output, unit: Unit) -> list[Unit]:
        scope = self._fanout.scope_of(unit)
        try:
            return list(leaves(self._resolver.evaluator.chosen(expr, scope)))
        except (NodeError, Missing):
            return []


class Likely(Foreseen):
    """As long as the prompts ask for."""

    def _text(self, node: Node, unit: Unit | None, path: tuple[str, ...]) -> int | None:
        heard = self._heard(node, unit)
        if heard is not None:
            seconds = min(heard, _SENTENCE) if path[:1] == ("segments",) else heard
            return round(seconds * WORDS_A_SECOND * CHARACTERS_A_WORD)
        found_words = (asked_words(self._asked(node, unit, name)) for name in ("prompt", "system"))
        words = next((count for count in found_words if count is not None), None)
        limit = _schema_limit(node, path)
        if words is None:
            return None if limit is None else max(1, round(limit * _OF_LIMIT))
        found = round(words * CHARACTERS_A_WORD)
        return found if limit is None else min(found, limit)

    def _seconds(self, node: Node, unit: Unit | None, depth: int) -> float | None:
        for name in _SPOKEN:
            found = self._param(node, unit, name, depth)
            if isinstance(found, str) and name == "text":
                return len(found) / CHARACTERS_A_WORD / WORDS_A_SECOND
            if isinstance(found, int | float) and not isinstance(found, bool):
                return float(found)
        return self._kept(node, unit, depth)

    def _asked(self, node: Node, unit: Unit | None, name: str) -> str:
        found = self._param(node, unit, name, _DEEPEST)
        if isinstance(found, str):
            return found
        written = dict(node.params).get(name)
        return "".join(part for part in written.parts if isinstance(part, str)) if isinstance(written, Join) else ""


class Most(Foreseen):
    """As long as an answer can be: by its schema, or by the tokens that its maker may give, in tokens of its reader.

    A text whose own length is bounded by nothing but tokens stands for its tokens alone: `of_tokens` says whether that
    will do.
    """

    def __init__(self, resolver: Resolver, *, of_tokens: bool) -> None:
        super().__init__(resolver)
        self._of_tokens = of_tokens

    def _text(self, node: Node, unit: Unit | None, path: tuple[str, ...]) -> int | None:
        limit = _schema_limit(node, path)
        if limit is not None:
            return limit
        heard = self._heard(node, unit)
        if heard is not None:
            return round(heard * SPOKEN_MOST)
        if not self._of_tokens:
            return None
        model = unit.manifest.model if unit is not None and unit.manifest is not None else str(node.spec.model or "")
        try:
            known = _without_unknown(self._resolver, unit, node)
            fields = request_of(model, node.kind, known, snap=node.spec.snap).fields
        except NodeError:
            return None
        return next((fields[n] * TOKENS_OF_A_TOKEN for n in _LIMITS if isinstance(fields.get(n), int)), None)

    def _seconds(self, node: Node, unit: Unit | None, depth: int) -> float | None:
        # What models make may be longer than was asked: one snaps up, a voice takes its time. Of these kinds nothing
        # longer comes: they fail.
        name = _NO_LONGER.get(node.kind.name)
        found = self._param(node, unit, name, depth) if name is not None else None
        if isinstance(found, int | float) and not isinstance(found, bool):
            return float(found)
        return self._kept(node, unit, depth)


def _without_unknown(resolver: Resolver, unit: Unit | None, node: Node) -> dict[str, Any]:
    if unit is None:
        return {name: UNKNOWN for name, _ in node.params if name not in {"returns", "schema"}} | {
            name: expr.value for name, expr in node.params if isinstance(expr, Literal)
        }
    found = known_params(resolver, unit, node)
    return {
        name: UNKNOWN if contains_unknown(value) else value
        for name, value in found.items()
        if name not in {"options", "seed"}
    }


def _names(expr: Expr) -> tuple[str, ...]:
    """Return the names of a path into JSON; a step into a list is "*"."""
    steps = expr.steps if isinstance(expr, Output | Element) else ()
    return tuple(step.name if isinstance(step, MemberStep) else "*" for step in steps)


def _schema_limit(node: Node, path: tuple[str, ...]) -> int | None:
    """Return the `maxLength` that a JSON Schema of the node's answer gives the text at a path."""
    found = schema_at(node.spec.params, path)
    limit = found.get("maxLength") if found is not None else None
    return limit if isinstance(limit, int) and not isinstance(limit, bool) else None
