"""A unit whose node has several models into the one that is asked, or served: the refusals before it are skipped.

One traversal for a plan and a build, from the first model on: a result ends it, a refusal leads on, anything else is what
is asked now. What was refused in this build counts always; what was before counts while somebody is left to be asked, and
if nobody is, and nobody was asked in this build, it is forgotten: then all are asked again, in order. A failure that was
charged is never forgotten. Knows no waiting and no transitions.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import msgspec

from dagcontent.catalog.market import Market
from dagcontent.errors import AttemptDetached, AttemptUnresolved, NodeError, OverBudget
from dagcontent.graph.model import Node
from dagcontent.plan.evaluate import Missing
from dagcontent.plan.inputs import Inputs
from dagcontent.plan.paid import is_paid, price_of, sticky
from dagcontent.plan.passed import Passed, passed_words
from dagcontent.plan.ports import Lookup
from dagcontent.plan.unit import Status, Unit
from dagcontent.plan.variants import FIRST_ASKED, Variant, following, has_variants, skips, tries_left
from dagcontent.values.money import usd_text
from dagcontent.values.record import Done, FailedCharged, Record
from dagcontent.values.refusal import CEILING, UNFIT, Refusal, refusal_class
from dagcontent.values.value import UNKNOWN, ActionKey, contains_unknown

__all__ = ["Asking", "Later", "Terms"]


class Later(msgspec.Struct, frozen=True):
    """A model that may still be asked after the one that is next, up to so many `tries`; `params` as they are sent."""

    node: Node
    model: str
    params: dict[str, Any]
    tries: int


class Terms(msgspec.Struct, frozen=True):
    """On what terms models are asked: `today` decides which have ended, `market` whose prices hold; with `retry`, refusals of
    earlier builds that cost nothing are forgotten.
    """

    today: date | None = None
    market: Market | None = None
    retry: bool = False


class Asking:
    """The models of one resolution's units."""

    def __init__(self, inputs: Inputs, lookup: Lookup, terms: Terms) -> None:
        self._inputs = inputs
        self._lookup = lookup
        self._terms = terms
        self._refused: dict[ActionKey, NodeError] = {}

    def look_up(self, unit: Unit, node: Node, params: dict[str, Any] | None) -> Record | None:
        """Give a unit its manifest, key and parameters; return a record of it. `params` are those of the first model, None
        where they are to be read again.

        Raises NodeError where nobody can make it, Missing where it is skipped.
        """
        if not has_variants(node):
            params = self._inputs.params(unit, node) if params is None else params
            found = self._inputs.look_up(unit, node, params)
            if found is not None and isinstance(found.outcome, FailedCharged):
                raise sticky(found, found.outcome)
            unit.params = params
            return found
        return self._walk(unit, node, params)

    def refused(self, unit: Unit, node: Node, error: NodeError) -> bool:
        """Take in that what a unit asked for was refused; tell whether another may be asked in its place."""
        if unit.key is None or not has_variants(node) or _refusal(error) is None:
            return False
        self._refused[unit.key] = error
        return True

    def final(self, unit: Unit, error: NodeError) -> NodeError:
        """Return a failure after which nobody is asked any more, with who was refused before."""
        return _nobody(error, unit.passed)

    def refused_elsewhere(self, key: ActionKey) -> NodeError | None:
        """Return why another build, which had the key until now, was refused."""
        known = None if self._terms.retry else self._lookup.refusal(key)
        return None if known is None else _said(known)

    def gives_way(self, unit: Unit, node: Node, error: NodeError) -> bool:
        """Tell whether something is asked after such a failure."""
        refusal = _refusal(error)
        return refusal is not None and following(node, Variant(unit.at, unit.reroll), refusal) is not None

    def _walk(self, unit: Unit, node: Node, params: dict[str, Any] | None) -> Record | None:
        passed: list[Passed] = []
        now: Variant | None = FIRST_ASKED
        error: NodeError | None = None
        while now is not None:
            unit.at, unit.reroll = now
            asked = node.asked(now.at)
            unit.params = self._inputs.params(unit, asked) if params is None else params
            params = None
            found, refusal, error = self._look(unit, asked, passed)
            if refusal is None:
                unit.passed = tuple(passed)
                return found
            passed.append(self._passed(unit, asked, refusal))
            now = following(node, now, refusal)
        unit.passed = tuple(passed)
        last = passed[-1].refusal
        if skips(node, last):
            raise Missing(Status.SKIPPED, None)
        if not unit.again and not any(one.key in self._refused for one in passed):
            unit.again = True
            if any(one.recorded and one.refusal.charged_microusd is None for one in passed):
                return self._walk(unit, node, None)
        assert error is not None
        raise _nobody(error, passed[:-1])

    def _look(
        self, unit: Unit, asked: Node, passed: list[Passed]
    ) -> tuple[Record | None, Refusal | None, NodeError | None]:
        """Look one model up: what it made; or why it is not asked, and that in words for people; or nothing: it is asked."""
        _forget(unit)
        assert unit.params is not None
        try:
            found = self._inputs.look_up(unit, asked, unit.params)
        except NodeError as unfit:
            return None, Refusal(UNFIT, unfit.message), unfit
        assert unit.key is not None
        if found is not None and isinstance(found.outcome, Done):
            return found, None, None
        error = self._refused.get(unit.key)
        if found is not None and isinstance(found.outcome, FailedCharged):
            outcome = found.outcome
            refusal = Refusal(outcome.error_class, outcome.message, found.cost_microusd)
            return None, refusal, error or sticky(found, outcome)
        if error is not None:
            return None, _refusal(error), error
        known = None if self._terms.retry or unit.again else self._lookup.refusal(unit.key)
        if known is not None:
            return None, known, _said(known)
        return self._bounded(unit, asked, passed)

    def _bounded(
        self, unit: Unit, asked: Node, passed: list[Passed]
    ) -> tuple[Record | None, Refusal | None, NodeError | None]:
        """Look at what an instance may cost. Raises NodeError where its first model may cost more."""
        most = asked.spec.max_cost_microusd
        assert unit.manifest is not None
        model = unit.manifest.model
        if most is None or not is_paid(model):
            return None, None, None
        spent = sum(one.charged_microusd for one in passed)
        assert unit.params is not None
        high = price_of(asked, model, unit.params, self._terms.today, self._terms.market).quote.high
        if (high is not None and spent + high <= most) or self._under_way(unit):
            return None, None, None
        may = "what it may cost at most is not known" if high is None else f"it may cost up to {usd_text(high)}"
        before = f", {usd_text(spent)} was charged already" if spent else ""
        text = f"{may}{before}, and max_cost_usd is {usd_text(most, digits=2)}"
        error = NodeError(f"{model}: {text}", hint="raise max_cost_usd, ask for less, or name a cheaper model")
        if not passed:
            raise error
        return None, Refusal(CEILING, text), error

    def _under_way(self, unit: Unit) -> bool:
        assert unit.key is not None
        return self._lookup.standing(unit.key) is not None

    def _passed(self, unit: Unit, asked: Node, refusal: Refusal) -> Passed:
        key = unit.key
        model = asked.spec.model if unit.manifest is None else unit.manifest.model
        known = key is None or refusal.charged_microusd is not None
        recorded = known or (key not in self._refused and refusal.error_class not in {CEILING, UNFIT})
        return Passed(model if isinstance(model, str) else "", refusal, key, unit.manifest, recorded=recorded)

    # -- what may come after the one that is asked ----------------------------------------------------------------

    def later(self, unit: Unit, node: Node) -> Iterator[Later | Passed]:
        """Yield the models that may still be asked when the one that is next is refused, with what they are asked for; and those
        that are passed over then, because they may cost too much or cannot do it.
        """
        at, reroll, key, manifest, params, notes = (
            unit.at,
            unit.reroll,
            unit.key,
            unit.manifest,
            unit.params,
            unit.notes,
        )
        try:
            now: Variant | None = Variant(at + 1) if at < len(node.fallbacks) else None
            while now is not None:
                unit.at, unit.reroll = now
                found = self._asked_later(unit, node.asked(now.at), tries_left(node, now))
                if isinstance(found, Later):
                    yield found
                    now = Variant(now.at + 1) if now.at < len(node.fallbacks) else None
                elif found is None:
                    now = None
                else:
                    if found.error_class in {CEILING, UNFIT}:
                        yield self._passed(unit, node.asked(now.at), found)
                    now = following(node, now, found)
        finally:
            unit.at, unit.reroll, unit.key, unit.manifest, unit.params, unit.notes = (
                at,
                reroll,
                key,
                manifest,
                params,
                notes,
            )

    def _asked_later(self, unit: Unit, asked: Node, tries: int) -> Later | Refusal | None:
        """Return how a model may be asked, or why it is not; None if its result is there: nobody behind it is asked either."""
        if None in unit.coords:
            model = asked.spec.model if isinstance(asked.spec.model, str) else ""
            return Later(asked, model, dict.fromkeys((name for name, _ in asked.params), UNKNOWN), tries)
        try:
            unit.params = self._inputs.params(unit, asked)
            model = str(unit.params["model"])
            if any(contains_unknown(value) for value in unit.params.values()):
                params = {name: value for name, value in unit.params.items() if name != "model"}
                return Later(asked, model, params, tries)
            found, refusal, _ = self._look(unit, asked, list(unit.passed) or [_ANY])
        except (NodeError, Missing) as error:
            return Refusal(UNFIT, str(error))
        if found is not None:
            return None
        return refusal or Later(asked, model, dict(unit.params), tries)


_ANY = Passed("", Refusal(""))


def _forget(unit: Unit) -> None:
    unit.key = unit.manifest = None


def _said(known: Refusal) -> NodeError:
    return NodeError(f"refused before: {known.message}", error_class=known.error_class)


def _refusal(error: NodeError) -> Refusal | None:
    """Return the refusal that a failure is; None for what is none: nothing else may be asked in its place."""
    if isinstance(error, AttemptUnresolved | AttemptDetached | OverBudget):
        return None
    found = refusal_class(error.error_class)
    if found is None and any(label == "charged" for label, _ in error.facts):
        found = error.error_class
    said = error.message.partition(": ")[2] or error.message  # what stands before it are our words for the class
    return None if found is None else Refusal(found, said)


def _nobody(error: NodeError, before: Sequence[Passed]) -> NodeError:
    """Return why nobody can make a unit: what the last said, and who was passed over before."""
    if not before:
        return error
    made = copy.copy(error)  # others may have failed by the same one
    made.facts = (("before", passed_words(before)), *error.facts)
    return made
