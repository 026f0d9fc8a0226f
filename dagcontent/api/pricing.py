"""What a vendor says of an order into what the order cost, and how that is known. Knows no journal and no clock.

    money it names                        "reported"
    amounts it counts, at list prices     "computed"
    nothing                               "estimated": the list price of what was asked for; "unknown" where there is none

A report that cannot be is not believed, and not zero either: the order counts at its upper bound.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from dagcontent.catalog.actual import Charged, charged
from dagcontent.catalog.effective import known_model
from dagcontent.catalog.load import find
from dagcontent.catalog.market import Market
from dagcontent.errors import NodeError
from dagcontent.kinds.registry import KINDS
from dagcontent.providers.port import Cost
from dagcontent.run.order import Order
from dagcontent.run.paid_ports import Payment
from dagcontent.values.money import MICRO, usd_text

__all__ = ["payment_of"]

_TIMES_MOST: Final = 1000
"""Beyond so many upper bounds an amount is no overcharge but a mistake in the report."""
_DOLLARS_MOST: Final = 1_000_000
_FALS: Final = "unit"
"""A unit of which only the vendor knows what it is."""


def payment_of(order: Order, cost: Cost, at_ms: int, market: Market | None = None) -> Payment:
    """Return what an order cost that was sent at a moment in ms since 1970. `market` says whose prices hold."""
    doubt = cost.doubt
    if not doubt:
        told = _told(order, cost, at_ms, market)
        if told is None:
            return _list_price(order)
        if _can_be(told.microusd, order.bound_microusd):
            return told
        doubt = usd_text(told.microusd)
    most = order.bound_microusd
    counts = "nobody knows what it costs" if most is None else f"it counts as {usd_text(most)}, the most it may cost"
    said = f"{order.call.provider} reports {doubt} for {order.instance}, which cannot be: {counts}"
    return Payment(most or 0, "unknown" if most is None else "estimated", said)


def _told(order: Order, cost: Cost, at_ms: int, market: Market | None) -> Payment | None:
    """Return what a vendor's report comes to, whether that can be or not; None where it comes to nothing."""
    if cost.microusd is not None:
        return Payment(cost.microusd, "reported")
    call = order.call
    model_id = f"{call.provider}/{call.model}"
    try:
        model = find(model_id) or known_model(model_id, KINDS[call.kind])
    except (KeyError, NodeError):  # nothing is known of what was sent by an older version
        return None
    day = datetime.fromtimestamp(at_ms / 1000, UTC).date()
    found = charged(model, call.params, call.fields, cost.amounts, day, market)
    if found is None or _other_unit(order, cost, found):
        return None
    return Payment(found.microusd, "computed" if found.exact else "estimated")


def _other_unit(order: Order, cost: Cost, found: Charged) -> bool:
    """Tell whether a vendor's unit seems to be another than its price's, as it comes to half or twice of what can be."""
    if cost.unit != _FALS or cost.used:
        return False
    least, most = order.expected_microusd or 0, order.bound_microusd
    return 2 * found.microusd < least or (most is not None and found.microusd > 2 * most)


def _can_be(amount: int, bound: int | None) -> bool:
    """Tell whether a request can have cost so much, however wrong its price is here."""
    most = _DOLLARS_MOST * MICRO if not bound else min(_DOLLARS_MOST * MICRO, _TIMES_MOST * bound)
    return 0 <= amount <= most


def _list_price(order: Order) -> Payment:
    if order.expected_microusd is not None:
        return Payment(order.expected_microusd, "estimated")
    return Payment(order.bound_microusd or 0, "estimated" if order.bound_microusd is not None else "unknown")
