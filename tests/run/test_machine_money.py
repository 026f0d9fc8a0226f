"""The machine where tasks cost money: a pool a provider, and tasks that wait for a settlement."""

from __future__ import annotations

import random
from typing import Any

import pytest
from oracle.little import Little

from dagcontent.errors import NodeError, OverBudget
from dagcontent.plan.unit import Status
from dagcontent.run import machine as m
from dagcontent.values.record import Done, Record
from dagcontent.values.value import Blob, Digest

MODELS = ("fal/fal-ai/flux/dev", "openai/gpt-image-2", "local/card")


def paid_graph(count: int) -> Little:
    nodes = "".join(
        f'[node.n{i}]\nkind = "image.generate"\nmodel = "{MODELS[i % 3]}"\nprompt = "picture {i}"\n'
        for i in range(count)
    )
    return Little(nodes)


def record_of(task: m.Task) -> Record:
    blob = Blob(Digest(f"{int(task.action.key[:12], 16):064x}"), "image", "image/png", 1, {})
    return Record(task.action.key, task.action.manifest, Done(blob), {}, "run", 1)


class Purse:
    """Answers effects in an order that chance gives; a task is refused while what runs and was spent leaves no room."""

    def __init__(self, seed: int, coins: int) -> None:
        self.chance = random.Random(seed)
        self.coins = coins
        self.little = paid_graph(12)
        self.resolver = self.little.resolver()
        self.machine = m.Machine(
            self.resolver,
            slots=2,
            remaining_s=lambda _: 0.0,
            seed=seed,
            paid_slots=lambda provider: 3 if provider == "fal" else 1,
        )
        self.running: dict[str, m.Task] = {}
        self.spent = 0
        self.reserved: set[str] = set()
        self.refusals = 0
        self.asked: list[str] = []
        self.claims: list[str] = []

    def run(self) -> None:
        finished = self.take(self.machine.begin())
        for _ in range(5_000):
            if finished:
                return
            finished = self.take(self.machine.on(self.event()))
        raise AssertionError("the machine does not come to an end")

    def take(self, effects: list[Any]) -> bool:
        finished = False
        for effect in effects:
            if isinstance(effect, m.Claim):
                self.claims += effect.keys
            elif isinstance(effect, m.Start):
                self.running[effect.task.action.key] = effect.task
            finished = finished or isinstance(effect, m.Finish)
        for pool, most in (("", 2), ("fal", 3), ("openai", 1)):
            assert sum(task.pool == pool for task in self.running.values()) <= most
        return finished

    def event(self) -> Any:
        if self.claims:
            return m.Claimed(self.claims.pop(), won=True)
        key = self.chance.choice(sorted(self.running))
        task = self.running[key]
        if task.pool and key not in self.reserved:
            if self.spent + len(self.reserved) >= self.coins:
                self.refusals += 1
                del self.running[key]
                return m.Failed(key, OverBudget("no money"))
            self.reserved.add(key)
            return m.Tick(0.0)
        del self.running[key]
        if key in self.reserved:
            self.reserved.discard(key)
            if self.chance.random() < 0.3:  # refused and unbilled: its money is free again
                return m.Failed(key, NodeError("refused"))
            self.spent += 1
        return m.Completed(key, record_of(task))


@pytest.mark.parametrize("seed", range(60))
def test_tasks_without_money_wait_for_a_settlement_and_are_given_up_when_none_can_come(seed: int) -> None:
    """Nothing is spent beyond the purse, nothing waits for ever, and whatever money is freed is used."""
    purse = Purse(seed, coins=seed % 9)
    purse.run()
    statuses = [unit.status for unit in purse.resolver.fanout.all_units()]
    assert set(statuses) <= {Status.RAN, Status.FAILED}
    assert purse.spent <= purse.coins
    poor = [u for u in purse.resolver.fanout.all_units() if isinstance(u.error, OverBudget)]
    if poor:
        assert purse.spent == purse.coins
    assert purse.machine.running == 0


def test_what_stops_gives_up_what_waits_for_money() -> None:
    """A build that was told to stop keeps no claim of a task that never ran."""
    purse = Purse(1, coins=0)
    purse.take(purse.machine.begin())
    while purse.claims:
        purse.take(purse.machine.on(purse.event()))
    first = next(key for key, task in purse.running.items() if task.pool == "fal")
    del purse.running[first]
    purse.take(purse.machine.on(m.Failed(first, OverBudget("no money"))))
    effects = purse.machine.on(m.Stop())
    while purse.running:
        key = next(iter(purse.running))
        del purse.running[key]
        effects = purse.machine.on(m.Failed(key, NodeError("stopped")))
    released = {key for effect in effects if isinstance(effect, m.Release) for key in effect.keys}
    assert first in released
    assert any(isinstance(effect, m.Finish) for effect in effects)
