"""What the machine makes of a refusal: when another model takes its place, and when it must not."""

from __future__ import annotations

from typing import Any

import pytest
from oracle.lists import Bench, Build

from dagcontent.errors import AttemptDetached, AttemptUnresolved, NodeError, OverBudget
from dagcontent.plan.unit import Status
from dagcontent.run import effects as m
from dagcontent.run.machine import BACKOFF_S, Machine
from dagcontent.values.refusal import Refusal

LIST = Build(("a", "b"))


def started(build: Build, bench: Bench | None = None, **options: Any) -> tuple[Machine, list[Any]]:
    """Return a machine whose first task runs, and the effects that started it."""
    machine = Machine((bench or Bench()).resolver(build), slots=1, remaining_s=lambda _: 0.0, **options)
    (claim,) = machine.begin()
    return machine, machine.on(m.Claimed(claim.keys[0], won=True))


def models(effects: list[Any]) -> list[str]:
    """Return what the effects claim, record and start, in words."""
    words = []
    for effect in effects:
        if isinstance(effect, m.PassOver):
            words += [f"pass {one.model[-1]}" for one in effect.passed]
        elif isinstance(effect, m.Start):
            words.append(f"start {effect.task.action.model[-1]}")
        else:
            words.append(type(effect).__name__.lower())
    return words


def test_a_refusal_is_written_down_before_the_next_model_is_claimed() -> None:
    """Whoever dies in between finds it: a claim that is granted comes after it in one line of writes."""
    machine, (start,) = started(LIST)
    error = NodeError("no", error_class="invalid")
    assert machine.gives_way(start.task, error)
    assert models(machine.on(m.Failed(start.task.action.key, error))) == ["release", "pass a", "claim"]
    (unit,) = machine.resolver.fanout.all_units()
    assert unit.status is None


@pytest.mark.parametrize(
    "error",
    [
        AttemptUnresolved("nobody can tell", error_class="blocked"), AttemptDetached("later", error_class="blocked"),
        NodeError("no key", error_class="auth"), NodeError("gone", error_class="gone"), NodeError("a fault of ours"),
    ],
    ids=lambda error: f"{type(error).__name__}-{error.error_class}",
)  # fmt: skip
def test_what_is_no_certain_refusal_is_final(error: NodeError) -> None:
    """What may have been charged, and what a person is to mend, never makes a build dearer."""
    machine, (start,) = started(LIST)
    assert not machine.gives_way(start.task, error)
    assert models(machine.on(m.Failed(start.task.action.key, error))) == ["release", "finish"]
    (unit,) = machine.resolver.fanout.all_units()
    assert unit.status is Status.FAILED


def test_money_that_is_lacking_asks_for_nothing_else() -> None:
    """A cheaper model is not what was agreed to: it waits for money, and then the build ends."""
    machine, (start,) = started(LIST)
    machine.on(m.Failed(start.task.action.key, OverBudget("no money")))
    (unit,) = machine.resolver.fanout.all_units()
    assert unit.status is Status.FAILED
    assert isinstance(unit.error, OverBudget)


def test_a_vendor_that_is_down_is_tried_as_often_as_retries_say() -> None:
    """A moment's failure is no refusal: only when all tries are used up does the next model take its place."""
    bench, build = Bench(), Build(("a", "b"), retries=2)
    machine, effects = started(build, bench)
    down = NodeError("down", error_class="transient", retry=True)
    for tried in range(2):
        (start,) = effects
        assert not machine.gives_way(start.task, down)
        (wake,) = machine.on(m.Failed(start.task.action.key, down))
        assert wake.at == pytest.approx(machine.now + BACKOFF_S * 2**tried)
        effects = machine.on(m.Tick(wake.at))
    (start,) = effects
    assert machine.gives_way(start.task, down)
    assert models(machine.on(m.Failed(start.task.action.key, down))) == ["release", "pass a", "claim"]


def test_a_build_that_stops_asks_nobody_else() -> None:
    """The first Ctrl-C sends nothing new, whatever was refused meanwhile."""
    machine, (start,) = started(LIST)
    machine.on(m.Stop())
    error = NodeError("no", error_class="blocked")
    assert not machine.gives_way(start.task, error)
    assert "claim" not in models(machine.on(m.Failed(start.task.action.key, error)))


def test_fail_fast_is_about_failures() -> None:
    """A model that gave way is no failure yet: the build goes on to the next, and stops when that fails."""
    machine, (start,) = started(LIST, fail_fast=True)
    effects = machine.on(m.Failed(start.task.action.key, NodeError("no", error_class="quota")))
    assert not machine.stopped
    (start,) = machine.on(m.Claimed(effects[-1].keys[0], won=True))
    machine.on(m.Failed(start.task.action.key, NodeError("no", error_class="quota")))
    assert machine.stopped
    (unit,) = machine.resolver.fanout.all_units()
    assert dict(unit.error.facts)["before"] == "openrouter/x/a has no credit left (no)"


def test_what_another_build_was_refused_is_not_asked_again() -> None:
    """Two builds want the same: the one that waited goes to the next model with the other, and buys what it buys."""
    bench = Bench()
    machine = Machine(bench.resolver(LIST), slots=1, remaining_s=lambda _: 0.0)
    (claim,) = machine.begin()
    key = claim.keys[0]
    assert models(machine.on(m.Claimed(key, won=False, holder="other"))) == ["await"]
    bench.memory.refusals[key] = Refusal("unavailable", "down")
    assert models(machine.on(m.ForeignEnded(key, None))) == ["release", "pass a", "claim"]
    (unit,) = machine.resolver.fanout.all_units()
    assert [one.model[-1] for one in unit.passed] == ["a"]
