from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dagcontent import api

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

LOCAL = {
    "writer": "local/outline",
    "judge": "local/outline",
    "still": "local/card",
    "motion": "local/kenburns",
    "voice": "local/espeak",
}


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """The page of the storyboard as it waits for its approval: small, and by models of this machine."""
    text = (root / "examples" / "storyboard" / "graph.toml").read_text(encoding="utf-8")
    for name, model in LOCAL.items():
        text = re.sub(rf'(?m)^{name}( *)= ".*"$', rf'{name}\1= "{model}"', text)
    text = text.replace('"Rachel"', '"en-us"').replace('aspect = "16:9"', 'size = "160x90"')
    text = text.replace("[node.hero]", '[node.hero]\nsize = "96x96"')
    graph = tmp_path_factory.mktemp("board") / "graph.toml"
    graph.write_text(text, encoding="utf-8")
    store = graph.parent / "store"
    assert api.build(graph, ["ok"], store=store).status == "waiting"
    return Path(api.write_gallery(graph, store=store).page)


@pytest.fixture
def shown(board: Path, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.goto(board.as_uri())
    yield page
    context.close()


def test_takes_stand_side_by_side_with_what_the_judge_said(shown: Page) -> None:
    """Whoever overrules a judge must see what it went by: each take's score and reason, and which one was taken."""
    for shot in ("stairs", "lamp", "storm", "harbour"):
        takes = [shown.locator(f"[id='still[{shot},take={take}]']") for take in (0, 1)]
        assert len({take.evaluate("one => Math.round(one.getBoundingClientRect().top)") for take in takes}) == 1
        scores = [float(take.locator(".scores .score").text_content() or "") for take in takes]
        assert all((take.locator(".scores .why").text_content() or "").strip() for take in takes)
        best = scores.index(max(scores))
        assert [take.get_by_text("chosen by").count() for take in takes] == [int(at == best) for at in (0, 1)]
        rows = shown.locator(f"[id='best[{shot}]'] .ranking li")
        assert [float(row) for row in rows.locator(".score").all_text_contents()] == scores
        assert rows.nth(best).get_by_text("chosen").is_visible()


def test_a_gate_has_what_it_shows_and_what_settles_it(shown: Page) -> None:
    """The page is where somebody decides: the question, the board, and two commands that can be copied."""
    gate = shown.locator("#ok")
    assert gate.get_by_text("The board, before the clips are paid for").is_visible()
    assert gate.locator(".candidates img").count() == 1
    commands = gate.locator(".command code").all_text_contents()
    assert [re.sub(r" \S*graph\.toml", "", command) for command in commands] == [
        "dagcontent approve ok",
        "dagcontent reject ok --note WHY",
    ]
    assert shown.locator(".open .command code").all_text_contents() == commands


def test_the_keyboard_reaches_a_take_and_its_large_view(shown: Page) -> None:
    """Comparing takes by the arrow keys, with the score of each, and back."""
    from playwright.sync_api import expect

    shown.keyboard.press("/")
    shown.keyboard.type("still[storm")
    shown.locator("#the-filter button").focus()
    for _ in range(20):
        shown.keyboard.press("j")
        if shown.evaluate("document.activeElement.id") == "still[storm,take=0]":
            break
    shown.keyboard.press("Enter")
    expect(shown.locator("dialog h2")).to_have_text("still[storm,take=0]")
    score = shown.locator("[id='still[storm,take=0]'] .score").text_content() or "-"
    assert score in shown.locator("dialog .view-foot").inner_text()
    shown.keyboard.press("ArrowRight")
    expect(shown.locator("dialog h2")).to_have_text("still[storm,take=1]")
    shown.keyboard.press("Escape")
    expect(shown.locator("dialog[open]")).to_have_count(0)
    assert shown.evaluate("document.activeElement.closest('.card').id") == "still[storm,take=1]"


def test_on_a_phone_one_scrolls_in_one_direction(shown: Page) -> None:
    """Takes, the gate and the long graph scroll in themselves."""
    shown.set_viewport_size({"width": 360, "height": 740})
    shown.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert shown.evaluate("document.documentElement.scrollWidth") <= 360
