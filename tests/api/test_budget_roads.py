"""Every road by which a build could spend more than was allowed, walked for real against fake vendors."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from oracle.paid import QUICK, TABLE, Bench, graph_of, spending
from oracle.paid_faults import graph_of_cases

from dagcontent import api
from dagcontent.api.jobs import retry_job
from dagcontent.api.result import BuildResult
from dagcontent.api.spending import Agreed, Offer
from dagcontent.errors import BudgetExceeded
from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.values.money import Cap, Ceiling
from dagcontent.values.units import MILLIONTHS, UnitCeiling

IMAGE = TABLE["fal-queue-image"]
SPEECH = TABLE["elevenlabs-speech"]
BOUND, LIST = 32_000, 25_000  # micro-USD: the most that IMAGE may cost, and what it counts as
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    """One program of fake vendors for this file."""
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def bench(program: FakeVendors, tmp_path: Path) -> Bench:
    """A folder with three pictures of fal's to be bought."""
    program.reset()
    return Bench(program, graph_of_cases(IMAGE, 3), tmp_path)


def sums(bench: Bench, scope: str, name: str) -> tuple[int, int]:
    """Return what the journal has under a scope."""
    with api.open_store(bench.store, write=False) as opened:
        return opened.attempts.spent(Cap(scope, name, 0))  # type: ignore[arg-type]


def units(per: str, measure: str, limit: float, provider: str = "fal") -> list[UnitCeiling]:
    """Return one ceiling on units."""
    return [UnitCeiling(per, provider, measure, int(limit * MILLIONTHS), f"{per} {measure}")]  # type: ignore[arg-type]


def refusals(result: BuildResult) -> list[tuple[str, int]]:
    """Return which caps refused, and what each left."""
    found = [node.refused for node in result.nodes if node.refused is not None]
    return [(one.measure or "usd", one.limit - one.settled - one.held) for one in found]


@pytest.mark.slow
def test_a_ceiling_in_units_buys_so_many(bench: Bench) -> None:
    """Two pictures a day are two pictures, in one build or in two; another vendor's ceiling and another day are not touched."""
    day = units("day", "image", 2)
    first = bench.build(concurrency=1, unit_ceilings=day)
    assert (first.status, len(bench.charges())) == ("budget", 2)
    assert refusals(first) == [("image", 0)]
    assert (bench.build(unit_ceilings=day).status, len(bench.charges())) == ("budget", 2)
    others = units("day", "image", 0, "openai")
    tomorrow = api.Seams(now_ms=lambda: time.time_ns() // 1_000_000 + DAY_MS)
    assert (bench.build(unit_ceilings=[*day, *others], seams=tomorrow).status, len(bench.charges())) == ("ok", 3)


@pytest.mark.slow
def test_a_text_counts_its_characters(bench: Bench) -> None:
    """What does not fit is not sent, what was released gives its characters back."""
    bench.write(graph_of(SPEECH))
    limit = len("a hare")
    bench.vendors.set_faults([SPEECH.fault("status", status=422)])
    assert bench.build(unit_ceilings=units("graph", "character", limit, "elevenlabs")).status == "failed"
    bench.vendors.set_faults([])
    assert bench.build(unit_ceilings=units("graph", "character", limit - 1, "elevenlabs")).status == "budget"
    assert bench.charges() == []
    assert bench.build(unit_ceilings=units("graph", "character", limit, "elevenlabs")).status == "ok"


def test_an_amount_that_nobody_knows_is_refused_before_anything_is_sent(bench: Bench) -> None:
    """Under a ceiling on seconds a model without a price may use any number of them."""
    bench.write(graph_of(IMAGE).replace(IMAGE.model, "fal-ai/some/new-thing"))
    spent = spending(bench.vendors, unit_ceilings=units("run", "second", 5))
    strict = api.Spending(**{n: getattr(spent, n) for n in spent.__struct_fields__ if n != "unpriced"})
    with pytest.raises(BudgetExceeded, match="not known"):
        api.build(bench.graph, store=bench.store, spending=strict)
    assert bench.posts() == []


@pytest.mark.slow
def test_a_clock_that_is_put_back_gives_nothing_free(bench: Bench) -> None:
    """What was spent under a later date counts today: the day's money is not there twice."""
    day = [Ceiling("day", LIST + BOUND - 1, "per_day_usd")]
    ahead = api.Seams(now_ms=lambda: time.time_ns() // 1_000_000 + DAY_MS)
    assert (bench.build(concurrency=1, ceilings=day, seams=ahead).status, len(bench.charges())) == ("budget", 1)
    assert (bench.build(concurrency=1, ceilings=day).status, len(bench.charges())) == ("budget", 1)


@pytest.mark.slow
def test_a_retry_counts_beside_what_it_repeats(bench: Bench) -> None:
    """An unresolved request that a person sends again may have been charged: both are under the day's and the graph's caps."""
    row = TABLE["openai-images.generate"]
    bench.write(graph_of(row))
    bench.vendors.set_faults([row.fault("drop")])
    bound = bench.build(QUICK).reserved_microusd
    bench.vendors.set_faults([])
    (attempt,) = bench.attempts()
    retry_job(bench.store, attempt.id)
    for per in ("day", "graph"):
        refused = bench.build(ceilings=[Ceiling(per, 2 * bound - 1, per)])  # type: ignore[arg-type]
        assert (refused.status, len(bench.posts())) == ("budget", 1)
    assert bench.build(ceilings=[Ceiling("graph", 2 * bound, "per_graph_usd")]).status == "ok"
    settled, reserved = sums(bench, "graph", str(bench.graph))
    assert (bound < settled <= 2 * bound, reserved) == (True, 0)


@pytest.mark.slow
def test_what_is_reserved_leaves_nothing_for_a_smaller_budget(bench: Bench) -> None:
    """A cap that was lowered below what is under way stops what is new, and nothing that is under way."""
    bench.write(graph_of_cases(IMAGE, 2).replace('each = "case"', 'each = "case"\ntimeout = "0.05s"'))
    bench.vendors.set(job_s=1.0)
    first = bench.build(concurrency=1, ceilings=[Ceiling("graph", BOUND, "per_graph_usd")])
    assert len(bench.posts()) == 1
    bench.vendors.set(job_s=0.0)
    bench.write(graph_of_cases(IMAGE, 2))
    later = bench.build(concurrency=1, ceilings=[Ceiling("graph", 1, "per_graph_usd")])
    assert (first.counts["ran"], later.status, later.counts["ran"]) == (0, "budget", 1)
    assert len(bench.charges()) == len(bench.posts()) == 1


@pytest.mark.slow
def test_paying_again_is_paying(bench: Bench) -> None:
    """`--repay` is a purchase like any other: without room for it under a cap nothing is sent."""
    bench.write(graph_of(IMAGE))
    for operation in ("status", "result"):
        bench.vendors.set_faults([{"fault": "expired", "vendor": "fal", "operation": operation}], add=True)
    assert bench.build().status == "failed"
    repay = frozenset({IMAGE.node})
    again = bench.build(repay=repay, ceilings=[Ceiling("day", 2 * BOUND - 1, "per_day_usd")])
    assert (again.status, len(bench.posts())) == ("budget", 1)


@pytest.mark.slow
def test_free_nodes_are_made_when_the_money_is_gone(bench: Bench) -> None:
    """A budget stops what costs money, and nothing else: a free node runs, and so does what depends on what was bought."""
    free = '[node.card]\nkind = "image.generate"\nmodel = "local/card"\nprompt = "x"\nsize = "64x64"\n'
    bench.write(graph_of_cases(IMAGE, 2) + free)
    result = bench.build(concurrency=1, budget_microusd=BOUND)
    statuses = {node.node: node.status for node in result.nodes}
    assert (result.status, statuses["card"], list(statuses.values()).count("ran")) == ("budget", "ran", 2)


@pytest.mark.slow
def test_the_lower_of_two_budgets_holds_and_is_named(bench: Bench) -> None:
    """More on the command line than in the graph buys no more, and the build says which of the two stopped it."""
    text = graph_of_cases(IMAGE, 2).replace('name = "cases"', f'name = "cases"\nbudget_usd = {BOUND / 1e6}')
    bench.write(text)
    result = bench.build(concurrency=1, budget_microusd=10 * BOUND)
    assert (result.status, len(bench.charges())) == ("budget", 1)
    assert {node.refused.said for node in result.nodes if node.refused} == {"budget_usd of the graph"}
    assert any("(--budget) does not raise budget_usd of the graph" in warning for warning in result.warnings)


@pytest.mark.slow
def test_agreed_is_to_what_was_offered(bench: Bench) -> None:
    """Whoever answers for a program sets the cap; a no sends nothing; what is there already is not offered."""
    offers: list[Offer] = []

    def answer(offer: Offer) -> Agreed:
        offers.append(offer)
        if len(offers) == 1:
            raise BudgetExceeded("no")
        return Agreed(BOUND, "a friend")

    with pytest.raises(BudgetExceeded):
        bench.build(budget_microusd=None, ask=answer)
    assert bench.posts() == []
    result = bench.build(budget_microusd=None, ask=answer, concurrency=1)
    assert (result.status, len(bench.charges()), [len(one.buys) for one in offers]) == ("budget", 1, [3, 3])
    assert {node.refused.said for node in result.nodes if node.refused} == {"a friend"}
    bench.build()
    assert (bench.build(budget_microusd=None, ask=answer).status, len(offers)) == ("ok", 2)
