"""A snapped value on its whole way: plan, key, journal and the vendor's own note of the request say the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from oracle.paid import Bench, spending

from dagcontent import api

GRAPH = """[graph]
name = "snaps"

[defaults]
snap = "nearest"

[node.clip]
kind = "video.generate"
model = "openrouter/google/veo-3.1-fast"
prompt = "a hare"
duration = 4.6
aspect = "5:3"

[node.up]
kind = "video.generate"
model = "openrouter/google/veo-3.1-fast"
prompt = "a hare"
duration = 4.6
aspect = "16:9"
snap = "up"

[node.down]
kind = "image.generate"
model = "openai/gpt-image-2"
prompt = "a hare"
size = "1000x1000"
snap = "down"

[node.grown]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
prompt = "a hare"
size = "500x300"
snap = "up"
"""
SNAPPED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "clip": ({"duration": 4, "aspect": "16:9"}, {"duration": 4, "aspect_ratio": "16:9"}),
    "up": ({"duration": 6, "aspect": "16:9"}, {"duration": 6, "aspect_ratio": "16:9"}),
    "down": ({"size": "992x992"}, {"size": "992x992"}),
    "grown": ({"size": "512x304"}, {"image_size": {"width": 512, "height": 304}}),
}
"""By node: what of the manifest, and of the request."""


@pytest.mark.slow
def test_what_is_snapped_to_is_priced_keyed_and_sent(bench: Callable[[str], Bench]) -> None:
    """Were they two values, a build would cost what no plan said, or find a result that was asked for otherwise."""
    one = bench(GRAPH)
    plan = api.plan(one.graph, store=one.store, realms=spending(one.vendors).realms)
    prices = {row.node: row.price for row in plan.rows}
    keys = {row.node: row.key for row in plan.rows}
    assert one.build().status == "ok"
    attempts = {attempt.intent.instance: attempt.intent for attempt in one.attempts()}
    notes = [request["json"] for request in one.posts()]
    for node, (keyed, sent) in SNAPPED.items():
        price, intent = prices[node], attempts[node]
        assert price is not None
        assert intent.key == keys[node]
        assert intent.reserved_microusd == price.quote.high
        params = intent.manifest["params"]
        assert {name: params[name] for name in keyed} == keyed, node
        assert "snap" not in params
        assert any(sent.items() <= note.items() for note in notes), node
        assert any("(what the model allows)" in note for note in price.notes), node
    for node in ("clip", "up"):
        price = prices[node]
        assert price is not None
        assert [charge.expected for charge in price.quote.charges] == [SNAPPED[node][0]["duration"]]


@pytest.mark.slow
def test_another_word_for_the_same_value_buys_nothing(bench: Callable[[str], Bench]) -> None:
    """`snap` is in no key: written out, left out or changed, what it comes to is what was bought."""
    one = bench(GRAPH)
    one.build()
    one.write(
        GRAPH.replace("[node.up]", '[node.written]\nsnap = "error"').replace(
            'duration = 4.6\naspect = "16:9"\nsnap = "up"', 'duration = 6\naspect = "16:9"'
        )
    )
    assert one.build().counts["hit"] == 4
    assert len(one.charges()) == 4
