from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.cli.money import Range, budget_for, dollars, range_of, shown, total
from dagcontent.plan.model import PlanRow, Price
from dagcontent.values.money import microusd, usd_decimal
from dagcontent.values.quote import Quote


def row(status: str, bound: int | None, listed: int | None = None, node: str = "n", **more: int | None) -> PlanRow:
    """Return a row of a plan that would be paid for."""
    price = Price("queue", "ask", Quote(low=listed or 0, expected=listed, high=bound))
    return PlanRow(node, "image.generate", "fal/x", status, price=price, **more)  # type: ignore[arg-type]


@given(st.integers(0, 10**12))
def test_a_bound_is_never_shown_as_less(amount: int) -> None:
    """What is rounded for people is rounded up where it says "at most", also as a budget."""
    text = dollars(amount, up=True)
    assert microusd(text.removeprefix("$").replace(",", "")) >= amount
    assert amount <= microusd(budget_for(amount)) < amount + 10_000
    assert microusd(usd_decimal(amount)) == amount


@pytest.mark.parametrize(
    ("amounts", "column"),
    [
        ([32_000, 260_180], ["$0.032", "$0.261"]),
        ([32_000, None, 0], ["$0.032", "$?", ""]),
        ([270, 1_500_000], ["$0.0003", "$1.5000"]),
        ([], []),
    ],
)
def test_a_column_has_one_number_of_decimals(amounts: list[int | None], column: list[str]) -> None:
    """Amounts below each other are compared by eye; what is free is blank, what nobody knows is said."""
    assert shown(amounts) == column


@pytest.mark.parametrize(
    ("given_row", "expected"),
    [
        (row("run", 32, 25), Range(25, 25, 32)),
        (row("maybe", 32, 25), Range(0, 25, 32)),
        (row("run", 32), Range(0, 32, 32)),
        (row("run", None), Range(0, None, None)),
        (row("resume", 32, 25), Range()),
        (row("unresolved", 32, 25), Range()),
        (row("hit", 32, 25), Range()),
        (row("repay", 32, 25), Range(0, 25, 32)),
        (row("maybe", 32, 25, "n[*]", items_max=8), Range(0, 200, 256)),
        (row("maybe", 32, 25, "n[*]", items_max=8, items_expected=3), Range(0, 75, 256)),
        (row("maybe", 32, 25, "n[*]"), Range(0, None, None)),
        (PlanRow("n", "image.grid", "", "run"), Range()),
    ],
)
def test_what_a_row_costs(given_row: PlanRow, expected: Range) -> None:
    """Nothing at least where it may not run, the bound at most, and a list at its longest; unknown is never zero."""
    assert range_of(given_row) == expected


def test_a_sum_names_what_nobody_knows() -> None:
    """One unknown bound makes the most unknown: it is named beside what is known."""
    known, unpriced = total([row("run", 32, 25), row("run", None, node="talk"), row("maybe", 8)])
    assert (known, unpriced) == (Range(25, 33, 40), ["talk"])
