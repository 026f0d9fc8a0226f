"""The examples as golden tests: built small, from a copy, and judged by what came out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from oracle.examples import EXAMPLES, Example

from dagcontent.api import BuildResult, load, plan, show, why
from dagcontent.media.probe import measure

SMALL = {
    "hello": {"size": "180x320"},
    "slides": {"size": "320x180"},
    "teaser": {"size": "90x160"},
    "storyboard": {"size": "160x90"},
    "voices": {},
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples are not beside these tests"),
]


def example(name: str, folder: Path) -> Example:
    """Return an example, copied into a folder, small."""
    return Example(name, folder, SMALL[name])


def _made(result: BuildResult) -> set[str]:
    return {node.node for node in result.nodes if node.status == "ran"}


def test_hello_is_a_film_and_free_again(tmp_path: Path) -> None:
    """The first promise to a new user: one command, a narrated film, and the second time nothing is made."""
    hello = example("hello", tmp_path)
    assert hello.pending()["run"] == {row.node for row in plan(hello.graph, store=hello.store).rows}
    first = hello.build()
    assert first.status == "ok"
    assert first.counts["ran"] == 10
    facts = measure(hello.out / "hello.mp4", "video", "video/mp4")
    assert (facts["width"], facts["height"]) == (180, 320)
    assert 6_000 < facts["duration_ms"] < 20_000
    assert facts["channels"] >= 1
    assert facts["fps"] == [24, 1]
    again = hello.build()
    assert again.counts["ran"] == 0
    assert again.counts["hit"] == 10

    hello.edit("does not have to end", "need not end")
    expected = {"voice[dusk]", "captions[dusk]", "film"}
    pending = hello.pending()
    assert pending["run"] | pending["maybe"] == expected
    assert "voice[dusk]" in pending["run"]
    loaded = load(hello.graph, params=hello.params)
    told = why(loaded, "voice[dusk]", store=hello.store)
    changed = [diff for diff in told.diffs if diff.changed]
    assert [diff.field for diff in changed] == ["params.text"]
    line = next(n for n, text in enumerate(hello.graph.read_text().splitlines(), 1) if "need not end" in text)
    assert [number for _, number in loaded.lines_of(changed[0])] == [line]
    assert _made(hello.build()) == expected

    hello.edit("need not end", "does not have to end")
    assert hello.pending()["run"] | hello.pending()["maybe"] == set()
    assert hello.build().counts["ran"] == 0


def test_slides_follow_their_folder(tmp_path: Path) -> None:
    """Pictures and notes come from folders: a new pair is one more clip, and nothing else is made but the film."""
    slides = example("slides", tmp_path)
    result = slides.build()
    assert result.status == "ok"
    facts = measure(slides.out / "deck.mp4", "video", "video/mp4")
    assert (facts["width"], facts["height"]) == (320, 180)
    assert facts["duration_ms"] > 10_000
    assert (slides.out / "sheet.png").is_file()

    folder = slides.graph.parent
    shutil.copy(folder / "slides/1-water.jpg", folder / "slides/10-rain.jpg")
    (folder / "notes/10-rain.txt").write_text("And somewhere it rains again.\n")
    again = slides.build()
    assert _made(again) == {"voice[10-rain]", "clip[10-rain]", "deck", "sheet"}
    longer = measure(slides.out / "deck.mp4", "video", "video/mp4")
    assert longer["duration_ms"] > facts["duration_ms"] + 1_000


def test_teaser_is_a_film_for_nothing_as_a_draft(tmp_path: Path) -> None:
    """Whoever tries the dearest example first sees a film: pictures, voices, captions, no key and no bill."""
    teaser = example("teaser", tmp_path)
    first = teaser.build("draft")
    assert (first.status, first.spent_microusd, first.counts["ran"]) == ("ok", 0, 19)
    facts = measure(teaser.out / "teaser.mp4", "video", "video/mp4")
    assert (facts["width"], facts["height"]) == (90, 160)
    assert 3_000 < facts["duration_ms"] < 20_000
    assert facts["channels"] >= 1
    loaded = load(teaser.graph, params=teaser.params, profile="draft")
    for scene in ("dusk", "camp", "dawn"):
        clip, voice = (
            show(loaded, f"{node}[{scene}]", store=teaser.store).artifacts[0].facts["duration_ms"]
            for node in ("clip", "voice")
        )
        assert 0 <= clip - voice <= 42, "a draft is as long as was asked for, and no vendor's length longer"
    assert teaser.build("draft").counts["ran"] == 0
    assert any(row.price is not None for row in plan(teaser.graph, store=teaser.store).rows)


def test_storyboard_is_an_animatic_for_nothing_as_a_draft(tmp_path: Path) -> None:
    """One command gives the whole piece: a board of four shots with their lines, and a film of them, spoken and captioned.
    Nobody is asked in a draft, and every shot is one of its two takes.
    """
    board = example("storyboard", tmp_path)
    first = board.build("draft")
    assert (first.status, first.spent_microusd) == ("ok", 0)
    facts = measure(board.out / "storyboard.mp4", "video", "video/mp4")
    assert (facts["width"], facts["height"]) == (160, 90)
    assert facts["duration_ms"] > 4_000
    assert facts["channels"] >= 1
    assert (board.out / "board.png").is_file()
    loaded = load(board.graph, params=board.params, profile="draft")
    for shot in ("stairs", "lamp", "storm", "harbour"):
        chosen = show(loaded, f"best[{shot}]", store=board.store)
        assert len(chosen.candidates) == 2
        assert all(one.score is not None and one.reasons for one in chosen.candidates)
    assert board.build("draft").counts["ran"] == 0


def test_voices_are_merged_three_ways_for_nothing_as_a_draft(tmp_path: Path) -> None:
    """All of them one after another, the first, and the best: three recordings that can be compared by ear."""
    voices = example("voices", tmp_path)
    assert voices.build("draft").status == "ok"
    every, first, best = (
        measure(voices.out / f"{name}.wav", "audio", "audio/wav") for name in ("all", "first", "best")
    )
    assert every["duration_ms"] > 2 * first["duration_ms"]
    assert best["duration_ms"] > 2_000
