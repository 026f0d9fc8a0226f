"""A Resolver answered with UNKNOWN into a Plan. Knows no clock; writes nothing.

Promise: what a build of the same graph and store executes lies between the rows with `run` and those with `run` or
`maybe`. A row is `run` when its key is known and has no record, or when no record could serve whatever its unknown
inputs turn out to be; and when somebody is certain to ask for it, and no person is to choose first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from dagcontent.catalog.market import Market
from dagcontent.errors import NodeError
from dagcontent.graph.model import Graph, Node, Output, outputs_in
from dagcontent.kinds.declaration import WORKED_OUT
from dagcontent.plan.asking import Later
from dagcontent.plan.estimate import Estimates
from dagcontent.plan.evaluate import Missing
from dagcontent.plan.explain import Explainer, cause_of
from dagcontent.plan.model import Plan, PlanRow, Price
from dagcontent.plan.paid import is_paid, over_all
from dagcontent.plan.passed import Passed, passed_words
from dagcontent.plan.replaced import behind, file_of
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.served import Serving
from dagcontent.plan.unit import Status, Unit
from dagcontent.plan.variants import Variant, has_variants, tries_left
from dagcontent.values.attempt import Attempt, AttemptState
from dagcontent.values.record import Record
from dagcontent.values.value import UNKNOWN, ActionKey, contains_unknown

__all__ = ["make_plan", "resolve_dry"]


def resolve_dry(resolver: Resolver) -> None:
    """Drive a resolver to its end, answering every miss with UNKNOWN."""
    while actions := resolver.take():
        for action in actions:
            resolver.settled(action.unit, UNKNOWN)


def make_plan(
    resolver: Resolver, last_build: Mapping[str, str], *, explain: bool = True, market: Market | None = None
) -> Plan:
    """Return the plan of a resolver that `resolve_dry` has driven. `last_build` maps instances to their last keys.

    `market` says whose prices hold. Without `explain` rows carry no cause and no differences, which costs look-ups.
    """
    return _Planner(resolver, last_build, explain=explain, market=market or Market()).plan()


_OPEN_MODEL = "several"
"""Stands for models that differ among instances which are not told apart yet: none has this name, so none has its price."""
_OPEN_NOTE = "its models differ, and a list before them is still to be made: in `each`, name their dimension first"


class _Planner:
    def __init__(self, resolver: Resolver, last_build: Mapping[str, str], *, explain: bool, market: Market) -> None:
        self.resolver = resolver
        self.graph: Graph = resolver.graph
        self.fanout = resolver.fanout
        self.explainer = Explainer(resolver)
        self.last_build = last_build
        self.explain = explain
        self.estimates = Estimates(resolver, last_build, market, self.explainer, self._inputs_of)

    def plan(self) -> Plan:
        certain = self._certain()
        self.serving = Serving(self.resolver)
        self.instead_of = self.serving.spares(self._asked(sure=False)) if self.serving.any else {}
        rows = tuple(row for unit in self.fanout.all_units() if (row := self._row(unit, certain)) is not None)
        return Plan(self.graph.name, rows, tuple(self.resolver.warnings))

    # -- who is certain to be asked for -------------------------------------------------------------------------

    def _certain(self) -> set[Unit] | None:
        """Return the units asked for whatever comes, or None when that is all of them."""
        if not any(n.when is not None or n.kind.lazy or n.asking is not None for n in self.graph.nodes):
            return None
        return self._asked(sure=True)

    def _asked(self, *, sure: bool) -> set[Unit]:
        """Return the units that are asked for if every alternative that may succeed does; with `sure`, whatever comes."""
        found: set[Unit] = set()
        stack = [u for u in self.fanout.all_units() if self.resolver.is_root(u) and u.settled]
        while stack:
            unit = stack.pop()
            if unit in found or (sure and self._when_unknown(unit)):
                if unit not in found:
                    stack.extend(self._chosen(unit, self.graph.nodes[unit.node].when_outputs))
                continue
            found.add(unit)
            stack.extend(self._certain_inputs(unit))
        return found

    def _when_unknown(self, unit: Unit) -> bool:
        node = self.graph.nodes[unit.node]
        if node.when is None or unit.status in {Status.SKIPPED, Status.FAILED} or None in unit.coords:
            return False
        try:
            return self.resolver.evaluator.holds(node.when, self.fanout.scope_of(unit)) is UNKNOWN
        except (NodeError, Missing):
            return False

    def _certain_inputs(self, unit: Unit) -> Iterator[Unit]:
        node = self.graph.nodes[unit.node]
        if None in unit.coords:
            yield from self._of_lists(node)
            return
        outputs: tuple[Output, ...] = node.sources
        if unit.status is Status.PINNED:
            outputs = node.when_outputs
        if node.kind.lazy:
            outputs = (*node.when_outputs, *node.ordering, *self._certain_alternatives(node, unit))
        yield from self._chosen(unit, outputs)
        yield from self._of_lists(node)

    def _certain_alternatives(self, node: Node, unit: Unit) -> Iterator[Output]:
        """Yield what the first alternative refers to, and the next where it is known that those before came to nothing."""
        scope, alternatives = self.fanout.scope_of(unit), self.resolver.alternatives
        try:
            for expr in alternatives.of(node, scope):
                yield from outputs_in(expr)
                if not alternatives.came_to_nothing(expr, scope):
                    return
        except (NodeError, Missing):
            return  # the unit says so itself

    def _of_lists(self, node: Node) -> Iterator[Unit]:
        for dim in node.all_dims:
            for output in outputs_in(self.graph.dimensions[dim].of):
                yield from (u for u in self.fanout.units_of(output.node) if u.settled)

    def _chosen(self, unit: Unit, outputs: tuple[Output, ...]) -> Iterator[Unit]:
        scope = self.fanout.scope_of(unit)
        for output in outputs:
            try:
                chosen = self.resolver.evaluator.chosen(output, scope)
            except (NodeError, Missing):
                continue  # a look-up that misses chooses nothing; the unit says so itself
            stack = [chosen]
            while stack:
                item = stack.pop()
                if isinstance(item, Unit):
                    yield item
                elif isinstance(item, list):
                    stack.extend(item)

    # -- rows ---------------------------------------------------------------------------------------------------

    def _row(self, unit: Unit, certain: set[Unit] | None) -> PlanRow | None:
        status = unit.status
        node = self.graph.nodes[unit.node]
        if status is None and unit in self.serving.unneeded and node.kind.effect not in WORKED_OUT:
            return PlanRow(self.fanout.name(unit), node.kind.name, self._model(unit, node), "unneeded")
        if status is None or status is Status.VALUE or (node.hands_on and status is not Status.FAILED):
            return None
        node = self.fanout.node_of(unit)
        name = self.fanout.name(unit)
        by = None if unit.status_by is None or unit.status_by.node < 0 else self.fanout.name(unit.status_by)
        is_action = node.kind.effect not in WORKED_OUT and not node.kind.lazy
        model = self._model(unit, node)
        if status is Status.HIT:
            cost = 0 if unit.record is None else unit.record.cost_microusd
            return PlanRow(name, node.kind.name, model, "hit", key=unit.key, cost_microusd=cost, passed=unit.passed)
        if status is Status.PINNED and unit.record is not None:
            stale = self.resolver.moved(unit)
            old = behind(unit.record, self.resolver.lookup.find)
            why = self.explainer.diff(unit, old) if stale and self.explain and old is not None else ()
            return PlanRow(
                name, node.kind.name, model, "pinned", why=why, key=unit.key, cost_microusd=unit.record.cost_microusd,
                stale=stale, replaced=file_of(unit.record),
            )  # fmt: skip
        if status in {Status.SKIPPED, Status.BLOCKED, Status.FAILED}:
            error = unit.error or (unit.status_by.error if unit.status_by is not None else None)
            word = "passed_over" if unit in self.serving.passed else status.value
            return PlanRow(
                name, node.kind.name, model, word, by=by,
                error=None if error is None else error.message, hint=None if error is None else error.hint,
                passed=unit.passed[:-1],
            )  # fmt: skip
        if status is Status.WAITING:
            return PlanRow(name, node.kind.name, model, "waiting")
        if not is_action:
            return None
        if None in unit.coords:
            return self._open_row(unit, node, name, model)
        sure = certain is None or unit in certain
        # What a selection asks may turn out not to be asked: by a pick that fits again, or by candidates that are all the same.
        runs = status is Status.RUN or (node.asking is None and self._must_run(unit))
        word = "run" if runs and sure and not unit.held else "maybe"
        price, attempt, under_way = self._price(unit, node, model), None, None
        if (
            price is not None
            and unit.key is not None
            and (standing := self.resolver.lookup.standing(unit.key)) is not None
        ):
            word = "failed" if standing.state == "abandoned" else standing.state
            attempt = None if standing.attempt is None else standing.attempt.id
            under_way = standing.attempt if standing.state == "resume" else None
        row = PlanRow(
            name, node.kind.name, model, word, key=unit.key, price=price, attempt=attempt, passed=unit.passed,
            instead_of=self.instead_of.get(unit) if word == "maybe" else None,
        )  # fmt: skip
        row = self._with_fallbacks(row, unit, under_way)
        if not self.explain:
            return row
        old = self._last(name)
        read = unit.params is not None or unit.manifest is not None  # what waits by `needs` alone has not been
        diffs = self.explainer.diff(unit, old) if read else ()
        cause = cause_of(unit, old, diffs) if read or old is None else "upstream"
        depends = self.estimates.dependences(unit) if word == "maybe" else ()
        return msgspec.structs.replace(row, cause=cause, why=diffs, depends=depends)

    def _must_run(self, unit: Unit) -> bool:
        """Tell whether no earlier result can serve, of any model that may be asked."""
        node = self.graph.nodes[unit.node]
        if not self.explainer.must_run(unit):
            return False
        later = self.resolver.asking.later(unit, node) if node.fallbacks else ()
        return all(self.explainer.must_run_as(unit, one) for one in later if isinstance(one, Later))

    def _with_fallbacks(self, row: PlanRow, unit: Unit, under_way: Attempt | None) -> PlanRow:
        """Return a row with what further samples and models may cost, if who is next is refused."""
        node = self.graph.nodes[unit.node]
        if row.price is None or not has_variants(node):
            return row
        found = list(self.resolver.asking.later(unit, node))
        later = [one for one in found if isinstance(one, Later)]
        passed = [one for one in found if isinstance(one, Passed)]
        prices = [(self.estimates.price_of_later(unit, one), one.tries) for one in later]
        tries = tries_left(node, Variant(unit.at, unit.reroll))
        if under_way is not None:
            if tries == 1 and not later:
                return row
            # What is under way is paid for; if it is refused, what is asked then is not.
            tries -= under_way.state is not AttemptState.INTENT
        price = over_all(row.price, prices, tries, node.spec.max_cost_microusd)
        if passed:
            price = msgspec.structs.replace(price, notes=(*price.notes, passed_words(passed)))
        models = tuple(one.model for one in later)
        return msgspec.structs.replace(row, price=price, fallbacks=models, unsent=under_way is not None)

    def _price(self, unit: Unit, node: Node, model: str) -> Price | None:
        if not is_paid(model):
            return None
        if model == _OPEN_MODEL:
            return Price(notes=(_OPEN_NOTE,))
        price = self.estimates.price(unit, node, model)
        # Parameters that are all known stand there fitted already: what was changed in them is remembered beside them.
        return msgspec.structs.replace(price, notes=unit.notes) if unit.notes else price

    def _inputs_of(self, unit: Unit) -> Iterator[Unit]:
        node = self.graph.nodes[unit.node]
        if None not in unit.coords:
            first = node.ordering if unit.params is None else ()
            verdict = () if node.verdict is None else (node.verdict,)
            yield from self._chosen(unit, (*node.when_outputs, *first, *node.outputs, *verdict))
        yield from self._of_lists(node)

    def _last(self, name: str) -> Record | None:
        key = self.last_build.get(name)
        find = self.resolver.lookup.find
        return None if key is None else behind(find(ActionKey(key)), find)

    def _model(self, unit: Unit, node: Node) -> str:
        if unit.manifest is not None:
            return unit.manifest.model
        if unit.params is not None and not contains_unknown(unit.params.get("model")):
            return str(unit.params.get("model", ""))
        if isinstance(node.spec.model, str) or node.model is None:
            return node.spec.model if isinstance(node.spec.model, str) else ""
        try:
            made = self.resolver.evaluator.value(node.model, self.resolver.fanout.scope_of(unit))
        except (NodeError, Missing):
            return _OPEN_MODEL
        return _OPEN_MODEL if contains_unknown(made) else node.models.get(str(made), str(made))

    def _open_row(self, unit: Unit, node: Node, name: str, model: str) -> PlanRow:
        """Word a fan-out whose list is still to be made; the last build says how many to expect."""
        dims = [self.graph.dimensions[d] for d, at in zip(node.dims, unit.coords, strict=True) if at is None]
        bound: int | None = 1
        for dim in dims:
            bound = None if bound is None or dim.spec.max is None else bound * dim.spec.max
        start = name[: name.index("*")] if "*" in name else name
        expected = sum(1 for instance in self.last_build if instance.startswith(start))
        row = PlanRow(
            name, node.kind.name, model, "maybe", "upstream" if expected else "new",
            items_expected=expected or None, items_max=bound, price=self._price(unit, node, model),
            depends=self.estimates.dependences(unit) if self.explain else (),
            instead_of=self.instead_of.get(unit),
        )  # fmt: skip
        return self._with_fallbacks(row, unit, None)
