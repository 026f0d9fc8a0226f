"""Takes that are bought: each once, more of them for the price of the new ones. The judge is the vendors' ledger."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oracle.paid import Bench

GRAPH = """
[graph]
name = "takes"
[each]
scene = ["sun", "moon"]
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
each = "scene"
takes = 2
prompt = "${scene}"
size = "64x64"
seed = 7
output = "${label.scene}-${label.take}"
[node.voice]
kind = "speech.generate"
model = "elevenlabs/eleven_multilingual_v2"
voice = "Rachel"
takes = 2
text = "one line"
"""


def seeds(one: Bench) -> list[int | None]:
    """Return the seeds that were sent to fal, in order."""
    calls = [attempt.intent.request for attempt in one.attempts() if attempt.intent.provider == "fal"]
    return [call["seed"] for call in calls]


@pytest.mark.slow
def test_more_takes_cost_what_the_new_ones_cost(bench: Callable[[str], Bench]) -> None:
    """The first take is the result that was there before `takes` was written; fewer takes and back again are free."""
    one = bench(GRAPH.replace("takes = 2\n", "").replace("-${label.take}", ""))
    assert one.build().counts["ran"] == 3
    one.write(GRAPH)
    grown = one.build()
    assert (grown.status, grown.counts["ran"], grown.counts["hit"]) == ("ok", 3, 3)
    assert len(one.charges()) == len(one.posts()) == 6
    one.write(GRAPH.replace("takes = 2", "takes = 3"))
    assert sorted(n.node for n in one.build().nodes if n.status == "ran") == [
        "still[moon,take=2]", "still[sun,take=2]", "voice[take=2]",
    ]  # fmt: skip
    assert len(one.charges()) == len(one.posts()) == 9
    for text in (GRAPH, GRAPH.replace("takes = 2", "takes = 1"), GRAPH.replace("takes = 2", "takes = 3")):
        one.write(text)
        assert one.build().counts["ran"] == 0
    assert len(one.posts()) == 9
    sent = seeds(one)
    assert sent.count(7) == 2  # the first take of each scene
    assert len(set(sent)) == 3
