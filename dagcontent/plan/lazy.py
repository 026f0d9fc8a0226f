"""The alternatives of a lazy kind into the first that succeeds. Knows no states of units but theirs, and waits for nothing.

Alternatives are written one by one; a reference to instances or takes is as many as there are. They are looked at in order,
each only when those before it came to nothing. What is not known yet may fail: a plan then asks for the next too, and shows it.
What was sent and may still succeed, or was not sent for want of money, has not failed: nothing else is begun in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec

from dagcontent.errors import AttemptDetached, AttemptUnresolved, NodeError, OverBudget
from dagcontent.graph.model import AtPosition, Expr, Literal, Node, Output, Sequence
from dagcontent.plan.evaluate import Evaluator, Missing
from dagcontent.plan.fanout import Chosen, Fanout, Scope, leaves
from dagcontent.plan.unit import Status, Unit
from dagcontent.values.types import ANY
from dagcontent.values.value import ABSENT, UNKNOWN, Mark, Value, contains_unknown

__all__ = ["Alternatives", "is_open"]

_OPEN: Final = (AttemptUnresolved, AttemptDetached, OverBudget)
_MOST_SHOWN: Final = 8


class Alternatives:
    """The alternatives of the lazy units of one resolution."""

    def __init__(self, fanout: Fanout, evaluator: Evaluator) -> None:
        self._fanout = fanout
        self._evaluator = evaluator

    def at(self, node: Node, position: int, scope: Scope) -> Expr | None:
        """Return the alternative at a position; None behind the last. Raises NodeError where a look-up misses."""
        return next(islice(self.of(node, scope), position, None), None)

    def of(self, node: Node, scope: Scope) -> Iterator[Expr]:
        """Yield what a lazy node tries, in order. Raises NodeError where a look-up misses, when it comes to that one."""
        written = dict(node.params)[node.kind.lazy]
        if isinstance(written, Literal) and isinstance(written.value, list):
            items: tuple[Expr, ...] = tuple(Literal(value, ANY, written.place) for value in written.value)
        else:
            items = written.items if isinstance(written, Sequence) else (written,)
        for item in items:
            yield from self._one_by_one(item, scope) if isinstance(item, Output) else (item,)

    def _one_by_one(self, output: Output, scope: Scope) -> Iterator[Expr]:
        """Yield a reference to several instances as one to each."""
        chosen = self._evaluator.chosen(output, scope)
        if not isinstance(chosen, list) or _any_mark(chosen):
            yield output
            return
        for unit in leaves(chosen):
            picks = zip(unit.coords, output.picks, strict=True)  # where a list is not there, its unit says why
            yield msgspec.structs.replace(
                output, picks=tuple(pick if at is None else AtPosition(at) for at, pick in picks)
            )

    def first_of(self, node: Node, at: int, unit: Unit) -> Value:
        """Return what a lazy unit is, its alternatives settled up to `at`; ABSENT: the one after it is to be asked for. What waits
        for a person may still succeed: nothing is begun in its place. Of what came to nothing the unit is open no more.

        Raises NodeError when every one failed, was skipped or is left out; Missing for one of which that is not known and
        will not be known in this build.
        """
        scope = self._fanout.scope_of(unit)
        alternatives = self.of(node, scope)
        tried = list(islice(alternatives, at + 1))
        value = self._value(tried[at], scope) if at < len(tried) else ABSENT
        if value is not UNKNOWN and value is not ABSENT:
            return UNKNOWN if self._any_unknown(tried[:at], scope) else value
        if value is UNKNOWN and unit.stopped:
            return UNKNOWN
        known = value is ABSENT and not self._any_unknown(tried[:at], scope)
        if self._another(alternatives, sure=known):
            unit.open = 0 if known else unit.open
            return ABSENT
        if known:
            what = "every alternative failed, was skipped or is left out" if tried else "there is no alternative"
            hint = "look at each of them" if tried else "the list that it refers to is empty"
            raise NodeError(what, facts=self._said(tried, scope), hint=hint)
        return UNKNOWN

    @staticmethod
    def _another(alternatives: Iterator[Expr], *, sure: bool) -> bool:
        """Tell whether there is another alternative. Raises NodeError where its look-up misses, and it is `sure` to be tried."""
        try:
            return next(alternatives, None) is not None
        except NodeError:
            if sure:
                raise
            return False

    def came_to_nothing(self, expr: Expr, scope: Scope) -> bool:
        """Tell whether an alternative that is settled failed, was skipped or is left out."""
        return self._value(expr, scope) is ABSENT

    def _value(self, expr: Expr, scope: Scope) -> Value:
        """Return an alternative's value: UNKNOWN whatever of it is not known, ABSENT if it came to nothing. Raises NodeError."""
        try:
            value = self._evaluator.value(expr, scope)
        except Missing as missing:
            if is_open(missing.by):
                raise Missing(Status.BLOCKED, missing.by) from None
            return ABSENT
        return UNKNOWN if contains_unknown(value) else value

    def _any_unknown(self, tried: Iterable[Expr], scope: Scope) -> bool:
        return any(self._value(expr, scope) is UNKNOWN for expr in tried)

    def _said(self, tried: Iterable[Expr], scope: Scope) -> list[tuple[str, str]]:
        """Return what became of each alternative, as facts."""
        facts = []
        for expr in tried:
            try:
                self._evaluator.value(expr, scope)
            except Missing as missing:
                by = missing.by
                if by is not None and by.node >= 0:
                    facts.append((self._fanout.name(by), _fate(by)))
        rest = len(facts) - _MOST_SHOWN
        return facts if rest <= 0 else [*facts[:_MOST_SHOWN], ("", f"and {rest:,} more")]


def is_open(unit: Unit | None) -> bool:
    """Tell whether a unit that came to nothing may still become something: what was sent may be there, or money was short."""
    seen = set()
    while unit is not None and unit not in seen:
        if isinstance(unit.error, _OPEN):
            return True
        seen.add(unit)
        unit = unit.status_by
    return False


def _fate(unit: Unit) -> str:
    """Return what became of a unit that has no value."""
    source, seen = unit, {unit}
    while source.error is None and source.status_by is not None and source.status_by not in seen:
        source = source.status_by
        seen.add(source)
    word = "failed" if unit.status is None else unit.status.value
    return word if source.error is None else f"{word}: {source.error.message}"


def _any_mark(chosen: Chosen) -> bool:
    return isinstance(chosen, Mark) or (isinstance(chosen, list) and any(map(_any_mark, chosen)))
