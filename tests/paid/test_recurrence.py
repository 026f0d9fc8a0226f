"""Paid nodes that go on from the one before (`x[scene-1]`): what a chain costs, and what a change in its middle redoes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oracle.paid import Bench, spending

from dagcontent import api
from dagcontent.cli.money import total

SCENES = ["a harbour", "a street", "a hill", "the sea"]
GRAPH = """
[graph]
name = "chain"
[each]
scene = [{scenes}]
[node.line]
kind = "text.generate"
model = "openrouter/openai/gpt-6-luna"
each = "scene"
prompt = "Go on with ${{scene.text}}. So far: ${{tail[scene-1]}}"
max_tokens = 60
[node.tail]
kind = "text.template"
each = "scene"
text = "{tail}"
"""
WHOLE = "${line[scene]}"
PART = "of one kind: ${index.scene}"


def graph(texts: list[str], tail: str = WHOLE) -> str:
    scenes = ", ".join(f'{{ id = "{number}", text = "{text}" }}' for number, text in enumerate(texts))
    made = GRAPH.format(scenes=scenes, tail=tail)
    return made if tail == WHOLE else made + 'needs = "line[scene]"\n'


def planned(one: Bench) -> tuple[dict[str, str], int]:
    """Return what a build would do with each line, and the most that it may cost."""
    realms = spending(one.vendors).realms
    plan = api.plan(one.graph, store=one.store, realms=realms)
    high = total(plan.rows)[0].high
    assert high is not None
    return {row.node: row.status for row in plan.rows}, high


def bought(one: Bench) -> list[str]:
    """Build; return what was bought, in the order of its requests."""
    before = len(one.charges())
    result = one.build()
    assert result.status == "ok"
    sent = [attempt.intent.instance for attempt in one.attempts() if attempt.intent.run == result.run]
    assert len(one.charges()) - before == len(sent) == result.counts["ran"]
    return sent


@pytest.mark.slow
def test_a_chain_is_priced_link_by_link_and_a_change_redoes_what_follows(bench: Callable[[str], Bench]) -> None:
    """Each link is bought once, one after the other, and all of them are in the plan's price. A change in the middle redoes it
    and what was made of it; what stands before it stays, and a link more costs one.
    """
    one = bench(graph(SCENES))
    names = [f"line[{number}]" for number in range(4)]
    status, whole = planned(one)
    assert status == dict(zip(names, ["run", *["run"] * 3], strict=True))
    _, single = planned(bench(graph(SCENES[:1])))
    assert single > 0
    assert 4 * single <= whole <= 5 * single  # a longer prompt may cost more
    assert bought(one) == names
    assert planned(one) == (dict.fromkeys(names, "hit"), 0)

    changed = [SCENES[0], "a market", *SCENES[2:]]
    one.write(graph(changed))
    status, most = planned(one)
    assert list(status.values())[:2] == ["hit", "run"]
    assert set(list(status.values())[2:]) <= {"run", "maybe"}
    assert most < whole
    assert bought(one) == names[1:]
    assert bought(one) == []

    one.write(graph([*changed, "the end"]))
    assert planned(one)[0]["line[4]"] == "run"
    assert bought(one) == ["line[4]"]
    one.write(graph(SCENES))
    assert bought(one) == []  # what was bought for it stays


@pytest.mark.slow
def test_what_does_not_really_follow_is_not_bought_again(bench: Callable[[str], Bench]) -> None:
    """A link hands on less than all of itself: where that stays the same, the chain ends there, whatever came before it."""
    one = bench(graph(SCENES, PART))
    names = [f"line[{number}]" for number in range(4)]
    assert sorted(bought(one)) == names
    one.write(graph([SCENES[0], "a market", *SCENES[2:]], PART))
    status, _ = planned(one)
    assert status["line[1]"] == "run"
    assert bought(one) == ["line[1]"]
