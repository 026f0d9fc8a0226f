from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from oracle.paid import Bench, spending

from dagcontent import api
from dagcontent.plan.model import PlanRow

GRAPH = """
[graph]
name = "told"
[node.line]
kind = "text.generate"
model = "openrouter/anthropic/claude-sonnet-5.5"
prompt = "A line of four words about a lantern."
max_tokens = 300
[node.voice]
kind = "speech.generate"
model = "elevenlabs/eleven_multilingual_v2"
voice = "Rachel"
text = "${line}"
"""


def rows(one: Bench) -> dict[str, PlanRow]:
    """Return the plan's rows by name."""
    found = api.plan(one.graph, store=one.store, realms=spending(one.vendors).realms)
    return {row.node: row for row in found.rows}


def quote(row: PlanRow) -> Any:
    """Return a row's quote."""
    assert row.price is not None
    return row.price.quote


@pytest.mark.slow
def test_a_nodes_own_history_is_what_is_expected(bench: Callable[[str], Bench]) -> None:
    """Once a node has made something, the next is expected to cost the same; before that its prompt is read."""
    one = bench(GRAPH)
    before = rows(one)
    assert {quote(before[name]).basis for name in ("line", "voice")} == {"prompt"}
    assert one.build().status == "ok"
    paid = {node.node: node.cost_microusd for node in one.build().nodes}
    one.write(GRAPH.replace("a lantern", "a torch"))
    after = rows(one)
    assert {name: quote(after[name]).basis for name in paid} == dict.fromkeys(paid, "history")
    assert {name: quote(after[name]).expected for name in paid} == paid
    assert [one.node for one in after["voice"].depends] == ["line"]


@pytest.mark.slow
def test_how_often_a_text_really_changed_is_counted(bench: Callable[[str], Bench]) -> None:
    """What depends on a text may be a hit after all: how often it was not is said of what was made before."""
    one = bench(GRAPH)
    for word in ("lantern", "torch", "candle"):
        one.write(GRAPH.replace("lantern", word))
        assert one.build().status == "ok"
    one.write(GRAPH.replace("lantern", "lamp"))
    found = rows(one)["voice"]
    assert found.status == "maybe"
    assert [(above.node, above.changed, above.of) for above in found.depends] == [("line", 2, 2)]
