"""The money of a page: what was paid in the graph, what its results cost, what is still to pay. The judge is the store's journal."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from oracle.paid import Bench, spending

from dagcontent import api
from dagcontent.api.gallery import Written

GRAPH = """
[graph]
name = "paid"
[node.still]
kind = "image.generate"
model = "fal/fal-ai/flux/dev"
takes = 2
prompt = "a hill"
size = "64x64"
[node.small]
kind = "image.resize"
image = "${still[take=0]}"
width = 32
"""


def page_of(one: Bench) -> tuple[Written, str]:
    """Write the page as it is now; return what it says, too."""
    made = api.write_gallery(one.graph, store=one.store, realms=spending(one.vendors).realms)
    return made, Path(made.page).read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_page_says_what_was_paid_and_what_is_to_be_paid(bench: Callable[[str], Bench]) -> None:
    """Before, after, and after another sample: a result that nobody shows any more was paid for all the same. Nobody is asked."""
    one = bench(GRAPH)
    before, text = page_of(one)
    assert (before.gallery.total.spent, before.gallery.total.shown) == (0, 0)
    assert before.gallery.total.expected > 0
    assert "still to pay" in text
    one.build()
    built, text = page_of(one)
    settled = sum(attempt.cost_microusd or 0 for attempt in one.attempts())
    assert built.gallery.total.spent == built.gallery.total.shown == settled > 0
    assert built.gallery.total.expected == 0
    assert [row.name for row in built.gallery.by_model] == ["fal/fal-ai/flux/dev"]
    assert "still to pay" not in text
    api.reroll(one.graph, ["still[take=1]"], store=one.store, realms=spending(one.vendors).realms)
    one.build()
    again, text = page_of(one)
    assert (again.gallery.total.requests, again.gallery.total.shown) == (3, settled)
    assert again.gallery.total.spent == settled * 3 // 2
    card = next(card for card in again.gallery.cards if card.name == "still[take=1]")
    assert [old.name for old in card.earlier] == ["sample 0"]
    assert re.search(r"reroll \S+ &#x27;still\[take=1\]&#x27; --to 0", text)
    assert len(one.posts()) == 3
