"""The candidates of a selection into the one that a person chose, and their digests. Knows no text positions.

What is chosen is remembered by its content, and so is what it was chosen among: a candidate that moves to another place
stays chosen, and where any candidate is another one the question is asked again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from dagcontent.errors import NodeError
from dagcontent.graph.model import Expr, Node, Output
from dagcontent.graph.model import Sequence as Items
from dagcontent.plan.evaluate import Evaluator, Missing
from dagcontent.plan.fanout import Fanout, leaves
from dagcontent.plan.unit import Status, Unit
from dagcontent.values.canonical import Encoder
from dagcontent.values.instances import node_of
from dagcontent.values.value import Blob, Value

__all__ = ["HUMAN", "Candidate", "among", "candidates_of", "digest_of", "label_of", "position_of_pick"]

_GONE: Final = frozenset({Status.SKIPPED, Status.FAILED, Status.BLOCKED})
HUMAN: Final = "human"
"""Who chooses where a person does."""


class Candidate(msgspec.Struct, frozen=True):
    """One of those that are chosen among. `instance` made it, where one instance did; `labels` are that one's, and `own` those of
    the dimensions that the selection is not over. `score` and `reasons` are what was said of it, where anything was.
    """

    position: int
    digest: str
    value: Value
    instance: str = ""
    labels: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    score: float | None = None
    reasons: tuple[str, ...] = ()


def digest_of(value: Value) -> str:
    """Return the digest of a candidate's content: an artifact's own, else that of its canonical bytes."""
    if isinstance(value, Blob):
        return value.digest
    return hashlib.sha256(Encoder().encode(value)).hexdigest()


def among(digests: Sequence[str]) -> str:
    """Return the digest of all candidates, in their order: what a choice was about."""
    return f"sha256:{hashlib.sha256(Encoder().encode(list(digests))).hexdigest()}"


def position_of_pick(pick: str, about: str | None, values: Sequence[Value]) -> int | None:
    """Return which of today's candidates was picked; None where it is none of them, or was chosen among others."""
    digests = [digest_of(value) for value in values]
    if pick not in digests or about not in {None, among(digests)}:
        return None
    return digests.index(pick)


def candidates_of(
    fanout: Fanout, evaluator: Evaluator, unit: Unit, node: Node, params: Mapping[str, Any]
) -> list[Candidate]:
    """Return the candidates of a selection, or the parts of what a gate shows, each with the instance that made it. Its
    inputs are settled.
    """
    name = node.kind.chooses or node.kind.passes
    values: list[Value] = _parts(params[name])
    makers: list[Unit | None] = []
    try:
        makers = _makers(fanout, evaluator, dict(node.params)[name], fanout.scope_of(unit))
    except (NodeError, Missing):
        makers = []
    makers = [maker for maker in makers if maker is None or maker.status not in _GONE]  # left out, where that may be
    if len(makers) != len(values):  # an instance that gives several
        makers = [None] * len(values)
    return [
        Candidate(position, digest_of(value), value) if maker is None else _made(position, value, maker, fanout, node)
        for position, (value, maker) in enumerate(zip(values, makers, strict=True))
    ]


def _parts(value: Value) -> list[Value]:
    return [part for item in value for part in _parts(item)] if isinstance(value, list) else [value]


def label_of(one: Candidate) -> str:
    """Return what a candidate is called: the labels of its instance beyond the selection's own; without any, its node, its
    file, its position.
    """
    if one.own:
        return ",".join(label.removeprefix("take=") for label in one.own)
    if one.instance:
        return node_of(one.instance)
    if isinstance(one.value, Blob) and one.value.name:
        return one.value.name.rpartition("/")[2].rpartition(".")[0] or one.value.name
    return str(one.position)


def _made(position: int, value: Value, maker: Unit, fanout: Fanout, node: Node) -> Candidate:
    labels = fanout.labels(maker)
    dims = fanout.graph.nodes[maker.node].dims
    own = tuple(label for label, dim in zip(labels, dims, strict=True) if dim not in node.dims)
    return Candidate(position, digest_of(value), value, fanout.name(maker), tuple(labels), own)


def _makers(fanout: Fanout, evaluator: Evaluator, expr: Expr, scope: Mapping[int, int | None]) -> list[Unit | None]:
    if isinstance(expr, Output):
        return list(leaves(evaluator.chosen(expr, scope)))
    if isinstance(expr, Items):
        return [maker for item in expr.items for maker in _makers(fanout, evaluator, item, scope)]
    return [None]
