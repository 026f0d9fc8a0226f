"""Processes that build one graph over one store and are killed at random; processes that race for the last of a budget."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from kills.storms import RECOVERABLE, Storm
from kills.zygote import BOUNDS, Zygote
from oracle.builds import new_folder

from dagcontent.testing.vendors.client import FakeVendors


def survived(processes: int, keys: int, kills: int, *, seed: int) -> None:
    """Rage, then hold what was charged against what there was to buy."""
    with Storm(keys, seed=seed) as storm:
        storm.rage(processes, kills)
        told = storm.finished()
        charged, prompts = storm.charges()
        assert storm.complaints == []
        assert storm.vendors.errors() == []
    twice = {prompt: count for prompt, count in prompts.items() if count > 1}
    assert not twice, twice
    nodes = told["second"]["nodes"]
    unresolved = [node for node, (status, _) in nodes.items() if status == "unresolved"]
    assert {status for status, _ in nodes.values()} <= {"hit", "unresolved"}
    found = {node: error for node, (status, error) in nodes.items() if status == "unresolved" and "more[" not in node}
    assert not found, found
    for what, count in storm.keys.items():
        if what in RECOVERABLE:
            assert charged[what] == count, (what, charged)
        else:
            assert count - len(unresolved) <= charged[what] <= count, (what, charged, unresolved)
    named = {one["instance"] for one in told["attempts"] if one["state"] == "unresolved"}
    assert named == set(unresolved)
    assert told["problems"] == []
    print(f"{processes} processes, {keys} keys, {storm.kills} kills, {sum(charged.values())} charges, "
          f"{len(unresolved)} unresolved, builds {dict(storm.builds)}")  # fmt: skip
    assert storm.kills >= kills * 0.8


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_processes_killed_at_random_buy_every_key_once() -> None:
    """Four processes, sixty keys, thirty kills: as many charges as keys, but for calls that nobody can look up."""
    survived(4, 60, 30, seed=1)


@pytest.mark.sweep
@pytest.mark.parametrize(("processes", "keys", "kills"), [(8, 500, 200), (16, 2000, 400)])
def test_many_processes_killed_at_random_buy_every_key_once(processes: int, keys: int, kills: int) -> None:
    """The same, larger."""
    survived(processes, keys, kills, seed=keys)


RACE = """
[graph]
name = "race"
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/schnell"
prompt = "Racer NUMBER"
size = "64x64"
"""
_LIST, _BOUND = 3_000, 3_800  # micro-USD of one picture of a megapixel at most: what it costs, what it may cost


CAPS = {
    "usd": {"ceilings": [{"per": "day", "limit_microusd": 3 * _BOUND, "said": "a day's cap", "provider": ""}]},
    "units": {
        "unit_ceilings": [
            {"per": "day", "provider": "fal", "measure": "image", "limit": 3_000_000, "said": "three pictures a day"}
        ]
    },
}


def raced(rounds: int, sort: str, racers: int = 8) -> None:
    """Let processes write intents at one moment, under a cap for three of them, round after round."""
    with FakeVendors() as vendors, Zygote(RACE, vendors) as zygote:
        for round_ in range(rounds):
            vendors.reset()
            vendors.set(prices={"fal-ai/flux/schnell": _LIST}, job_s=0.2)
            folder = new_folder()
            crew = []
            for number in range(racers):
                graph = folder / f"{number}.toml"
                graph.write_text(RACE.replace("NUMBER", f"{number} of {round_}"), encoding="utf-8")
                crew.append(
                    zygote.start(
                        do="build", graph=str(graph), store=str(folder / "store"), vendors=vendors.base_urls,
                        bounds=BOUNDS, concurrency=racers, hold=["paid.before-intent", 1], **CAPS[sort],
                    )
                )  # fmt: skip
            for child in crew:
                child.said = child.line()
                assert child.is_held, child.said
            for child in crew:
                child.go_on()
            with ThreadPoolExecutor(racers) as pool:
                said = [one for one in pool.map(lambda child: child.end(), crew) if one is not None]
            charged = vendors.ledger()
            assert sum(charge.microusd or 0 for charge in charged) <= 3 * _BOUND, charged
            assert len(charged) == 3, charged
            assert sorted(one["status"] for one in said) == ["budget"] * (racers - 3) + ["ok"] * 3, said
            shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("sort", CAPS)
def test_processes_that_race_for_the_last_of_a_budget_never_exceed_it(sort: str) -> None:
    """Eight processes write their intents at one moment where three fit: three are sent, five are refused."""
    raced(2, sort)


@pytest.mark.sweep
@pytest.mark.parametrize("sort", CAPS)
def test_processes_that_race_for_the_last_of_a_budget_never_exceed_it_ever(sort: str) -> None:
    """A hundred rounds."""
    raced(100, sort)
