"""The alternatives of a lazy kind into the first that succeeds. Knows no units and waits for nothing.

What is not known yet may fail: the next is then asked for too, so that a plan shows it.
"""

from __future__ import annotations

from collections.abc import Iterable

from dagcontent.errors import NodeError
from dagcontent.graph.model import Expr, Node, Sequence
from dagcontent.plan.evaluate import Evaluator, Missing
from dagcontent.plan.fanout import Scope
from dagcontent.values.value import ABSENT, UNKNOWN, Value

__all__ = ["alternatives", "first_of"]


def alternatives(node: Node) -> tuple[Expr, ...]:
    """Return what a lazy kind tries, in order."""
    expr = dict(node.params)[node.kind.lazy]
    return expr.items if isinstance(expr, Sequence) else (expr,)


def first_of(evaluator: Evaluator, node: Node, at: int, scope: Scope) -> Value:
    """Return what a lazy node is, its alternatives settled up to `at`; ABSENT: the one after it is to be asked for.

    Raises NodeError when every one failed, was skipped or is left out.
    """
    tried = alternatives(node)
    try:
        value = evaluator.value(tried[at], scope)
    except Missing:
        value = ABSENT
    if value is not UNKNOWN and value is not ABSENT:
        return UNKNOWN if at and _any_unknown(evaluator, tried[:at], scope) else value
    if at + 1 < len(tried):
        return ABSENT
    if value is ABSENT and not _any_unknown(evaluator, tried, scope):
        raise NodeError("every alternative failed, was skipped or is left out", hint="look at each of them")
    return UNKNOWN


def _any_unknown(evaluator: Evaluator, tried: Iterable[Expr], scope: Scope) -> bool:
    for expr in tried:
        try:
            if evaluator.value(expr, scope) is UNKNOWN:
                return True
        except Missing:
            continue
    return False
