"""An expression into a value, for one instance. Knows no keys; reaches other units only through `Fanout.choose`.

`Missing` is raised where an input was skipped or failed. In a lenient evaluation (`optional` parameters) a list
loses that element and anything else becomes ABSENT.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dagcontent.errors import NodeError
from dagcontent.graph.model import (
    AllOf,
    Condition,
    Conditions,
    Element,
    Expr,
    FactStep,
    FromFile,
    IndexStep,
    Into,
    Join,
    KeyStep,
    Label,
    Literal,
    MemberStep,
    Output,
    Sequence,
    StarStep,
    Step,
    Table,
    Whole,
)
from dagcontent.graph.typing import SELECTION_FACTS
from dagcontent.plan.coerce import as_text
from dagcontent.plan.fanout import Chosen, Fanout, Scope
from dagcontent.plan.ports import Files
from dagcontent.plan.unit import Closed, Status, Unit
from dagcontent.values.value import ABSENT, UNKNOWN, Blob, Mark, Value, fact_of

__all__ = ["Evaluator", "Missing"]

_GONE: Final = frozenset({Status.SKIPPED, Status.FAILED, Status.BLOCKED})


class Missing(Exception):  # noqa: N818 - the name is the state: there is no value
    """An input that was skipped or failed; `status` is what it makes of the instance."""

    def __init__(self, status: Status, by: Unit | None) -> None:
        super().__init__(status.value)
        self.status = status
        self.by = by


class Evaluator:
    """Evaluates expressions over a fan-out."""

    def __init__(self, fanout: Fanout, files: Files) -> None:
        self._fanout = fanout
        self._files = files
        self.fact_of_selection: Callable[[Unit, str], Value] = lambda _unit, _name: UNKNOWN
        self._whole: dict[int, Value] = {}  # id of an all-instances Output -> its list, shared by all who ask

    def forget(self) -> None:
        """Drop remembered lists: a unit in one of them is made again, and may come out otherwise."""
        self._whole.clear()

    def value(self, expr: Expr, scope: Scope, *, lenient: bool = False) -> Value:
        """Return the value of an expression. Raises NodeError, Missing."""
        if isinstance(expr, Literal):
            value: Value = expr.value
            return value
        if isinstance(expr, Output):
            return self._output(expr, scope, lenient=lenient)
        if isinstance(expr, Join):
            return self._join(expr, scope, lenient=lenient)
        if isinstance(expr, Element):
            return self._element(expr, scope)
        if isinstance(expr, Sequence):
            return self._sequence(expr, scope, lenient=lenient)
        if isinstance(expr, Table):
            made = {name: self.value(item, scope, lenient=lenient) for name, item in expr.items}
            return {name: item for name, item in made.items() if item is not ABSENT}
        if isinstance(expr, FromFile):
            return self._file(expr, scope)
        if isinstance(expr, Into):
            return self._steps(expr.base.value, expr.steps, scope, expr.ref.text)
        listed = self._fanout.list_at(expr.dim, scope)
        if isinstance(listed, Closed):
            return self._closed(listed)
        if isinstance(expr, Whole):
            return self._steps(listed.elements, expr.steps, scope, "each")
        here = scope[expr.dim]
        if here is None:
            return UNKNOWN
        return listed.labels[here] if isinstance(expr, Label) else here

    def chosen(self, expr: Output, scope: Scope) -> Chosen:
        """Return the instances that a reference means. Raises NodeError where a look-up misses, Missing where what it looks up is."""
        return self._fanout.choose(expr, scope, lambda by: self.value(by, scope))

    def holds(self, condition: Condition | Conditions, scope: Scope) -> bool | Mark:
        """Return whether `when` holds; UNKNOWN if it depends on what is still to be made."""
        if isinstance(condition, Conditions):
            found = (self.holds(one, scope) for one in condition.every)
            return next((holds for holds in found if holds is not True), True)
        value = self.value(condition.value, scope)
        if value is UNKNOWN:
            return UNKNOWN
        if condition.test == "true":
            if isinstance(value, bool):
                return value
            if value is ABSENT:
                return False
            raise NodeError(
                f"`when` is {value!r:.60}, and only true or false will do", hint="compare: { value = ..., is = ... }"
            )
        assert condition.against is not None
        against = self.value(condition.against, scope)
        if against is UNKNOWN:
            return UNKNOWN
        if condition.test == "in":
            if not isinstance(against, list):
                raise NodeError("`in` takes a list", hint='as in { value = "${scene.kind}", in = ["wide", "close"] }')
            return any(_same(value, item) for item in against)
        return _same(value, against) == (condition.test == "is")

    # -- kinds of expression ------------------------------------------------------------------------------------

    def _output(self, expr: Output, scope: Scope, *, lenient: bool) -> Value:
        everything = bool(expr.picks) and all(isinstance(p, AllOf) for p in expr.picks) and not lenient
        if everything and id(expr) in self._whole:
            return self._whole[id(expr)]
        made = self._of_chosen(self.chosen(expr, scope), expr, scope, lenient=lenient)
        if everything:
            self._whole[id(expr)] = made
        return made

    def _of_chosen(self, chosen: Chosen, expr: Output, scope: Scope, *, lenient: bool) -> Value:
        if isinstance(chosen, Unit):
            try:
                return self._of_unit(chosen, expr.steps, scope, expr.ref.text)
            except Missing:
                if lenient:
                    return ABSENT
                raise
        if isinstance(chosen, list):
            made = [self._of_chosen(item, expr, scope, lenient=lenient) for item in chosen]
            return [item for item in made if item is not ABSENT]
        return chosen

    def _of_unit(self, unit: Unit, steps: tuple[Step, ...], scope: Scope, text: str) -> Value:
        if unit.status in _GONE:
            skip_on_error = self._fanout.graph.nodes[unit.node].spec.on_error == "skip"
            skipped = unit.status is Status.SKIPPED or skip_on_error
            raise Missing(Status.SKIPPED if skipped else Status.BLOCKED, unit)
        value, last = unit.value, steps[-1] if steps else None
        if isinstance(last, FactStep) and last.name in SELECTION_FACTS and value is not UNKNOWN:
            value, steps = self.fact_of_selection(unit, last.name), steps[:-1]
        return self._steps(value, steps, scope, text) if steps else value

    def _element(self, expr: Element, scope: Scope) -> Value:
        listed = self._fanout.list_at(expr.dim, scope)
        if isinstance(listed, Closed):
            return self._closed(listed)
        here = scope[expr.dim]
        if here is None:
            return UNKNOWN
        there = here + expr.shift
        if not 0 <= there < len(listed.elements):
            return ABSENT
        return self._steps(listed.elements[there], expr.steps, scope, expr.ref.text)

    def _sequence(self, expr: Sequence, scope: Scope, *, lenient: bool) -> Value:
        made: list[Value] = []
        for item in expr.items:
            try:
                # A table is left out whole: without what it is about, the rest of it says nothing.
                value = self.value(item, scope, lenient=lenient and not isinstance(item, Table))
            except Missing:
                if lenient:
                    continue
                raise
            if isinstance(item, Output) and isinstance(value, list):
                made.extend(value)  # spliced in
            elif value is not ABSENT:
                made.append(value)
        return made

    def _join(self, expr: Join, scope: Scope, *, lenient: bool) -> Value:
        parts: list[str] = []
        for part in expr.parts:
            text = part if isinstance(part, str) else as_text(self.value(part, scope, lenient=lenient))
            if not isinstance(text, str):
                return UNKNOWN
            parts.append(text)
        return "".join(parts)

    def _file(self, expr: FromFile, scope: Scope) -> Value:
        if expr.template is not None:
            return self.value(expr.template, scope)
        if expr.type.name == "text":
            return self._files.text(expr.path)
        return self._files.artifact(expr.path, expr.type.name)

    @staticmethod
    def _closed(listed: Closed) -> Value:
        if listed.status in _GONE:
            raise Missing(listed.status, listed.by)
        return UNKNOWN

    # -- steps --------------------------------------------------------------------------------------------------

    def _steps(self, value: Value, steps: tuple[Step, ...], scope: Scope, text: str) -> Value:
        for position, step in enumerate(steps):
            if isinstance(value, Mark):
                return value
            if isinstance(step, StarStep):
                if not isinstance(value, list):
                    raise NodeError(
                        f"`{text}`: `[*]` goes over a list, and there is {_shape(value)}", hint="correct the path"
                    )
                rest = steps[position + 1 :]
                made = [self._steps(item, rest, scope, text) for item in value]
                return [item for item in made if item is not ABSENT]
            value = self._step(value, step, scope, text)
        return value

    def _step(self, value: Value, step: Step, scope: Scope, text: str) -> Value:
        if isinstance(step, FactStep):
            if isinstance(value, Blob) and not value.facts and step.name not in {"size_bytes", "media_type"}:
                value = self._files.measured(value)
            fact = fact_of(value, step.name)
            if fact is ABSENT:
                raise NodeError(
                    f"`{text}`: {_shape(value)} has no fact `{step.name}`", hint="dagcontent kinds KIND lists the facts"
                )
            return fact
        by: Any
        if isinstance(step, KeyStep):
            by = self.value(step.key, scope)
            if isinstance(by, Mark):
                return by
            if isinstance(by, list):
                return [self._at(value, item, text) for item in by]
            return self._at(value, by, text)
        if isinstance(step, IndexStep):
            return self._at(value, step.position, text)
        assert isinstance(step, MemberStep)
        if isinstance(value, dict) and step.name not in value and step.optional:
            return ABSENT
        if isinstance(value, dict) and value.get(step.name) is None and step.optional:
            return ABSENT
        return self._at(value, step.name, text)

    @staticmethod
    def _at(value: Value, by: Any, text: str) -> Value:
        if isinstance(value, dict) and isinstance(by, str) and by in value:
            return value[by]
        if isinstance(value, list) and isinstance(by, int) and 0 <= by < len(value):
            return value[by]
        there = ", ".join(list(value)[:12]) if isinstance(value, dict) else _shape(value)
        raise NodeError(
            f"`{text}`: there is no {by!r:.60}",
            facts=[("there is", there)],
            hint="correct the path, or the schema of what made it",
        )


def _shape(value: Value) -> str:
    if isinstance(value, Blob):
        return value.type
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "a table"
    return f"{value!r:.40}"


def _same(a: Value, b: Value) -> bool:
    """Compare by meaning: 1 and 1.0 are the same, 1 and true are not."""
    if isinstance(a, bool) or isinstance(b, bool):
        return isinstance(a, bool) and isinstance(b, bool) and a == b
    return a == b
