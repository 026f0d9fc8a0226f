"""The examples that are looked at: a deck, cut-downs, variants and a short film, as drafts and against vendors on this machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from oracle.examples import EXAMPLES, Example
from PIL import Image

from dagcontent.api import load, plan, show
from dagcontent.media.probe import measure
from dagcontent.testing.vendors.client import FakeVendors

SMALL = {
    "deck": {"size": "320x180", "fps": "12"},
    "cut-downs": {"count": "1", "width": "90", "tall": "160", "square": "90", "portrait": "112", "plate": "20"},
    "variants": {"angles": "1", "scale": "1"},
    "short-film": {"size": "320x180", "fps": "12"},
}
BUDGETS = {"deck": 1_000_000, "cut-downs": 3_000_000, "variants": 3_000_000, "short-film": 6_000_000}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples are not beside these tests"),
]


def _ran(example: Example) -> set[str]:
    result = example.build("draft")
    assert (result.status, result.spent_microusd) == ("ok", 0)
    return {node.node for node in result.nodes if node.status == "ran"}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_what_it_costs_at_most_is_known(name: str, tmp_path: Path) -> None:
    """Who looks at a plan before paying finds a bound on every row, and the graph's own budget above all of them."""
    example = Example(name, tmp_path, {})
    rows = plan(example.graph, store=example.store).rows
    paid = [row for row in rows if row.price is not None]
    assert paid
    assert all(row.price is not None and row.price.quote.high is not None for row in paid)
    assert sum(row.most_microusd or 0 for row in paid) <= BUDGETS[name]


def test_a_page_that_is_edited_is_told_and_cut_again(tmp_path: Path) -> None:
    """A deck changes until the evening before: one page costs one description, one text, one voice, one segment, one film."""
    deck = Example("deck", tmp_path, SMALL["deck"])
    for page in ("3-garden", "4-cost", "5-ask"):
        (deck.graph.parent / f"pages/{page}.png").unlink()
        (deck.graph.parent / f"notes/{page}.txt").unlink()
    _ran(deck)
    facts = measure(deck.out / "deck.mp4", "video", "video/mp4")
    assert (facts["width"], facts["height"], facts["fps"]) == (320, 180, [12, 1])
    assert facts["channels"] == 2
    loaded = load(deck.graph, params=deck.params, profile="draft")
    film = show(loaded, "film", store=deck.store).artifacts[0].facts
    assert len(film["chapters"]) == 2
    voices = [show(loaded, f"voice[{page}]", store=deck.store).artifacts[0].facts for page in ("1-title", "2-problem")]
    # Each page is 0.8 s longer than its voice, and the fade takes 0.4 s of one.
    assert abs(film["duration_ms"] - sum(one["duration_ms"] + 800 for one in voices) + 400) < 200
    assert (deck.out / "captions.vtt").read_text().startswith("WEBVTT")

    (deck.graph.parent / "notes/2-problem.txt").write_text("Six cellars were flooded last year.")
    of_one = {"say", "voice", "breath", "segment"}
    of_all = {"talk", "mix", "sound", "joined", "captions", "film"}
    assert _ran(deck) == {f"{node}[2-problem]" for node in of_one} | of_all
    with Image.open(deck.graph.parent / "pages/1-title.png") as picture:
        picture.rotate(180).save(deck.graph.parent / "pages/1-title.png")
    assert {node for node in _ran(deck) if "[" in node} == {"see[1-title]", "segment[1-title]"}


def test_a_moment_comes_in_every_shape(tmp_path: Path) -> None:
    """A short is as long as its words, in the size that its network wants, equally loud, with a thumbnail and a post."""
    shorts = Example("cut-downs", tmp_path, SMALL["cut-downs"])
    _ran(shorts)
    clips = sorted(shorts.out.glob("short-*.mp4"))
    sizes = {}
    for clip in clips:
        facts = measure(clip, "video", "video/mp4")
        sizes[clip.stem.split("-")[-1]] = (facts["width"], facts["height"])
        assert 2_000 < facts["duration_ms"] < 12_600
        assert clip.with_suffix(".png").is_file()
    assert sizes == {"9x16": (90, 160), "1x1": (90, 90), "4x5": (90, 112)}
    assert len(list(shorts.out.glob("short-*.txt"))) == 1
    assert _ran(shorts) == set()


def test_the_best_pictures_are_cut_for_their_placements(tmp_path: Path) -> None:
    """Of all pictures those with the best scores are left; another way to look at it makes no picture of the others again."""
    ads = Example("variants", tmp_path, SMALL["variants"])
    _ran(ads)
    assert {path.name.split("-", 2)[2] for path in ads.out.glob("ad-*.jpg")} == {"feed.jpg", "story.jpg", "banner.jpg"}
    with Image.open(next(ads.out.glob("ad-0-story.jpg"))) as picture:
        assert picture.size == (1080, 1920)
    report = (ads.out / "report.txt").read_text()
    scores = json.loads(
        next(line for line in report.splitlines() if line.startswith("Their scores")).partition(": ")[2]
    )
    assert scores == sorted(scores, reverse=True)
    assert (ads.out / "sheet.png").is_file()
    assert _ran(ads) == set()


def test_a_shot_goes_on_where_the_one_before_ended(tmp_path: Path) -> None:
    """A film whose shots continue has no jump: the next begins with the last picture, and follows when that one is redone."""
    film = Example("short-film", tmp_path, SMALL["short-film"])
    film.edit(
        "[profile.draft.params]", '[profile.draft.defaults."image.generate"]\nsize = "320x180"\n[profile.draft.params]'
    )
    text = film.graph.read_text()
    film.graph.write_text(text.replace('aspect = "16:9"\n', "").replace('"360p"', '"144p"'))
    film.graph.write_text(re.sub(r"seconds = \d", "seconds = 2", film.graph.read_text()))
    _ran(film)
    facts = measure(film.out / "short-film.mp4", "video", "video/mp4")
    assert (facts["width"], facts["height"], facts["channels"]) == (320, 180, 2)
    assert 10_500 < facts["duration_ms"] < 20_000
    loaded = load(film.graph, params=film.params, profile="draft")
    ended, began = (show(loaded, node, store=film.store).artifacts[0] for node in ("end[door]", "begin[stairs]"))
    assert ended.digest == began.digest
    film.edit("They come in from the storm", "They run in from the storm")
    again = _ran(film)
    assert {"clip[door]", "clip[stairs]", "film"} <= again
    assert not {"clip[window]", "clip[light]", "score", "line[door]"} & again


class Paid:
    """An example built by the command, against vendors that are a program on this machine."""

    def __init__(self, name: str, folder: Path, vendors: FakeVendors) -> None:
        self.vendors = vendors
        self.example = Example(name, folder, SMALL[name])
        config = folder / "config" / "dagcontent"
        config.mkdir(parents=True)
        (config / "config.toml").write_text(vendors.config_toml({"answer_s": 60.0}), encoding="utf-8")
        places = {f"XDG_{word}_HOME": str(folder / word.lower()) for word in ("CONFIG", "DATA", "CACHE", "STATE")}
        self._environment: Mapping[str, str] = {
            **os.environ, **vendors.environment, **places, "HOME": str(folder), "DAGCONTENT_STORE": str(self.example.store)
        }  # fmt: skip

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the graph, with its parameters."""
        command, *rest = words
        params = (
            [] if command == "spend" else [word for p in self.example.params.items() for word in ("-p", "=".join(p))]
        )
        graph = [] if command == "spend" else [self.example.graph.name]
        return subprocess.run(
            [sys.executable, "-m", "dagcontent", command, *graph, *rest, *params],
            cwd=self.example.graph.parent, env=self._environment, capture_output=True, text=True, timeout=500, check=False,
        )  # fmt: skip

    def build(self) -> int:
        """Build, and return how it ended."""
        made = self.run("build", "--yes")
        assert made.returncode in (0, 5), made.stdout + made.stderr
        return made.returncode

    def settled(self) -> None:
        """Check that nothing is left to make, and that what was charged is what is said to be spent."""
        charged = len(self.vendors.charges())
        assert self.build() == 0
        assert len(self.vendors.charges()) == charged
        assert self.vendors.errors() == []
        said = json.loads(self.run("spend", "--json").stdout)
        assert said["total"]["requests"] == charged
        assert (said["total"]["failed_usd"], said["total"]["reserved_usd"]) == ("0", "0")
        spent = {row["provider"]: row["spent_usd"] for row in said["rows"]}
        told = sum(one.microusd or 0 for one in self.vendors.charges("openrouter"))
        assert Decimal(spent["openrouter"]) * 1_000_000 == told


@pytest.fixture
def vendors() -> Iterator[FakeVendors]:
    with FakeVendors() as running:
        yield running


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["deck", "cut-downs", "variants"])
def test_what_is_approved_is_paid_once(name: str, tmp_path: Path, vendors: FakeVendors) -> None:
    """Texts first, then a person's word, then the rest: each once, and the books say what the vendors charged."""
    paid = Paid(name, tmp_path, vendors)
    assert paid.build() == 5
    gate = "ok" if name == "variants" else "ok[*]"
    approved = paid.run("approve", gate)
    assert approved.returncode == 0, approved.stderr
    assert paid.build() == 0
    paid.settled()


@pytest.mark.sweep
def test_a_film_waits_for_its_cast_and_its_board(tmp_path: Path, vendors: FakeVendors) -> None:
    """Clips are what costs: none is sent before the faces are chosen and the board is approved."""
    paid = Paid("short-film", tmp_path, vendors)
    assert paid.build() == 5
    for who in ("vera", "nia"):
        assert paid.run("pick", f"face[{who}]", "take=1").returncode == 0
    assert paid.build() == 5
    assert not [charge for charge in vendors.charges("fal") if "video" in charge.model]
    assert paid.run("approve", "ok").returncode == 0
    assert paid.build() == 0
    paid.settled()
