"""A linked node and a vendor's model into what the model cannot do of what is written. Knows no price and no vendor.

Only what is certain before anything runs is judged: values that stand in the file, and how many artifacts a list will have.
What comes by reference is judged where it is known, before it is sent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from dagcontent.catalog.check import Problem, problems
from dagcontent.graph.model import AllOf, Dimension, Expr, FromFile, Literal, Node, Output, SameAs, Table
from dagcontent.graph.model import Sequence as Listed
from dagcontent.spec.model import Place
from dagcontent.values.mistake import Mistake
from dagcontent.values.types import Type
from dagcontent.values.value import UNKNOWN, Blob, Digest

__all__ = ["incapable"]

_NOBODYS: Final = Digest("0" * 64)


def incapable(
    node: Node, model: str, nodes: Sequence[Node], dimensions: Sequence[Dimension], today: date | None
) -> Iterator[Mistake]:
    """Yield what a model, `provider/name`, cannot do of a node; nothing for models of this machine.

    `today` decides which models have ended; without it, the day the catalog was written.
    """
    if model.startswith("local/"):
        return
    written = _Written(node, nodes, dimensions)
    params = {name: written.param(name, expr) for name, expr in node.params}
    options = written.value(node.options) if node.options is not None else None
    given = options if isinstance(options, dict) else None
    for problem in problems(model, node.kind, params, given, node.spec.snap, today):
        place = _place(node, problem)
        yield Mistake(
            problem.message, place.file, place.path, "value", None, problem.hint, warning=problem.warning,
            ended=node.name if problem.ended else "",
        )  # fmt: skip


class _Written:
    """A node's expressions into what is certain of their values; the rest is UNKNOWN.

    An artifact that will be there, but has not been looked at, is a Blob without facts.
    """

    def __init__(self, node: Node, nodes: Sequence[Node], dimensions: Sequence[Dimension]) -> None:
        self._node = node
        self._nodes = nodes
        self._dimensions = dimensions

    def param(self, name: str, expr: Expr) -> Any:
        """Return a parameter; what may be left out is not counted."""
        param = self._node.kind.param(name)
        certain = name not in self._node.spec.optional
        value = self.value(expr, certain=certain)
        return list(_flat(value)) if param is not None and param.type.name == "list" else value

    def value(self, expr: Expr, *, certain: bool = False) -> Any:
        """Return the value of an expression. `certain`: what it refers to must have been made, or nothing is asked for."""
        if isinstance(expr, Literal):
            return UNKNOWN if expr.value is None else expr.value  # None: a reference that is a mistake already
        if isinstance(expr, Listed):
            return [self.value(item, certain=certain) for item in expr.items]
        if isinstance(expr, Table):
            return {name: self.value(item) for name, item in expr.items}
        if isinstance(expr, FromFile) and expr.type.artifact:
            return _unseen(expr.type)
        if isinstance(expr, Output) and certain:
            return self._made(expr)
        return UNKNOWN

    def _made(self, output: Output) -> Any:
        """Return the artifacts that a reference chooses, where their number is certain."""
        made = self._nodes[output.node]
        sure = made.when is None and made.spec.on_error == "fail" and made.type.artifact and not output.steps
        shifted = any(isinstance(pick, SameAs) and pick.offset for pick in output.picks)
        if not sure or shifted:
            return UNKNOWN
        lists = [
            self._dimensions[dim].of
            for dim, pick in zip(made.dims, output.picks, strict=True)
            if isinstance(pick, AllOf)
        ]
        if not lists:
            return _unseen(made.type)
        lengths = [len(of.value) for of in lists if isinstance(of, Literal) and isinstance(of.value, list)]
        return [_unseen(made.type)] * math.prod(lengths) if len(lengths) == len(lists) else UNKNOWN


def _unseen(type_: Type) -> Blob:
    return Blob(_NOBODYS, type_.name, "", 0, {})


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _place(node: Node, problem: Problem) -> Place:
    place = node.spec.place_of(problem.key)
    if problem.option and problem.option in node.spec.options:
        return Place(place.file, (*place.path, problem.option))
    return place
