from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import pytest
from oracle.paid import ROWS, TABLE, Bench, graph_of, spending
from oracle.paid_faults import graph_of_cases

from dagcontent.api.ledger import Since, SpendRow, spend
from dagcontent.api.reconciling import reconcile
from dagcontent.testing.vendors.ledger import Charge

SILENT = {
    "openai-speech", "elevenlabs-dubbing", "elevenlabs-flows.image", "elevenlabs-flows.video", "google-generate.speech",
    "google-interactions.video", "fal-queue-video",
}  # fmt: skip
"""Rows of which no answer says what they cost, or no list has the price of what it counts."""
TOLD = [row for row in ROWS if row.name not in SILENT]


def by_vendor(charges: Sequence[Charge]) -> dict[str, int]:
    """Return what each vendor charged, by its own ledger."""
    sums: dict[str, int] = defaultdict(int)
    for charge in charges:
        assert charge.microusd is not None, charge
        sums[charge.vendor] += charge.microusd
    return dict(sums)


def rows_of(one: Bench, by: str = "provider") -> dict[str, SpendRow]:
    """Return what `spend` says, by name."""
    return {row.name: row for row in spend(one.store, by).rows}


@pytest.mark.slow
def test_what_vendors_tell_is_what_they_charged_to_the_micro_dollar(bench: Callable[[str], Bench]) -> None:
    """Every operation whose answer tells its cost, in money, tokens, credits, seconds or units: our sum is the vendor's own,
    by a price list that is written down apart from ours.
    """
    one = bench(graph_of(*TOLD))
    result = one.build()
    assert result.status == "ok", [(node.node, node.error) for node in result.nodes if node.error]
    rows = rows_of(one)
    assert {name: row.spent for name, row in rows.items()} == by_vendor(one.charges())
    assert {name: (row.reported, row.computed) for name, row in rows.items()} == {
        name: ((row.spent, 0) if name == "openrouter" else (0, row.spent)) for name, row in rows.items()
    }
    assert result.spent_microusd == sum(row.spent for row in rows.values())
    assert spend(one.store).unsaid == ()


@pytest.mark.slow
def test_where_vendors_tell_nothing_the_ledger_says_so(bench: Callable[[str], Bench]) -> None:
    """A cost that nobody told is the list price, and called an estimate: by vendor, with how many requests and how much."""
    silent = [TABLE["openai-speech"], TABLE["google-generate.speech"]]
    one = bench(graph_of(*silent))
    assert one.build().status == "ok"
    found = spend(one.store)
    assert {row.name for row in found.rows} == {"openai", "google"}
    assert all(row.estimated == row.spent > 0 for row in found.rows)
    assert {(said.provider, said.source, said.requests) for said in found.unsaid} == {
        (row.vendor, "estimated", 1) for row in silent
    }


@pytest.mark.slow
def test_what_has_no_price_is_not_called_free(bench: Callable[[str], Bench]) -> None:
    """A request whose cost and bound nobody knows is in no sum, and counted as such: unknown is never zero."""
    one = bench(graph_of(TABLE["elevenlabs-flows.image"]))
    assert one.build().status == "ok"
    (row,) = spend(one.store).rows
    assert (row.requests, row.unpriced, row.spent) == (1, 1, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["openrouter-chat", "elevenlabs-speech"])
def test_what_is_told_later_takes_the_place_of_an_estimate(bench: Callable[[str], Bench], name: str) -> None:
    """An answer that said nothing of its cost: asked again, by a free request, the vendor tells, and the sums are its own. What
    was told is not asked again, and no POST is sent.
    """
    row = TABLE[name]
    one = bench(graph_of_cases(row, 2))
    one.vendors.set_faults([row.fault("untold")])
    assert one.build().status == "ok"
    before = spend(one.store).total
    assert (before.estimated, before.spent) == (before.spent, before.estimated)
    sent = len(one.posts())
    told = reconcile(one.store, spending(one.vendors), Since())
    assert [(each.error, each.source in {"reported", "computed"}) for each in told] == [(None, True)] * 2
    assert rows_of(one)[row.vendor].spent == by_vendor(one.charges())[row.vendor]
    assert spend(one.store).total.estimated == 0
    assert [attempt.cost_source for attempt in one.attempts()] == [each.source for each in told]
    assert reconcile(one.store, spending(one.vendors), Since()) == []
    assert len(one.posts()) == sent
    assert (one.store / "paid.jsonl").read_text(encoding="utf-8").count(told[0].source) >= 1


@pytest.mark.slow
def test_vendors_that_tell_nothing_later_are_named(bench: Callable[[str], Bench]) -> None:
    """Reconciling leaves an estimate as it is where nobody can better it, and says whose it is."""
    one = bench(graph_of(TABLE["openai-speech"], TABLE["elevenlabs-flows.image"]))
    assert one.build().status == "ok"
    before = spend(one.store).rows
    errors = {each.provider: each.error for each in reconcile(one.store, spending(one.vendors), Since())}
    assert errors == {
        "openai": "it tells no cost of a single request afterwards",
        "elevenlabs": "it tells no cost of this request",
    }
    assert spend(one.store).rows == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("openrouter-chat", "-0.5"),
        ("openrouter-chat", "900000"),
        ("elevenlabs-speech", "-3"),
        ("elevenlabs-speech", "nan"),
        ("elevenlabs-speech", "1e15"),
    ],
)
def test_a_cost_that_cannot_be_is_not_believed(bench: Callable[[str], Bench], name: str, value: str) -> None:
    """Below zero, without end, or a thousand times the bound: the attempt counts at its bound, says why, and nothing more is sent
    to that vendor in this build.
    """
    row = TABLE[name]
    one = bench(graph_of_cases(row, 3))
    one.vendors.set_faults([row.fault("mistold", value=value)])
    result = one.build(concurrency=1)
    assert result.status == "budget"
    (attempt,) = one.attempts()
    assert attempt.cost_microusd == attempt.intent.reserved_microusd == result.spent_microusd
    assert (attempt.cost_source, "which cannot be" in attempt.message) == ("estimated", True)
    assert any("which cannot be" in warning for warning in result.warnings)
    assert len(one.posts()) == 1


@pytest.mark.slow
def test_failures_that_were_charged_are_in_the_sum(bench: Callable[[str], Bench]) -> None:
    """A picture that was blackened, an answer that was blocked: what the vendor counted of it was paid."""
    row = TABLE["openai-chat"]
    one = bench(graph_of_cases(row, 2))
    one.vendors.set_faults([row.fault("moderation", nth=1)])
    assert one.build(concurrency=1).status == "failed"
    found = rows_of(one)["openai"]
    assert found.spent == by_vendor(one.charges())["openai"]
    assert 0 < found.failed < found.spent
    assert found.computed == found.spent
