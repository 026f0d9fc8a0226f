"""Rows whose content is still to be made into what they will likely cost, and what a `maybe` depends on. Knows no clock.

The expected cost of what cannot be measured is, in this order: what this node's own results of the last build would cost
(or did, where only the vendor counts), what the prompt asks for, what is usual. The bounds are the request's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec

from dagcontent.catalog.market import Market
from dagcontent.catalog.request import Request
from dagcontent.errors import NodeError
from dagcontent.graph.model import Node
from dagcontent.plan.asked import CHARACTERS_A_WORD, asked_words
from dagcontent.plan.asking import Later
from dagcontent.plan.explain import Explainer
from dagcontent.plan.foreseen import Likely, Most, known_params, with_schema
from dagcontent.plan.model import Dependence, Price
from dagcontent.plan.paid import asked, price_of, priced
from dagcontent.plan.resolver import Resolver
from dagcontent.plan.unit import Status, Unit
from dagcontent.values.canonical import Encoder
from dagcontent.values.instances import node_of
from dagcontent.values.quote import Quote
from dagcontent.values.record import Done, Record
from dagcontent.values.value import ActionKey, contains_unknown

__all__ = ["Estimates"]

_MOST_COMPARED: Final = 8
"""Results of a node that an expected cost is the mean of, and of an instance that are looked at for changes."""
_MOST_DEPENDED: Final = 4
_TOKENS_A_WORD: Final = 1.4
_TOKENS: Final = frozenset({"output token"})


class Estimates:
    """What the rows of one plan cost. `last_build` maps instances to their last keys; `inputs_of` gives the units above one."""

    def __init__(
        self, resolver: Resolver, last_build: Mapping[str, str], market: Market,
        explainer: Explainer, inputs_of: Callable[[Unit], Iterable[Unit]],
    ) -> None:  # fmt: skip
        self._resolver = resolver
        self._inputs_of = inputs_of
        self._explainer = explainer
        self._market = market
        self._likely = Likely(resolver)
        self._most = {of_tokens: Most(resolver, of_tokens=of_tokens) for of_tokens in (False, True)}
        self._encoder = Encoder()
        self._of_node: dict[str, list[str]] = {}
        for instance, key in last_build.items():
            self._of_node.setdefault(node_of(instance), []).append(key)
        self._last = last_build
        self._history: dict[str, list[Record]] = {}
        self._changes: dict[str, tuple[int, int]] = {}
        self._depends: dict[Unit, tuple[Unit, ...]] = {}

    def price(self, unit: Unit, node: Node, model: str) -> Price:
        """Return what a plan says of a paid unit's cost."""
        params = known_params(self._resolver, unit, node)
        return self._priced(unit, node, model, params, lambda: self._explainer.request(unit, node, model, params))

    def price_of_later(self, unit: Unit, later: Later) -> Price:
        """Return what a plan says of a model that may be asked when others were refused."""
        today = self._resolver.keys.today
        params = with_schema(later.params)
        return self._priced(
            unit, later.node, later.model, params, lambda: asked(later.node, later.model, params, today)
        )

    def _priced(
        self, unit: Unit, node: Node, model: str, params: Mapping[str, Any], ask: Callable[[], Request]
    ) -> Price:
        try:
            request = ask()
        except NodeError as error:
            return Price(notes=(error.message,))  # with what is still to be made it may never come to that
        known = priced(request, self._resolver.keys.today, self._market)
        quote = known.quote
        if quote.basis == "list" or not quote.charges:
            return known
        most = self._at_most(unit, node, model, params, quote)
        expected, basis = self._from_history(unit, node, model, params), "history"
        likely: Sequence[float | None] = [None] * len(most.charges)  # what was made before says no amounts
        if expected is None:
            foreseen, basis = self._from_prompt(unit, node, model, params, quote) or quote, "prompt"
            basis = quote.basis if foreseen is quote else basis
            expected, likely = foreseen.expected, [one.expected for one in foreseen.charges]
        if expected is not None:
            expected = max(quote.low, expected if most.high is None else min(expected, most.high))
        charges = tuple(
            msgspec.structs.replace(one, expected=amount) for one, amount in zip(most.charges, likely, strict=False)
        )
        return msgspec.structs.replace(
            known, quote=msgspec.structs.replace(most, low=quote.low, expected=expected, basis=basis, charges=charges)
        )

    def _at_most(self, unit: Unit, node: Node, model: str, params: Mapping[str, Any], known: Quote) -> Quote:
        """Return a quote with the most that what is still to be made allows; it bounds what the model alone does not."""
        if not any(contains_unknown(value) for value in params.values()):
            return known
        of_tokens = any(charge.unit == "input token" for charge in known.charges)
        found = self._price(node, model, self._most[of_tokens].filled(unit, node, params)).quote
        if found.high is None or (known.high is not None and known.high <= found.high):
            return known
        charges = tuple(
            msgspec.structs.replace(one, low=before.low, expected=before.expected)
            for one, before in zip(found.charges, known.charges, strict=False)
        )
        return msgspec.structs.replace(known, high=found.high, charges=charges)

    def _price(self, node: Node, model: str, params: Mapping[str, Any]) -> Price:
        return price_of(node, model, params, self._resolver.keys.today, self._market)

    def _from_history(self, unit: Unit, node: Node, model: str, params: Mapping[str, Any]) -> int | None:
        """Return what this instance would cost with the unknown as it was in the last build; else the mean of its siblings."""
        own = self._last.get(self._resolver.fanout.name(unit))
        records = self._records(node.name)
        mine = [record for record in records if record.key == own]
        costs = [
            cost for record in mine or records if (cost := self._cost_then(record, node, model, params)) is not None
        ]
        return round(sum(costs) / len(costs)) if costs else None

    def _cost_then(self, record: Record, node: Node, model: str, params: Mapping[str, Any]) -> int | None:
        if record.manifest.model != model or record.manifest.kind != node.kind.name:
            return None
        then = record.manifest.params
        filled = {name: then.get(name, value) if contains_unknown(value) else value for name, value in params.items()}
        quote = self._price(node, model, filled).quote
        if quote.basis == "list":
            return quote.expected
        return record.cost_microusd or None  # only the vendor counts it

    def _records(self, node: str) -> list[Record]:
        if node not in self._history:
            found = (self._resolver.lookup.find(ActionKey(key)) for key in self._of_node.get(node, ())[:_MOST_COMPARED])
            self._history[node] = [record for record in found if record is not None]
        return self._history[node]

    def _from_prompt(self, unit: Unit, node: Node, model: str, params: Mapping[str, Any], known: Quote) -> Quote | None:
        """Return a quote of what the prompts ask for; None where they say nothing."""
        filled = self._likely.filled(unit, node, params)
        quote = known if filled == params else self._price(node, model, filled).quote
        words = asked_words(prompt) if isinstance(prompt := filled.get("prompt", filled.get("text")), str) else None
        if node.kind.name == "text.translate" and isinstance(prompt, str):
            words = len(prompt) / CHARACTERS_A_WORD
        if words is not None and any(charge.unit in _TOKENS for charge in quote.charges):
            return quote.with_likely(_TOKENS, words * _TOKENS_A_WORD)
        return quote if quote is not known and quote.expected is not None else None

    # -- what a `maybe` depends on --------------------------------------------------------------------------------

    def dependences(self, unit: Unit) -> tuple[Dependence, ...]:
        """Return the nearest instances above that would run, and how often that changed what they gave."""
        found: dict[str, Dependence] = {}
        for above in self._running(unit, frozenset()):
            name = self._resolver.fanout.name(above)
            changed, of = self._changed(name)
            found[name] = Dependence(name, changed, of)
        return tuple(found.values())

    def _running(self, unit: Unit, below: frozenset[Unit]) -> tuple[Unit, ...]:
        if unit in self._depends:
            return self._depends[unit]
        found: dict[Unit, None] = {}
        for above in self._inputs_of(unit):
            if above in below or len(found) >= _MOST_DEPENDED:
                continue
            if above.status in {Status.RUN, Status.WAITING}:
                found[above] = None
            elif above.status is Status.MAYBE:
                found.update(dict.fromkeys(self._running(above, below | {unit})))
        self._depends[unit] = tuple(found)[:_MOST_DEPENDED]
        return self._depends[unit]

    def _changed(self, instance: str) -> tuple[int, int]:
        """Return how often a paid instance's new result differed from the one before, and of how many times."""
        if instance not in self._changes:
            values = [self._bytes(record) for record in self._resolver.lookup.results(instance, _MOST_COMPARED)]
            pairs = list(pairwise(values))
            self._changes[instance] = (sum(new != old for new, old in pairs), len(pairs))
        return self._changes[instance]

    def _bytes(self, record: Record) -> bytes:
        outcome = record.outcome
        return self._encoder.encode(outcome.value) if isinstance(outcome, Done) else b""
