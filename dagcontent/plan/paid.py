"""A paid model and parameters into what it will really be asked for, and what a plan says of it. Knows no store.

The catalog says what a model can do. What it snaps a value to is what is keyed, priced and sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from dagcontent.catalog.effective import effective_of, known_model, request_of
from dagcontent.catalog.market import Market
from dagcontent.catalog.request import Request
from dagcontent.errors import NodeError
from dagcontent.graph.model import Node
from dagcontent.plan.model import Price
from dagcontent.values.record import FailedCharged, Record
from dagcontent.values.value import UNKNOWN, contains_unknown

__all__ = [
    "ALWAYS",
    "asked",
    "check_offered",
    "fitted",
    "is_paid",
    "over_all",
    "price_of",
    "priced",
    "snapped",
    "sticky",
]

_OPTIONS, _SEED = "options", "seed"
ALWAYS = date.min
"""The day on which no model has ended."""


def is_paid(model: str) -> bool:
    """Tell whether somebody is paid for what a model makes."""
    return bool(model) and not model.startswith("local/")


def fitted(node: Node, model: str, params: Mapping[str, Any], today: date | None) -> Request:
    """Return the request that parameters make (`options` and `seed` among them). Raises NodeError for what a model cannot do."""
    return request_of(model, node.kind, *_split(params), node.spec.snap, today)


def snapped(fit: Request, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as a paid model takes them: those of their own request, `options` and `seed` as they were."""
    return {**fit.params, **{n: v for n, v in params.items() if n in {_OPTIONS, _SEED}}}


def _split(params: Mapping[str, Any]) -> tuple[dict[str, Any], Any, Any]:
    """Return parameters, options and seed apart."""
    own = {n: v for n, v in params.items() if n not in {_OPTIONS, _SEED}}
    return own, params.get(_OPTIONS), params.get(_SEED)


def check_offered(node: Node, model: str, today: date | None, is_under_way: Callable[[], bool]) -> None:
    """Raise NodeError for a model that has ended, unless what was asked of it before is under way still."""
    try:
        known_model(model, node.kind, today)
    except NodeError:
        if not is_under_way():
            raise


def asked(node: Node, model: str, params: Mapping[str, Any], today: date | None) -> Request:
    """Return the request of parameters (`options` and `seed` among them) of which some are unknown, or hold what is. Raises
    NodeError.
    """
    given = {name: UNKNOWN if contains_unknown(value) else value for name, value in params.items()}
    return fitted(node, model, given, today)


def price_of(
    node: Node, model: str, params: Mapping[str, Any], today: date | None, market: Market | None = None
) -> Price:
    """Return what a plan says of a request, as far as its parameters are known."""
    try:
        return priced(asked(node, model, params, today), today, market)
    except NodeError as error:
        return Price(notes=(error.message,))  # with what is still to be made it may never come to that


def priced(request: Request, today: date | None, market: Market | None = None) -> Price:
    """Return what a plan says of a request that is made already."""
    fit = effective_of(request, today, market)
    return Price(fit.operation, fit.recovery or "", fit.quote, tuple(fit.notes))


def over_all(price: Price, later: Sequence[tuple[Price, int]], tries: int, most_microusd: int | None) -> Price:
    """Return what a plan says of a request after whose refusal others are asked: each so often, charged every time.

    The least is that of the cheapest; likely is the first; `most_microusd` is what one instance may cost.
    """
    asked = [(price, tries), *later]
    highs = [None if one.quote.high is None else one.quote.high * times for one, times in asked if times]
    high = None if None in highs else sum(amount or 0 for amount in highs)
    if most_microusd is not None:
        high = most_microusd if high is None else min(high, most_microusd)
    low = min([price.quote.low, *(one.quote.low for one, _ in later)])
    expected = price.quote.expected
    if expected is not None and high is not None:
        expected = min(expected, high)
    quote = msgspec.structs.replace(
        price.quote, low=low if high is None else min(low, high), expected=expected, high=high
    )
    return msgspec.structs.replace(price, quote=quote)


def sticky(record: Record, outcome: FailedCharged) -> NodeError:
    """Return the failure that was paid for: it is not paid for again."""
    text = f"it failed before and was charged: {outcome.message}"
    return NodeError(
        text, facts=[("charged", f"up to ${record.cost_microusd / 1e6:g}")],
        hint="change a parameter, or dagcontent reroll: that is another request", error_class=outcome.error_class,
    )  # fmt: skip
