"""The examples that speak: as drafts judged by what came out, and bought from fake vendors with a person deciding."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from oracle.examples import EXAMPLES, Example, failures, lufs
from PIL import Image
from sounds import run

from dagcontent.api import BuildResult
from dagcontent.api.ledger import spend
from dagcontent.media.probe import measure
from dagcontent.testing.vendors.client import FakeVendors

SMALL = {
    "podcast": {"chapters": "2", "lines": "2", "cover": "300"},
    "dubbed-ad": {"languages": '[{"id": "de", "name": "German", "voice": "Adam"}]'},
    "presenter": {
        "size": "448x256",
        "fps": "12",
        "script": "Hello. Bend your knees, not your back.\n\nLift with your legs, and keep the box near.",
    },
}

EDITS = {
    "podcast": [
        ("takes  = 4", "takes  = 2"), ("1024x1024", "256x256"), ("maxItems = 5", "maxItems = 2"), ("maxItems = 14", "maxItems = 2"),
    ],
    "dubbed-ad": [],
    "presenter": [("takes  = 4", "takes  = 2")],
}  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples are not beside these tests"),
]


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    """One program of fake vendors for this file."""
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors) -> Iterator[FakeVendors]:
    """The same, as new."""
    program.reset()
    yield program
    assert program.errors() == []


def small(name: str, folder: Path, vendors: FakeVendors | None = None) -> Example:
    """Return an example that is made in seconds."""
    found = Example(name, folder, SMALL[name], vendors)
    for old, new in EDITS[name]:
        found.edit(old, new)
    if name == "dubbed-ad":
        _smaller(found.graph.with_name("master.mp4"))
    return found


def _smaller(clip: Path) -> None:
    whole = clip.replace(clip.with_name("whole.mp4"))
    run("-i", str(whole), "-vf", "scale=320:180,fps=12", "-preset", "ultrafast", "-c:a", "copy", str(clip))


def chapters(path: Path) -> list[tuple[float, float]]:
    """Return where the chapters of a file begin and end, in seconds."""
    with av.open(str(path)) as opened:
        return [
            (float(c["start"] * Fraction(c["time_base"])), float(c["end"] * Fraction(c["time_base"])))
            for c in opened.chapters()
        ]


def words(path: Path) -> dict[str, str]:
    """Return what stands in a file beside its sound and pictures."""
    with av.open(str(path)) as opened:
        return dict(opened.metadata)


def paid(example: Example, vendors: FakeVendors) -> None:
    """`spend` tells of every request that was charged, of nothing open, to the micro-dollar where a vendor names amounts;
    and one build more buys nothing.
    """
    charges = vendors.charges()
    told = {row.name: row for row in spend(example.store).rows}
    assert {name: row.requests for name, row in told.items()} == Counter(charge.vendor for charge in charges)
    assert not any(row.unknown or row.reserved or row.failed for row in told.values())
    named = [charge.microusd or 0 for charge in charges if charge.vendor == "openrouter"]
    assert told["openrouter"].spent == sum(named) > 0
    assert example.buy().counts["ran"] == 0
    assert len(vendors.charges()) == len(charges)


# -- podcast ----------------------------------------------------------------------------------------------------------


def test_podcast_is_an_episode_for_nothing_as_a_draft(tmp_path: Path) -> None:
    """What a directory of podcasts takes: loudness, chapters that follow each other, a square cover, words with times."""
    podcast = small("podcast", tmp_path)
    _episode(podcast, chapters_wanted=2, cover=300)
    assert podcast.build("draft").counts["ran"] == 0
    assert podcast.unbounded() == []


@pytest.mark.sweep
def test_podcast_in_full(tmp_path: Path) -> None:
    """As a new user builds it: four chapters of twelve lines."""
    podcast = Example("podcast", tmp_path)
    _episode(podcast, chapters_wanted=4, cover=3000)
    assert 120 < podcast.seconds("episode", "draft") < 300


def _episode(podcast: Example, *, chapters_wanted: int, cover: int) -> None:
    first = podcast.build("draft")
    assert (first.status, first.spent_microusd) == ("ok", 0)
    assert not [
        node.node for node in first.nodes if node.status == "ran" and "take=1" in node.node and "said" in node.node
    ]
    episode = podcast.out / "episode.mp3"
    assert lufs(episode) == pytest.approx(-16, abs=1)
    marks = chapters(episode)
    assert len(marks) == chapters_wanted
    assert marks[0][0] == pytest.approx(3, abs=0.1)
    assert all(one[1] == pytest.approx(next_one[0], abs=0.01) for one, next_one in itertools.pairwise(marks))
    assert marks[-1][1] == pytest.approx(podcast.seconds("episode", "draft"), abs=0.2)
    assert {"title": "Why the night should be dark", "artist": "Small Hours"}.items() <= words(episode).items()
    with Image.open(podcast.out / "cover.jpg") as picture:
        assert picture.size == (cover, cover)
    assert (podcast.out / "episode.vtt").read_text().startswith("WEBVTT")
    notes = (podcast.out / "shownotes.md").read_text()
    assert notes.startswith("# Why the night should be dark\n")
    assert notes.count("- **") == chapters_wanted


def test_podcast_waits_for_people_and_is_bought_once(tmp_path: Path, vendors: FakeVendors) -> None:
    """Nothing is spoken before its chapter was approved, no cover is made before one was chosen, no second take is paid for."""
    podcast = small("podcast", tmp_path, vendors)
    first = podcast.buy()
    assert first.status == "waiting"
    asked = set(first.waiting)
    assert "best" in asked
    gates = sorted(asked - {"best"})
    assert gates[0] == "approved[0]"
    assert not [node for node in first.nodes if node.node.startswith("said[") and node.status == "ran"]
    podcast.approve("approved[*]")
    podcast.pick("best", "take=1")
    second = podcast.buy()
    assert failures(second) == []
    assert second.status == "ok"
    said = [node.node for node in second.nodes if node.node.startswith("said[") and node.status == "ran"]
    assert said
    assert all(name.endswith("take=0]") for name in said)
    assert len(chapters(podcast.out / "episode.mp3")) == len(gates)
    paid(podcast, vendors)


# -- dubbed advertisement ---------------------------------------------------------------------------------------------


def test_dubbed_ad_is_as_long_as_its_master_for_nothing_as_a_draft(tmp_path: Path) -> None:
    """Each language has the master's pictures and length, a voice in the master's slots, and captions at those times."""
    dubbed = small("dubbed-ad", tmp_path)
    _dubbed(dubbed, ["de"], size=(320, 180))
    assert dubbed.unbounded() == []
    dubbed.params["languages"] = (
        '[{"id": "de", "name": "German", "voice": "Adam"}, {"id": "fr", "name": "French", "voice": "Rachel"}]'
    )
    again = dubbed.build("draft")
    assert again.status == "ok"
    made = {node.node for node in again.nodes if node.status == "ran"}
    assert "ad[fr]" in made
    assert not [name for name in made if "[de" in name]


@pytest.mark.sweep
def test_dubbed_ad_in_full(tmp_path: Path) -> None:
    """As a new user builds it: six languages."""
    _dubbed(Example("dubbed-ad", tmp_path), ["de", "fr", "es", "it", "pt", "nl"], size=(640, 360))


def _dubbed(dubbed: Example, languages: list[str], *, size: tuple[int, int]) -> None:
    first = dubbed.build("draft")
    assert (first.status, first.spent_microusd) == ("ok", 0)
    for language in languages:
        film = dubbed.out / f"{language}.mp4"
        facts = measure(film, "video", "video/mp4")
        assert (facts["width"], facts["height"]) == size
        assert facts["duration_ms"] == pytest.approx(10_933, abs=120)
        assert lufs(film) == pytest.approx(-18, abs=1)
        captions = (dubbed.out / f"{language}.srt").read_text()
        assert [line[:12] for line in captions.splitlines() if " --> " in line] == [
            "00:00:00,500",
            "00:00:04,200",
            "00:00:07,900",
        ]
        assert (dubbed.out / f"report-{language}.txt").stat().st_size


def test_dubbed_ad_waits_for_its_reviewers_and_is_bought_once(tmp_path: Path, vendors: FakeVendors) -> None:
    """Nothing is spoken in a language that nobody approved; what fits in full is not bought in short."""
    dubbed = small("dubbed-ad", tmp_path, vendors)
    dubbed.params["transcript"] = (EXAMPLES / "dubbed-ad/master.json").read_text()
    first = dubbed.buy()
    assert failures(first) == []
    assert (first.status, list(first.waiting)) == ("waiting", ["review[de]"])
    assert not [node for node in first.nodes if node.node.startswith("said") and node.status == "ran"]
    dubbed.approve("review[de]")
    second = dubbed.buy()
    assert failures(second) == []
    assert second.status == "ok"
    ran = {node.node for node in second.nodes if node.status == "ran"}
    assert {"said[de,0]", "said[de,1]", "said[de,2]"} <= ran
    assert not [name for name in ran if name.startswith("said_short")]
    assert measure(dubbed.out / "de.mp4", "video", "video/mp4")["duration_ms"] == pytest.approx(10_933, abs=120)
    paid(dubbed, vendors)


# -- presenter --------------------------------------------------------------------------------------------------------


def test_presenter_speaks_its_script_for_nothing_as_a_draft(tmp_path: Path) -> None:
    """The film is its parts less the fades, has a chapter for each, and says from the first picture on what was generated."""
    presenter = small("presenter", tmp_path)
    _presented(presenter, parts=2, size=(448, 256))
    assert presenter.unbounded() == []


@pytest.mark.sweep
def test_presenter_in_full(tmp_path: Path) -> None:
    """As a new user builds it: five parts, 1280x720."""
    _presented(Example("presenter", tmp_path), parts=5, size=(1280, 720))


def _presented(presenter: Example, *, parts: int, size: tuple[int, int]) -> None:
    first = presenter.build("draft")
    assert (first.status, first.spent_microusd) == ("ok", 0)
    film = presenter.out / "presenter.mp4"
    facts = measure(film, "video", "video/mp4")
    assert (facts["width"], facts["height"]) == size
    spoken = sum(presenter.seconds(f"voice[{part}]", "draft") for part in range(parts))
    assert facts["duration_ms"] / 1000 == pytest.approx(spoken - 0.3 * (parts - 1), abs=0.25)
    assert lufs(film) == pytest.approx(-16, abs=1)
    assert len(chapters(film)) == parts
    assert words(film)["artist"] == "Alma Reyes. Presenter and voice are generated"
    assert min(_letters(film)) > 0
    assert "knees" in (presenter.out / "presenter.srt").read_text()


def _letters(film: Path) -> Iterator[int]:
    """Yield how many bright px there are where the disclosure stands, of one picture a second."""
    with av.open(str(film)) as opened:
        for picture in opened.decode(video=0):
            if picture.time is not None and picture.time % 1 < 1 / 12:
                whole = picture.to_image().convert("L")
                band = whole.crop((whole.width // 20, whole.height // 30, whole.width * 2 // 5, whole.height // 11))
                yield sum(band.histogram()[140:])


def test_presenter_has_the_face_that_was_chosen_and_is_bought_once(tmp_path: Path, vendors: FakeVendors) -> None:
    """The clips, the dear part, wait for the face; no voice and no slide does."""
    presenter = small("presenter", tmp_path, vendors)
    first = presenter.buy()
    assert failures(first) == []
    assert (first.status, list(first.waiting)) == ("waiting", ["face"])
    assert {"voice[0]", "slide[1]"} <= ran(first)
    assert "talk[0]" not in ran(first)
    presenter.pick("face", "take=1")
    second = presenter.buy()
    assert failures(second) == []
    assert second.status == "ok"
    assert not [name for name in ran(second) if name.startswith(("said", "words", "portrait"))]
    paid(presenter, vendors)


def ran(result: BuildResult) -> set[str]:
    """Return what was made."""
    return {node.node for node in result.nodes if node.status == "ran"}
