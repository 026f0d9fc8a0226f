"""The alternatives of a lazy kind into the one type that all of them have, or into a mistake. Knows no instances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dagcontent.graph.model import Element, Expr, Literal, Node, Output, is_several
from dagcontent.graph.model import Sequence as Items
from dagcontent.graph.typing import type_of_literal, united
from dagcontent.values.mistake import Mistake
from dagcontent.values.types import ANY, JSON, Type

__all__ = ["check_alternatives", "one_type", "type_of_one"]

_JSON_LIKE = frozenset({"text", "number", "integer", "boolean", "json", "record", "list"})


def type_of_one(expr: Expr) -> Type:
    """Return the type of an alternative: of one of the instances where it refers to several."""
    found = expr.type
    for _ in range(_open(expr)):
        found = found.item or ANY if found.name == "list" else found
    return found


def one_type(types: Sequence[Type]) -> Type | None:
    """Return the type that all of these are; None where there is none. What is not known before a build may be any."""
    if not types or any(found.name == "any" for found in types):
        return ANY
    both = united(list(types))
    if both.name != "any":
        return both
    return JSON if all(found.name in _JSON_LIKE and not _holds_media(found) for found in types) else None


def check_alternatives(node: Node) -> Iterator[Mistake]:
    """Yield what is wrong with the alternatives of a lazy node."""
    if not node.kind.lazy:
        return
    name = node.kind.lazy
    written = dict(node.params).get(name)
    if written is None:
        return
    if isinstance(written, Items | Literal):
        yield from _of_several(node, name, _items(written))
    elif written.type.name == "list" and not _open(written):
        text = f"`{name}` is one value, a list: there is nothing to fall back to"
        yield _mistake(node, (name,), text, "write alternatives in a list, or refer to all instances or takes", written)


def _items(written: Items | Literal) -> list[Expr]:
    if isinstance(written, Items):
        return list(written.items)
    values = written.value if isinstance(written.value, list) else [written.value]
    return [Literal(value, type_of_literal(value)) for value in values]


def _of_several(node: Node, name: str, items: Sequence[Expr]) -> Iterator[Mistake]:
    if not items:
        yield _mistake(node, (name,), f"`{name}` has no alternative", "name what is tried, in order")
        return
    types = [type_of_one(item) for item in items]
    for position, found in enumerate(types):
        if one_type([types[0], found]) is None:
            text = f"alternatives are of one type, and the first is {types[0]}: this is {found}"
            yield _mistake(node, (name, position), text, f"give something that is {types[0]}", items[position])
            return


def _open(expr: Expr) -> int:
    """Return for how many dimensions a reference leaves several instances."""
    if not isinstance(expr, Output):
        return 0
    return sum(is_several(pick) for pick in expr.picks)


def _holds_media(found: Type) -> bool:
    if found.name == "list":
        return found.item is not None and _holds_media(found.item)
    return found.artifact or any(_holds_media(field.type) for field in found.fields)


def _mistake(node: Node, path: tuple[str | int, ...], text: str, caret: str, expr: Expr | None = None) -> Mistake:
    key, *rest = path
    place = node.spec.place_of(str(key))
    within = (expr.ref.start, expr.ref.end) if isinstance(expr, Output | Element) else None
    return Mistake(text, place.file, (*place.path, *rest), "value", within, caret)
