"""A TOML value into an expression, every `${...}` in it linked. Knows no nodes: who links a reference does.

A string that cannot be linked is one mistake and becomes a literal of type ANY, so that the rest is still checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dagcontent.graph.model import Expr, FromFile, Join, Literal, Sequence, Table
from dagcontent.graph.references import ReferenceCompiler, Scope
from dagcontent.graph.steps import BadReference
from dagcontent.graph.typing import joinable, type_of_literal, united
from dagcontent.spec.model import AssetPath, Bracket, FieldStep, FileText, PathArg, Place, Ref, Template
from dagcontent.values.mistake import Mistake
from dagcontent.values.types import ANY, TEXT, Field, Type, list_of, record_of

__all__ = ["Expressions"]


class Expressions:
    """Turns the values of one graph's file into expressions. `broken` names what the loader could not read."""

    def __init__(self, references: ReferenceCompiler, broken: frozenset[str], mistakes: list[Mistake]) -> None:
        self._references = references
        self._broken = broken
        self._mistakes = mistakes

    def scope(self, dims: Iterable[int]) -> Scope:
        """Return a scope over dimensions that belongs to no node."""
        return Scope(dims)

    def value(self, value: Any, place: Place, scope: Scope) -> Expr:
        """Return the expression of a TOML value: a literal, unless there is a reference or a file in it."""
        if isinstance(value, str):
            return Literal(value, TEXT, place)
        if isinstance(value, Template):
            return self._template(value, place, scope)
        if isinstance(value, FileText):
            template = None if value.template is None else self.value(value.template, place, scope)
            return FromFile(value.path, TEXT, template)
        if isinstance(value, AssetPath):
            return FromFile(value.path, Type(value.type))
        if isinstance(value, list):
            items = [self.value(item, _below(place, i), scope) for i, item in enumerate(value)]
            if all(isinstance(item, Literal) for item in items):
                # Not `value`: an item may be a reference to a parameter, which is a literal by now.
                known = [item.value for item in items if isinstance(item, Literal)]
                return Literal(known, type_of_literal(known), place)
            return Sequence(tuple(items), list_of(united([item.type for item in items])))
        if isinstance(value, dict):
            fields = {k: self.value(v, _below(place, k), scope) for k, v in value.items()}
            if all(isinstance(item, Literal) for item in fields.values()):
                table = {key: item.value for key, item in fields.items() if isinstance(item, Literal)}
                return Literal(table, type_of_literal(table), place)
            return Table(tuple(fields.items()), record_of(*(Field(k, e.type) for k, e in fields.items())))
        return Literal(value, type_of_literal(value), place)

    def _template(self, template: Template, place: Place, scope: Scope) -> Expr:
        whole = template.whole
        if whole is not None:
            return self._reference(whole, place, scope)
        parts: list[str | Expr] = []
        for part in template.parts:
            if isinstance(part, str):
                parts.append(part)
                continue
            expr = self._reference(part, place, scope)
            if not joinable(expr.type):
                self._mistake(
                    f"`{part.text}` is {expr.type}: media cannot be joined into text",
                    place,
                    "",
                    within=(part.start, part.end),
                )
            parts.append(expr)
        return Join(tuple(parts), TEXT)

    def _reference(self, ref: Ref, place: Place, scope: Scope) -> Expr:
        try:
            return self._references.link(ref, scope)
        except BadReference as bad:
            if not self.is_broken(ref):
                self._mistake(bad.message, place, bad.caret, within=(ref.start, ref.end), note=bad.note)
            return Literal(None, ANY, place)

    def is_broken(self, ref: Ref) -> bool:
        """Tell whether a reference names what the loader could not read, which is a mistake already."""
        names = {ref.root, *(s.name for s in ref.steps[:1] if isinstance(s, FieldStep))}
        for step in ref.steps:
            if isinstance(step, Bracket):
                names.update(a.value.parts[0] for a in step.args if isinstance(a.value, PathArg))
        return not self._broken.isdisjoint(names)

    def _mistake(
        self, message: str, place: Place, caret: str, *, within: tuple[int, int] | None = None, note: str = ""
    ) -> None:
        self._mistakes.append(Mistake(message, place.file, place.path, "value", within, caret, note))


def _below(place: Place, key: str | int) -> Place:
    return Place(place.file, (*place.path, key))
