"""The examples about choosing, bought from the fake vendors: what each way of merging costs, and that a choice buys what is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from oracle.paid import Bench, spending

from dagcontent import api
from dagcontent.api.ledger import spend

pytestmark = pytest.mark.slow
SMALL = {"size": "176x100"}
BUDGET = 30_000_000


def _text(root: Path, name: str) -> str:
    return (root / "examples" / name / "graph.toml").read_text(encoding="utf-8")


def _sold(one: Bench, before: Mapping[str, int] = {}) -> dict[str, int]:
    """Return what was charged since, by vendor and operation."""
    now = Counter(f"{charge.vendor} {charge.operation}" for charge in one.charges())
    return {what: count - before.get(what, 0) for what, count in now.items() if count > before.get(what, 0)}


def _agrees(one: Bench) -> None:
    """Hold what we say we spent against what the vendors say."""
    assert sum(row.spent for row in spend(one.store).rows) == sum(charge.microusd or 0 for charge in one.charges())


def test_three_ways_of_merging_cost_what_each_should(bench: Callable[[str], Bench], root: Path) -> None:
    """One text, three voices. The first success is one voice. The best is all three and one question. All of them, side by
    side, are what is there already; the older format paid for every child in each of its strategies.
    """
    one = bench(_text(root, "voices"))
    first = one.build(targets=["first"])
    assert first.status == "ok"
    assert _sold(one) == {"elevenlabs speech": 1}
    best = one.build(targets=["best"])
    assert best.status == "ok"
    assert _sold(one, {"elevenlabs speech": 1}) == {
        "elevenlabs speech": 1,
        "google generate": 2,
    }  # a voice and the judge
    bought = len(one.charges())
    collected = one.build(targets=["all"])
    assert (collected.status, len(one.charges())) == ("ok", bought)
    ((_, path),) = collected.outputs
    assert collected.facts[path]["duration_ms"] > 2000
    whole = one.build()
    assert (whole.status, whole.spent_microusd, len(one.charges())) == ("ok", 0, bought)


def test_all_voices_at_once_are_three_charges(bench: Callable[[str], Bench], root: Path) -> None:
    """Collecting them all asks nobody which is best."""
    one = bench(_text(root, "voices"))
    assert one.build(targets=["all"]).status == "ok"
    assert sum(_sold(one).values()) == 3


def test_the_next_voice_is_paid_for_only_if_the_first_failed(bench: Callable[[str], Bench], root: Path) -> None:
    """A voice that the vendor does not have fails unpaid; the second is asked then, and the third never."""
    text = _text(root, "voices").replace(
        'model = "elevenlabs/eleven_multilingual_v2", voice = "Rachel"',
        'model = "elevenlabs/eleven_multilingual_v2", voice = "Nobody of this name"',
    )
    assert "Nobody" in text
    one = bench(text)
    result = one.build(targets=["first"])
    assert result.status == "ok", [(node.node, node.error) for node in result.nodes if node.error]
    assert _sold(one) == {"elevenlabs speech": 1}
    nodes = {node.node: node.status for node in result.nodes}
    assert (nodes["spoken[rachel]"], nodes["spoken[adam]"]) == ("passed_over", "ran")


def test_a_storyboard_is_looked_at_before_the_dear_half(bench: Callable[[str], Bench], root: Path) -> None:
    """Stills in two takes, judged; nothing moves until the board is approved. Then one take is rerolled, picked and pinned, and
    every step buys what is new and nothing else.
    """
    one = bench(_text(root, "storyboard"))
    realms = spending(one.vendors).realms
    where: dict[str, Any] = {"store": one.store, "realms": realms, "params": SMALL}

    def build() -> api.BuildResult:
        return one.build(params=SMALL, budget_microusd=BUDGET)

    board = build()
    assert board.status == "waiting"
    sold = _sold(one)
    # One sheet, four shots in two takes, four judges; four lines, four voices; no clip.
    assert sum(count for what, count in sold.items() if what.startswith("google")) == 1 + 8 + 4
    assert sum(sold.values()) == 13 + 4 + 4
    assert not any(what.startswith("fal") for what in sold)
    before = Counter(f"{charge.vendor} {charge.operation}" for charge in one.charges())

    # Another second take of one shot: that picture, and the judge of that shot, who compares anew.
    api.reroll(one.graph, ["still[storm,take=1]"], **where)
    assert build().status == "waiting"
    assert sum(_sold(one, before).values()) == 2
    before = Counter(f"{charge.vendor} {charge.operation}" for charge in one.charges())

    # A person chooses; the judge is not asked, and whatever was chosen, nothing is bought for it.
    api.pick(one.graph, "best[storm]", "take=1", **where)
    api.pin(one.graph, ["still[storm,take=1]"], **where)
    assert build().status == "waiting"
    assert _sold(one, before) == {}

    api.approve(one.graph, ["ok"], **where)
    film = build()
    assert film.status == "ok", [(node.node, node.error) for node in film.nodes if node.error]
    assert set(_sold(one, before)) == {"fal submit"}
    assert sum(_sold(one, before).values()) == 4
    bought = len(one.charges())

    # The last line once more: it comes out as it was, so nothing follows from it, and the approval holds.
    api.reroll(one.graph, ["line[harbour]"], **where)
    assert build().status == "ok"
    assert Counter(f"{charge.vendor} {charge.operation}" for charge in one.charges()[bought:]) == {"openrouter chat": 1}
    _agrees(one)
