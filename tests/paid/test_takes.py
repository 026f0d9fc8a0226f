"""Takes that are bought: each once, more of them for the price of the new ones. The judge is the vendors' ledger."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from oracle.paid import Bench, spending

from dagcontent import api

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


@pytest.mark.slow
def test_a_reroll_buys_one_and_going_back_buys_nothing(bench: Callable[[str], Bench]) -> None:
    """Another one, please: one charge, and only for it. The one before, and a label that changes: none. What it all was and
    cost is listed, the failure that was charged as well; and a pin is never bought.
    """
    one = bench(GRAPH)
    realms = spending(one.vendors).realms
    assert one.build().counts["ran"] == 6
    decided = api.reroll(one.graph, ["still[sun,take=1]"], store=one.store, realms=realms)
    assert [(row.now, row.made) for row in decided.nodes] == [(1, False)]
    assert len(one.posts()) == 6, "the command spends nothing"
    assert [n.node for n in one.build().nodes if n.paid] == ["still[sun,take=1]"]
    assert len(one.charges()) == len(one.posts()) == 7
    one.write(
        GRAPH.replace('scene = ["sun", "moon"]', 'scene = [{ id = "a", t = "sun" }, { id = "b", t = "moon" }]').replace(
            "${scene}", "${scene.t}"
        )
    )
    api.reroll(one.graph, ["still[a,take=1]"], to=1, store=one.store, realms=realms)
    assert one.build().counts["ran"] == 0
    one.write(one.graph.read_text().replace('"a"', '"c"'))
    assert one.build().counts["ran"] == 0
    api.reroll(one.graph, ["still[c,take=1]"], to=0, store=one.store, realms=realms)
    assert one.build().counts["ran"] == 0
    api.pin(one.graph, ["voice[take=0]"], store=one.store, realms=realms)
    one.write(one.graph.read_text().replace("one line", "another line"))
    assert [n.node for n in one.build().nodes if n.status == "ran"] == ["voice[take=1]"]
    assert len(one.charges()) == len(one.posts()) == 8
    (found,) = api.takes(one.graph, "voice[take=1]", store=one.store, realms=realms)
    assert [(row.now, row.there, row.cost_microusd > 0) for row in found.rows] == [
        (True, True, True),
        (False, True, True),
    ]
    assert [[d.field for d in row.differs] for row in found.rows] == [[], ["params.text"]]
    assert sum(row.cost_microusd for row in found.rows) == sum(
        attempt.cost_microusd or 0 for attempt in one.attempts() if attempt.intent.instance == "voice[take=1]"
    )
    (found,) = api.takes(one.graph, "still[c,take=1]", store=one.store, realms=realms)
    assert sorted((row.reroll, row.now) for row in found.rows) == [(0, True), (1, False)]


CHOSEN = """
[graph]
name = "chosen"
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
takes = 2
prompt = "a hare"
size = "64x64"
[node.best]
kind = "select"
from = "${still}"
by = "human"
[node.clip]
kind = "image.edit"
model = "openai/gpt-image-2"
prompt = "at night"
image = "${best}"
"""


@pytest.mark.slow
def test_a_pick_buys_only_what_follows_and_going_back_buys_nothing(bench: Callable[[str], Bench]) -> None:
    """Nothing behind a choice is bought before it is made, nothing before it again; and each choice is paid for once."""
    one = bench(CHOSEN)
    realms = spending(one.vendors).realms
    waiting = one.build()
    assert (waiting.status, waiting.counts["ran"], waiting.counts["waiting"]) == ("waiting", 2, 1)
    assert len(one.charges()) == len(one.posts()) == 2
    assert one.build().status == "waiting"
    for choice, charged in (("take=1", 3), ("take=0", 4), ("take=1", 4)):
        api.pick(one.graph, "best", choice, store=one.store, realms=realms)
        assert one.build().status == "ok"
        assert len(one.charges()) == len(one.posts()) == charged
