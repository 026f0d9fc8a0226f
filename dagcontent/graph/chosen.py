"""What selects or sifts into its type, which is that of what it is given: an element of it, or a list. Knows no instances.

A selection may choose from selections, so they are looked at in the order of their references; in a cycle, which is a mistake
of its own, nothing is known. One that is asked for while another graph's are looked at is settled then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import msgspec

from dagcontent.graph.references import ReferenceCompiler, Scope
from dagcontent.graph.space import NodeFace
from dagcontent.graph.steps import BadReference
from dagcontent.graph.typing import type_of_literal, united
from dagcontent.spec.model import AssetPath, FileText, NodeSpec, Ref, Template
from dagcontent.values.types import ANY, TEXT, Type

__all__ = ["type_selections"]


def type_selections(
    nodes: Mapping[str, NodeSpec], faces: MutableMapping[str, NodeFace], references: ReferenceCompiler
) -> Callable[[], None]:
    """Return what gives the face of every node its type that has it from what it is given; to be called when all of these know theirs."""
    open_ = {name for name, face in faces.items() if face.kind.chooses or face.kind.like}

    def settle(name: str) -> None:
        if name not in open_:
            return
        open_.discard(name)
        face, spec = faces[name], nodes[name]
        written = spec.params.get(face.kind.chooses or face.kind.like)
        for ref in _refs(written):
            settle(ref.root)
        given = _type(written, references, Scope(face.dims, node=name))
        like = face.kind.output_like
        found = _element(given) if like is None else like(given, spec.params)
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
    if isinstance(value, Template):
        if value.whole is None:
            return TEXT
        try:
            return references.link(value.whole, scope).type
        except BadReference:  # noted when the node is linked
            return ANY
    if isinstance(value, list):
        return united([_element(_type(item, references, scope)) for item in value])
    if isinstance(value, AssetPath):
        return Type(value.type)
    return TEXT if isinstance(value, FileText) else type_of_literal(value)


def _element(found: Type) -> Type:
    """Return what is in a list, however deep; lists in lists are one list to choose from."""
    while found.name == "list":
        found = found.item or ANY
    return found
