from __future__ import annotations

from collections.abc import Callable

import pytest
from oracle.paid import TABLE, Bench, spending
from oracle.paid_faults import LOUD, graph_of_cases

from dagcontent import api
from dagcontent.values.attempt import AttemptState


def bound_of(one: Bench) -> int:
    """Return the dearest row's upper bound."""
    rows = api.plan(one.graph, store=one.store, realms=spending(one.vendors).realms).rows
    return max(row.price.quote.high or 0 for row in rows if row.price is not None)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["fal-queue-image", "openai-images.generate", "elevenlabs-speech", "openrouter-videos"]
)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_budget_for_one_call_buys_one(bench: Callable[[str], Bench], name: str, concurrency: int) -> None:
    """The second call does not fit: it is not sent, the build says "budget", what was made stays; with more money the rest
    is made, and nothing again. Never is more spent and reserved than was allowed.
    """
    row = TABLE[name]
    one = bench(graph_of_cases(row, 3))
    budget = bound_of(one) * 101 // 100
    one.vendors.set_faults([row.fault("delay", at="replying", seconds=0.2)])
    first = one.build(concurrency=concurrency, budget_microusd=budget)
    assert first.status == "budget"
    assert [node.over_budget for node in first.nodes].count(True) == 2
    assert len(one.charges()) == len(one.attempts()) == 1
    assert first.spent_microusd <= budget
    assert first.reserved_microusd == 0
    assert any("budget" in (node.error or "") for node in first.nodes if node.over_budget)
    second = one.build()
    assert second.status == "ok"
    assert second.counts["hit"] == 1
    assert len(one.charges()) == len(one.posts()) == 3


@pytest.mark.slow
def test_the_graphs_own_budget_holds_too(bench: Callable[[str], Bench]) -> None:
    """`budget_usd` of a graph stops what the command line would allow."""
    row = TABLE["fal-queue-image"]
    one = bench(graph_of_cases(row, 3))
    one.write(
        graph_of_cases(row, 3).replace('name = "cases"', f'name = "cases"\nbudget_usd = {bound_of(one) * 1.2 / 1e6:f}')
    )
    assert one.build(concurrency=1).status == "budget"
    assert len(one.charges()) == 1


@pytest.mark.slow
def test_what_is_unresolved_keeps_its_share_of_a_budget(bench: Callable[[str], Bench]) -> None:
    """Money that may have been spent is not spent a second time on something else in the same build."""
    row = TABLE["openai-images.generate"]
    one = bench(graph_of_cases(row, 3))
    budget = bound_of(one) * 19 // 10
    one.vendors.set_faults([row.fault("drop")])
    result = one.build(concurrency=1, budget_microusd=budget)
    assert result.status == "unresolved"
    assert len(one.charges()) == len(one.posts()) == 1
    (attempt,) = one.attempts()
    assert attempt.state is AttemptState.UNRESOLVED
    assert result.reserved_microusd == attempt.intent.reserved_microusd


@pytest.mark.slow
def test_a_vendor_that_overcharges_is_asked_for_nothing_more(bench: Callable[[str], Bench]) -> None:
    """What it charged above its bound is recorded, its result is kept, and the rest of the build goes without it."""
    row = TABLE["openrouter-chat"]
    one = bench(graph_of_cases(row, 4))
    one.vendors.set_faults([row.fault("overcharge", factor=1e5, nth=1)])
    result = one.build(concurrency=1)
    assert [node.status for node in result.nodes].count("ran") == 1
    assert result.status == "budget"
    (charge,) = one.charges()
    assert result.spent_microusd == charge.microusd
    assert len(one.posts()) == 1


@pytest.mark.slow
def test_a_vendor_that_asks_for_patience_is_given_it(bench: Callable[[str], Bench]) -> None:
    """Refused for half a second: nobody sends to it in that time, and then everything is bought, once."""
    row = TABLE["openai-chat"]
    one = bench(graph_of_cases(row, 6))
    one.vendors.set_faults([row.fault("status", status=429, retry_after=0.5, nth=1)])
    result = one.build(LOUD, concurrency=2)
    assert result.status == "ok"
    refused, *rest = one.posts()
    waited = [later["at"] - refused["at"] for later in rest if later["at"] > refused["at"] + 100]
    assert min(waited) >= 480
    assert (len(one.charges()), len(one.posts())) == (6, 7)
