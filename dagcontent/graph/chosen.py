"""Kinds that give on what others made into their types: an element, an alternative, the thing itself. Knows no instances.

They may take from one another, so they are looked at in the order of their references; in a cycle, which is a mistake
of its own, nothing is known. One that is asked for while another graph's are looked at is settled then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import msgspec

from dagcontent.graph.alternatives import one_type, type_of_one
from dagcontent.graph.model import Expr, Literal
from dagcontent.graph.references import ReferenceCompiler, Scope
from dagcontent.graph.space import NodeFace
from dagcontent.graph.steps import BadReference
from dagcontent.graph.typing import innermost, type_of_literal, united
from dagcontent.spec.model import AssetPath, FileText, NodeSpec, Ref, Template
from dagcontent.values.types import ANY, TEXT, Type, list_of

__all__ = ["type_passed_on"]


def type_passed_on(
    nodes: Mapping[str, NodeSpec], faces: MutableMapping[str, NodeFace], references: ReferenceCompiler
) -> Callable[[], None]:
    """Return what gives the face of every node whose value is another's its type; to be called when all others know theirs."""
    open_ = {name for name, face in faces.items() if face.kind.source}

    def settle(name: str) -> None:
        if name not in open_:
            return
        open_.discard(name)
        face, spec = faces[name], nodes[name]
        written = spec.params.get(face.kind.source)
        for ref in _refs(written):
            settle(ref.root)
        scope = Scope(face.dims, node=name)
        if face.kind.chooses:
            found = innermost(_type(written, references, scope))
            found = list_of(found) if "top" in spec.params else found
        elif face.kind.lazy:
            found = _of_alternatives(written, references, scope)
        elif face.kind.output_like is not None:
            found = face.kind.output_like(_type(written, references, scope), spec.params)
        else:
            found = _as_it_is(written, references, scope)
        faces[name] = msgspec.structs.replace(face, type=found)

    def settle_all() -> None:
        for name in list(open_):
            settle(name)

    if open_:
        references.settle = settle
    return settle_all


def _refs(value: Any) -> list[Ref]:
    if isinstance(value, Template):
        return [part for part in value.parts if isinstance(part, Ref)]
    return [ref for item in value for ref in _refs(item)] if isinstance(value, list) else []


def _type(value: Any, references: ReferenceCompiler, scope: Scope) -> Type:
    if isinstance(value, list):
        return united([innermost(_type(item, references, scope)) for item in value])
    return _linked(value, references, scope).type


def _of_alternatives(value: Any, references: ReferenceCompiler, scope: Scope) -> Type:
    """Return the type that all alternatives have; a mistake where there is none is noted when the node is linked."""
    if isinstance(value, list):
        return one_type([type_of_one(_linked(item, references, scope)) for item in value]) or ANY
    expr = _linked(value, references, scope)
    listed = isinstance(expr, Literal) and expr.type.name == "list"
    return expr.type.item or ANY if listed else type_of_one(expr)


def _as_it_is(value: Any, references: ReferenceCompiler, scope: Scope) -> Type:
    """Return the type of a value as it is evaluated: what a list refers to is spliced in."""
    if not isinstance(value, list):
        return _linked(value, references, scope).type
    items = [_as_it_is(item, references, scope) for item in value]
    spliced = [
        t.item or ANY if t.name == "list" and isinstance(v, Template) else t for t, v in zip(items, value, strict=True)
    ]
    return list_of(united(spliced))


def _linked(value: Any, references: ReferenceCompiler, scope: Scope) -> Expr:
    """Return something written as an expression, as far as its type goes."""
    if isinstance(value, Template):
        if value.whole is None:
            return Literal(None, TEXT)
        try:
            return references.link(value.whole, scope)
        except BadReference:  # noted when the node is linked
            return Literal(None, ANY)
    if isinstance(value, AssetPath):
        return Literal(None, Type(value.type))
    return Literal(None, TEXT if isinstance(value, FileText) else type_of_literal(value))
