"""A linked node and a vendor's model into what the model cannot do of what is written. Knows no price and no vendor.

Only values that stand in the file are judged; what comes by reference is judged where it is known, before it is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from dagcontent.catalog.check import Problem, problems
from dagcontent.graph.model import Expr, Literal, Node, Sequence, Table
from dagcontent.spec.model import Place
from dagcontent.values.mistake import Mistake
from dagcontent.values.value import UNKNOWN

__all__ = ["incapable"]


def incapable(node: Node, model: str, today: date | None) -> Iterator[Mistake]:
    """Yield what a model, `provider/name`, cannot do of a node; nothing for models of this machine.

    `today` decides which models have ended; without it, the day the catalog was written.
    """
    if model.startswith("local/"):
        return
    params = {name: _written(expr) for name, expr in node.params}
    options = _written(node.options) if node.options is not None else None
    given = options if isinstance(options, dict) else None
    for problem in problems(model, node.kind, params, given, node.spec.snap, today):
        place = _place(node, problem)
        yield Mistake(
            problem.message, place.file, place.path, "value", None, problem.hint, warning=problem.warning,
            ended=node.name if problem.ended else "",
        )  # fmt: skip


def _written(expr: Expr) -> Any:
    if isinstance(expr, Literal):
        return UNKNOWN if expr.value is None else expr.value  # None: a reference that is a mistake already
    if isinstance(expr, Sequence):
        return [_written(item) for item in expr.items]
    if isinstance(expr, Table):
        return {name: _written(item) for name, item in expr.items}
    return UNKNOWN


def _place(node: Node, problem: Problem) -> Place:
    place = node.spec.origin.get(problem.key) or Place(node.spec.place.file, (*node.spec.place.path, problem.key))
    if problem.option and problem.option in node.spec.options:
        return Place(place.file, (*place.path, problem.option))
    return place
