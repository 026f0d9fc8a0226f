"""Selections whose candidates are known into what they give: the best by their place, a person, a judge or a metric.

A person's pick comes first, then what is certain without asking anybody; only then is a verdict asked for. Knows no keys and no
text positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any, Final

import msgspec

from dagcontent.errors import NodeError
from dagcontent.graph.judging import JUDGE, METRIC
from dagcontent.graph.model import Node
from dagcontent.graph.model import Sequence as Items
from dagcontent.kinds.control import MEASURE
from dagcontent.plan.decisions import Decisions
from dagcontent.plan.evaluate import Evaluator
from dagcontent.plan.fanout import Fanout, leaves
from dagcontent.plan.question import Verdict, asked_of_judge, distinct, order_seen, read_answer
from dagcontent.plan.selection import Candidate, candidates_of, digest_of, label_of
from dagcontent.plan.unit import Status, Unit
from dagcontent.values.value import ABSENT, UNKNOWN, Blob, Value, contains_unknown

__all__ = ["Selected", "Selecting"]

_DIGITS: Final = 6


class Selected(msgspec.Struct, frozen=True):
    """What a selection gave: positions, the best first; and, of every candidate, its score and what was said of it."""

    positions: tuple[int, ...]
    scores: tuple[float, ...] = ()
    reasons: tuple[tuple[str, ...], ...] = ()


class Selecting:
    """The selections of one resolution."""

    def __init__(self, fanout: Fanout, evaluator: Evaluator, decisions: Decisions) -> None:
        self._fanout = fanout
        self._evaluator = evaluator
        self._decisions = decisions
        self.made: dict[Unit, Selected] = {}
        evaluator.fact_of_selection = self._fact

    # -- what a selection gives ---------------------------------------------------------------------------------

    def of(self, unit: Unit, node: Node, params: Mapping[str, Value], *, asked: bool) -> tuple[Value, Status] | None:
        """Return what a selection is, or why it is nothing yet; None where a verdict is to be asked for first.

        `asked` says that it was. Raises NodeError, Missing.
        """
        values = params[node.kind.chooses]
        if not isinstance(values, list) or contains_unknown(values):
            found = self._decisions.unknown(unit, params)
            return None if node.verdict is not None and not asked else found
        if not values:
            raise NodeError("there is nothing to choose from: the list is empty", hint="look at what `from` refers to")
        if asked:
            return self._judged(unit, node, params, values)
        decided = self._decisions.selected(unit, params, values)
        if isinstance(decided, tuple):
            return decided
        if decided is not None:
            return self._give(unit, values, Selected((decided,)), None)
        if contains_unknown(params.get("scores")) or contains_unknown(params.get("top")) or params["by"] is UNKNOWN:
            return UNKNOWN, Status.MAYBE
        if "scores" in params:
            return self._give(unit, values, _ranked(_means(params["scores"], len(values))), params.get("top"))
        if params["by"] not in {JUDGE, METRIC} or len({digest_of(value) for value in values}) == 1:
            return self._give(unit, values, Selected(tuple(range(len(values)))), params.get("top"))
        if node.verdict is None:
            raise NodeError(
                f"`by` is `{params['by']}`, and that came by a reference", hint="write it in the node itself"
            )
        return None

    def _give(self, unit: Unit, values: Sequence[Value], found: Selected, top: Value) -> tuple[Value, Status]:
        made = found.positions[: top if isinstance(top, int) else 1]
        self.made[unit] = Selected(made, found.scores, found.reasons)
        given = [values[position] for position in made]
        return given if top is not None else given[0], Status.VALUE

    def _judged(
        self, unit: Unit, node: Node, params: Mapping[str, Value], values: Sequence[Value]
    ) -> tuple[Value, Status]:
        verdicts = self.verdicts(unit, node, values)
        if verdicts is None:
            return UNKNOWN, Status.MAYBE
        return self._give(unit, values, _averaged(values, verdicts), params.get("top"))

    def verdicts(self, unit: Unit, node: Node, values: Sequence[Value]) -> list[dict[str, Verdict]] | None:
        """Return what everybody who was asked says of candidates, by digest; None while some have not answered.

        Raises NodeError for an answer that does not fit, Missing where one failed.
        """
        assert node.verdict is not None
        scope = self._fanout.scope_of(unit)
        answers = self._evaluator.value(node.verdict, scope)
        if contains_unknown(answers):
            return None
        digests = sorted({digest_of(value) for value in values})
        made = []
        for judge in leaves(self._evaluator.chosen(node.verdict, scope)):
            order = self._order(judge, digests)
            try:
                made.append(_read(judge.value, order, self._fanout.graph.nodes[judge.node]))
            except NodeError as error:
                name = self._fanout.name(judge)
                raise NodeError(
                    f"{name}: {error.message}", hint=f"dagcontent reroll GRAPH '{name}' has it asked once more"
                ) from None
        return made

    def _order(self, judge: Unit, digests: Iterable[str]) -> list[str]:
        node = self._fanout.graph.nodes[judge.node]
        if node.kind is MEASURE:
            return sorted(digests)
        seed = None if node.seed is None else self._evaluator.value(node.seed, self._fanout.scope_of(judge))
        return order_seen(list(digests), seed, self._decisions.sample(judge, node).take)

    def candidates(self, unit: Unit, node: Node, params: Mapping[str, Any]) -> list[Candidate]:
        """Return the candidates of a selection whose inputs are settled, with what is known to have been said of them."""
        found = candidates_of(self._fanout, self._evaluator, unit, node, params)
        selected = self.made.get(unit)
        if selected is None or not selected.scores:
            return found
        reasons = selected.reasons or ((),) * len(found)
        return [
            msgspec.structs.replace(one, score=score, reasons=said)
            for one, score, said in zip(found, selected.scores, reasons, strict=True)
        ]

    # -- what is asked ------------------------------------------------------------------------------------------

    def question(self, unit: Unit, node: Node) -> dict[str, Any]:
        """Return the parameters of a node that a selection asks. Raises NodeError, Missing."""
        asking = node.asking
        assert asking is not None
        scope = self._fanout.scope_of(unit)
        optional = node.spec.optional
        candidates = _flat(self._evaluator.value(asking.candidates, scope, lenient="from" in optional))
        references: list[Value] = []
        if asking.references is not None:
            found = self._evaluator.value(asking.references, scope, lenient="references" in optional)
            references = _flat(found)
        known = not any(contains_unknown(one) for one in candidates)
        if known:
            there = distinct(candidates, [digest_of(one) for one in candidates])
            if len(there) < 2:
                raise NodeError("there is one candidate: nothing to compare", hint=f"name {asking.of}, which gives it")
            candidates = [there[digest] for digest in self._order(unit, there)]
        if asking.what == METRIC:
            metric = None if asking.metric is None else self._evaluator.value(asking.metric, scope)
            made = {"media": candidates, "metric": metric}
            return {**made, "references": references} if references else made
        rubric = "" if asking.rubric is None else self._evaluator.value(asking.rubric, scope)
        made = asked_of_judge(candidates, references, rubric, _slots(node))
        bound = dict(node.params).get("max_tokens")
        return made if bound is None else {**made, "max_tokens": self._evaluator.value(bound, scope)}

    # -- facts --------------------------------------------------------------------------------------------------

    def _fact(self, unit: Unit, name: str) -> Value:
        """Return a fact of what a selection gave; a list of them where it gave several."""
        selected, node = self.made.get(unit), self._fanout.graph.nodes[unit.node]
        if selected is None:
            return UNKNOWN
        found: list[Value]
        if name == "position":
            found = [*selected.positions]
        elif name == "score":
            found = [selected.scores[at] if selected.scores else ABSENT for at in selected.positions]
        else:
            candidates = self._candidates(unit, node)
            found = [label_of(candidates[at]) for at in selected.positions]
        return found if "top" in dict(node.params) else found[0]

    def _candidates(self, unit: Unit, node: Node) -> list[Candidate]:
        expr, lenient = dict(node.params)[node.kind.chooses], node.kind.chooses in node.spec.optional
        values = _flat(self._evaluator.value(expr, self._fanout.scope_of(unit), lenient=lenient))
        return candidates_of(self._fanout, self._evaluator, unit, node, {node.kind.chooses: values})


def _slots(node: Node) -> tuple[str, str]:
    """Return the parameters that candidates and references are for, by their types."""
    found = ["", ""]
    asking = node.asking
    assert asking is not None
    for name, expr in node.params:
        for item in expr.items if isinstance(expr, Items) else ():
            if item is asking.candidates:
                found[0] = name
            elif item is asking.references:
                found[1] = name
    return found[0], found[1]


def _ranked(scores: Sequence[float], reasons: tuple[tuple[str, ...], ...] = ()) -> Selected:
    """Return positions by score, the highest first; of equal ones the earlier."""
    order = sorted(range(len(scores)), key=lambda position: (-scores[position], position))
    return Selected(tuple(order), tuple(scores), reasons)


def _averaged(values: Sequence[Value], verdicts: Sequence[Mapping[str, Verdict]]) -> Selected:
    digests = [digest_of(value) for value in values]
    scores = [round(fmean(one[digest].score for one in verdicts), _DIGITS) for digest in digests]
    reasons = tuple(tuple(one[digest].reason for one in verdicts if one[digest].reason) for digest in digests)
    return _ranked(scores, reasons)


def _read(answer: Value, order: Sequence[str], node: Node) -> dict[str, Verdict]:
    if node.kind is not MEASURE:
        return read_answer(answer, order)
    assert isinstance(answer, list)
    return {digest: Verdict(float(str(number))) for digest, number in zip(order, answer, strict=True)}


def _means(scores: Value, count: int) -> list[float]:
    """Return one number for each of some candidates: lists are taken apart until there is one for each, and of more the mean."""
    rows = scores if isinstance(scores, list) else [scores]
    while len(rows) != count and any(isinstance(row, list) for row in rows):
        rows = [inner for row in rows for inner in (row if isinstance(row, list) else [row])]
    if len(rows) != count:
        there = f"{len(rows)} score{'s' * (len(rows) != 1)}"
        raise NodeError(
            f"`scores` has {there}, and there are {count} candidates", hint="give one for each, in the order of `from`"
        )
    return [_mean(row) for row in rows]


def _mean(row: Value) -> float:
    numbers = _flat(row)
    wrong = next((one for one in numbers if isinstance(one, bool) or not isinstance(one, int | float)), None)
    if wrong is not None or not numbers:
        raise NodeError(f"a score is a number, and this is {_named(wrong)}", hint="correct what `scores` refers to")
    return round(fmean(float(str(one)) for one in numbers), _DIGITS)


def _named(value: Value) -> str:
    return "missing" if value is None else value.type if isinstance(value, Blob) else f"{value!r:.40}"


def _flat(value: Value) -> list[Value]:
    if isinstance(value, list):
        return [leaf for item in value for leaf in _flat(item)]
    return [] if value is ABSENT else [value]
