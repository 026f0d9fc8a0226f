from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dagcontent.api.pricing import payment_of
from dagcontent.providers.port import Call, Cost
from dagcontent.run.order import Order
from dagcontent.run.paid_ports import Payment
from dagcontent.values.record import Manifest

AT = int(dt.datetime(2026, 11, 22, tzinfo=dt.UTC).timestamp() * 1000)


def order(model: str, kind: str, *, expected: int | None = 25_000, bound: int | None = 32_000) -> Order:
    """Return an order for a model of such a list price and bound."""
    provider, _, name = model.partition("/")
    call = Call(
        attempt="", marker="", provider=provider, operation="x", kind=kind, model=name, output="image", params={}, fields={},
    )  # fmt: skip
    return Order(
        key="k", manifest=Manifest(kind, 1, {}), call=call, run="r", graph="g", instance="still", realm="", account="a",
        bound_microusd=bound, expected_microusd=expected,
    )  # fmt: skip


FLUX = "fal/fal-ai/flux/dev"
LUNA = "openai/gpt-6-luna"


@pytest.mark.parametrize(
    ("model", "cost", "payment"),
    [
        (FLUX, Cost(), Payment(25_000, "estimated")),
        (FLUX, Cost(microusd=31_000), Payment(31_000, "reported")),
        (FLUX, Cost(units=1.0, unit="unit"), Payment(25_000, "computed")),
        (FLUX, Cost(units=2.0, unit="unit"), Payment(50_000, "computed")),
        (FLUX, Cost(units=0.4, unit="unit"), Payment(25_000, "estimated")),
        (FLUX, Cost(units=9.0, unit="unit"), Payment(25_000, "estimated")),
        (FLUX, Cost(units=3.0, unit="token"), Payment(25_000, "estimated")),
        (LUNA, Cost(used=(("input token", 30.0), ("output token", 2.0))), Payment(4, "computed")),
        (LUNA, Cost(used=(("cached token", 30.0),)), Payment(3, "estimated")),
        ("fal/nobody/knows-this", Cost(units=1.0, unit="unit"), Payment(25_000, "estimated")),
        ("gone/with-its-package", Cost(units=1.0, unit="unit"), Payment(25_000, "estimated")),
    ],
)
def test_what_is_told_is_told_apart_from_what_is_guessed(model: str, cost: Cost, payment: Payment) -> None:
    """Money is the vendor's word, a count is priced, and anything less leaves the list price, called an estimate: units that
    come to half or twice of what can be are counted in something else.
    """
    kind = "text.generate" if model == LUNA else "image.generate"
    assert payment_of(order(model, kind), cost, AT) == payment


@pytest.mark.parametrize(
    ("known", "payment"),
    [
        ({"expected": None}, Payment(32_000, "estimated")),
        ({"expected": None, "bound": None}, Payment(0, "unknown")),
    ],
)
def test_without_a_list_price_the_bound_counts(known: dict[str, Any], payment: Payment) -> None:
    """What nobody priced counts with the most it may cost, and without that is unknown."""
    assert payment_of(order(FLUX, "image.generate", **known), Cost(), AT) == payment


@pytest.mark.parametrize(
    "cost", [Cost(microusd=-1), Cost(microusd=32_000_001), Cost(microusd=2**70), Cost(doubt="-4 credits")]
)
def test_what_cannot_be_is_not_believed(cost: Cost) -> None:
    """Neither nothing nor a fortune: it counts at its upper bound, in words that quote the vendor."""
    found = payment_of(order(FLUX, "image.generate"), cost, AT)
    assert (found.microusd, found.source) == (32_000, "estimated")
    assert found.doubt.startswith("fal reports ")
    assert found.doubt.endswith("for still, which cannot be: it counts as $0.032, the most it may cost")
    nobody = payment_of(order(FLUX, "image.generate", bound=None), Cost(microusd=2**70), AT)
    assert (nobody.microusd, nobody.source) == (0, "unknown")
    assert "nobody knows what it costs" in nobody.doubt


def test_an_overcharge_is_believed() -> None:
    """Up to a thousand bounds it may be our price that is wrong: it counts, and stops the vendor in that build."""
    assert payment_of(order(FLUX, "image.generate"), Cost(microusd=32_000_000), AT) == Payment(32_000_000, "reported")
