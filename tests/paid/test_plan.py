"""A plan against the build that follows: what it says is executed is executed, and costs what it says it may cost."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from oracle.paid import QUICK, ROWS, Bench, Row, graph_of, spending
from oracle.paid_crashes import Lane
from oracle.paid_graphs import PaidGraph

from dagcontent import api
from dagcontent.plan.contract import Promise, differences
from dagcontent.values.attempt import AttemptState

FORMED = """
[node.formed]
kind = "text.generate"
model = "openrouter/openai/gpt-6-luna"
prompt = "Scenes"
returns = { scenes = [{ id = "text", picture = "text" }] }
max_tokens = 300
"""
IN_GATE = 4


def planned(one: Bench, *targets: str) -> api.Plan:
    """Return the plan of a bench's graph, such as a build can be held to."""
    return api.plan(one.graph, targets, store=one.store, realms=spending(one.vendors).realms, binding=True)


def covering(plan: api.Plan, instance: str) -> api.PlanRow | None:
    """Return the row that speaks of an instance: its own, or that of the list it was part of."""
    rows = {row.node: row for row in plan.rows}
    return rows.get(instance) or rows.get(f"{instance.partition('[')[0]}[*]")


def broken(plan: api.Plan, result: api.BuildResult, one: Bench, charged: int, known: int) -> list[str]:
    """Return every promise of a plan that the build after it broke. Before it, so much was charged, and so many attempts known."""
    wrong = []
    status = {row.node: row.status for row in plan.rows}
    made = {node.node for node in result.nodes if node.status in {"ran", "cutoff"}}
    for instance in made:
        row = covering(plan, instance)
        if row is None or row.status not in {"run", "maybe"}:
            wrong.append(f"{instance} was made, and the plan says {status.get(instance)}")
    wrong += [f"{node} was to run, and did not" for node, word in status.items() if word == "run" and node not in made]
    costs: Counter[str] = Counter()
    for attempt in one.attempts()[known:]:
        # One request that several rows asked for costs the first of them: "voice and 1 more".
        row = covering(plan, attempt.intent.instance.partition(" and ")[0])
        assert row is not None
        costs[row.node] += attempt.cost_microusd or 0
    for row in plan.paid:
        if row.most_microusd is None or costs[row.node] > row.most_microusd:
            wrong.append(f"{row.node} cost {costs[row.node]}, at most {row.most_microusd} was planned")
    paid = sum(charge.microusd or 0 for charge in one.charges()) - charged
    if paid > sum(row.most_microusd or 0 for row in plan.paid):
        wrong.append(f"vendors were paid {paid}")
    if sum(costs.values()) != result.spent_microusd:
        wrong.append(f"{result.spent_microusd} were spent, and the attempts cost {sum(costs.values())}")
    return wrong


def history(seed: int, one: Bench, steps: int) -> list[str]:
    """Plan and build, edit, plan and build; now and then one node alone, or a plan that was agreed to before others built."""
    chance, graph, wrong = random.Random(seed), PaidGraph(seed), []
    for step in range(steps):
        one.write(graph.text)
        targets = [chance.choice(graph.nodes)] if chance.random() < 0.3 else []
        plan = planned(one, *targets)
        promise = Promise.of(plan, "plan.json")
        if differences(promise, plan, plan.paid):
            wrong.append("a plan is not what it is itself")
        charged, known = sum(charge.microusd or 0 for charge in one.charges()), len(one.attempts())
        result = api.build(
            one.graph, targets, store=one.store, jobs=2,
            spending=spending(one.vendors, budget_microusd=None, promise=promise),
        )  # fmt: skip
        if result.status != "ok":
            wrong.append(f"the build ended {result.status}: {[n.error for n in result.nodes if n.error]}")
        wrong += [f"step {step}: {what}" for what in broken(plan, result, one, charged, known)]
        after = planned(one, *targets)
        if after.pending or differences(promise, after, after.paid):
            wrong.append(f"step {step}: built, and there is more to do: {after.counts}")
        graph.edit()
    return wrong


@pytest.mark.slow
@pytest.mark.parametrize("rows", [ROWS[5:8], pytest.param(ROWS, marks=pytest.mark.sweep)], ids=["some", "all"])
def test_what_a_plan_says_it_costs_at_most_is_what_is_reserved(
    bench: Callable[[str], Bench], rows: Sequence[Row]
) -> None:
    """Of every operation, and of a text that has a form: the row's most is the intent's reservation to the micro-dollar. Else
    the cap of a plan would stop its own build.
    """
    one = bench(graph_of(*rows) + FORMED)
    most = {row.node: row.most_microusd for row in planned(one).rows}
    one.build()
    assert {a.intent.instance: a.intent.reserved_microusd for a in one.attempts()} == most


@pytest.mark.slow
def test_a_plan_holds(bench: Callable[[str], Bench]) -> None:
    """Random graphs of four vendors with random edits, built under nothing but their plan: what is made is `run` or `maybe`, all
    of `run` is made, each row and the whole cost within what was said, and a second plan finds nothing left.
    """
    for seed in range(IN_GATE):
        wrong = history(seed, bench(""), steps=2)
        assert not wrong, f"seed {seed}: {wrong}"


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(10))
def test_plans_hold(bench: Callable[[str], Bench], part: int) -> None:
    """The same, of hundreds of graphs and longer histories."""
    for seed in range(1000 + 30 * part, 1030 + 30 * part):
        wrong = history(seed, bench(""), steps=5)
        assert not wrong, f"seed {seed}: {wrong}"


@pytest.mark.slow
def test_what_is_charged_above_its_bound_is_the_exception(bench: Callable[[str], Bench]) -> None:
    """A vendor that charges above its list price is the one way to cost more than was agreed to; nothing more is bought of it."""
    row = next(row for row in ROWS if row.name == "openrouter-chat")
    one = bench(graph_of(row))
    one.vendors.set_faults([row.fault("overcharge", factor=1e5, nth=1)])
    promise = Promise.of(planned(one), "plan.json")
    result = api.build(
        one.graph, store=one.store, spending=spending(one.vendors, budget_microusd=None, promise=promise)
    )
    assert result.spent_microusd > promise.most_microusd
    assert [attempt.state for attempt in one.attempts()] == [AttemptState.COMMITTED]


@pytest.mark.slow
def test_what_may_never_have_been_sent_is_counted() -> None:
    """Killed between the intent and the first byte: the plan says `resume`, and that it may cost what it would have, for the next
    build sends it once the vendor's list shows that it never was. So a plan's most holds for it too.
    """
    row = next(row for row in ROWS if row.name == "fal-queue-image")
    with Lane(graph_of(row)) as lane:
        lane.begin()
        assert lane.build(("paid.intended", 1))["signal"] == signal.SIGKILL
        vendors, graph, store = lane.vendors, lane.folder / "graph.toml", lane.folder / "store"
        plan = api.plan(graph, store=store, realms=spending(vendors).realms, binding=True)
        (found,) = plan.rows
        assert (found.status, found.unsent, found.buys) == ("resume", True, False)
        assert found.price is not None
        assert found.most_microusd == found.price.quote.high
        promise = Promise.of(plan, "plan.json")
        result = api.build(graph, store=store, spending=spending(vendors, QUICK, budget_microusd=None, promise=promise))
        assert (result.status, len(vendors.charges())) == ("ok", 1)
        assert 0 < result.spent_microusd <= promise.most_microusd
