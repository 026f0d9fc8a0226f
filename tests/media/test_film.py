from __future__ import annotations

import subprocess
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio


def _chapters(studio: Studio, film: Blob) -> list[str]:
    argv = [ffmpeg.executable(), "-i", str(studio.path(film)), "-hide_banner"]
    said = subprocess.run(argv, capture_output=True, check=False, text=True).stderr
    return [line.split(":", 1)[1].strip() for line in said.splitlines() if line.strip().startswith("title ")]


@pytest.mark.slow
def test_clips_of_all_shapes_become_one_film_in_step(studio: Studio, clip: Blob, silent: Blob) -> None:
    """Sizes, rates and missing sound are brought together, and sound stays with its pictures."""
    film = studio.make("video.concat", clips=[clip, silent, clip], titles=["One", "a=b;#\\x", "Three"])
    facts = film.facts
    assert (facts["width"], facts["height"], facts["fps"]) == (160, 90, [12, 1])
    frames = sum(round(Fraction(c.facts["duration_ms"], 1000) * 12) for c in (clip, silent, clip))
    assert facts["duration_ms"] == round(frames * 1000 / 12)
    sound_ms = studio.sound_ms(film)
    assert sound_ms is not None
    assert abs(sound_ms - facts["duration_ms"]) < 1000 / 12
    assert [row["title"] for row in facts["chapters"]] == ["One", "a=b;#\\x", "Three"]
    assert _chapters(studio, film) == ["One", "a=b;#\\x", "Three"]
    second = facts["chapters"][2]["start"]
    words = [row for row in facts["alignment"] if row["start"] >= second]
    assert words[0]["start"] == pytest.approx(clip.facts["alignment"][0]["start"] + second, abs=0.002)
    assert studio.plays(film)


@pytest.mark.slow
@pytest.mark.parametrize("transition", ["fade", "dissolve", "wipe", "slide"])
def test_transitions_overlap_by_whole_frames(transition: str, studio: Studio, clip: Blob, silent: Blob) -> None:
    """The film is as long as its clips less the overlaps, to the frame."""
    film = studio.make("video.concat", clips=[clip, silent], transition=transition, transition_seconds=0.25)
    whole = sum(round(Fraction(c.facts["duration_ms"], 1000) * 12) for c in (clip, silent))
    assert film.facts["duration_ms"] == round((whole - 3) * 1000 / 12)
    assert studio.plays(film)


@pytest.mark.slow
@given(
    order=st.lists(st.booleans(), min_size=1, max_size=4),
    fps=st.sampled_from([10, 12.5, 23.976, 29.97, 50, 60]),
    transition=st.sampled_from(["cut", "fade"]),
    fit=st.sampled_from(["pad", "cover", "stretch"]),
)
@settings(max_examples=8)
def test_no_mixture_drifts(
    studio: Studio, clip: Blob, silent: Blob, order: list[bool], fps: float, transition: str, fit: str
) -> None:
    """Drift adds up over clips: it must be none at any rate."""
    clips = [clip if one else silent for one in order]
    params: dict[str, Any] = {
        "clips": clips,
        "fps": fps,
        "transition": transition,
        "transition_seconds": 0.2,
        "fit": fit,
    }
    film = studio.make("video.concat", **params, size="64x48")
    rate = Fraction(*film.facts["fps"])
    assert abs(float(rate) - fps) < 0.01
    overlap = round(Fraction("0.2") * rate) if transition == "fade" else 0
    frames = sum(round(Fraction(c.facts["duration_ms"], 1000) * rate) for c in clips) - overlap * (len(clips) - 1)
    assert abs(film.facts["duration_ms"] - frames / rate * 1000) < 1000 / rate
    sound_ms = studio.sound_ms(film)
    assert sound_ms is not None
    assert abs(sound_ms - film.facts["duration_ms"]) < max(1000 / rate, 22)


@pytest.mark.slow
def test_the_same_film_twice_is_the_same_bytes_with_any_threads(studio: Studio, clip: Blob, silent: Blob) -> None:
    """How many cores are free must not decide what is cached."""
    from dagcontent.media.film import concat

    digests = set()
    for threads in (1, 2, 3):
        made = concat(
            studio.call(
                "video.concat", threads=threads, clips=[clip, silent], transition="fade", transition_seconds=0.2
            )
        )
        digests.add(studio.commit(made.value).digest)
        assert set(made.made_with) == {"ffmpeg", "av"}
    assert len(digests) == 1


@pytest.mark.slow
def test_recordings_start_with_their_clips_and_are_never_cut(studio: Studio, silent: Blob, voice: Blob) -> None:
    """A narration that is longer than its last clip holds the last picture."""
    film = studio.make("video.concat", clips=[silent, silent], audio=[voice, voice])
    second = silent.facts["duration_ms"] / 1000
    assert film.facts["duration_ms"] >= voice.facts["duration_ms"] + silent.facts["duration_ms"] - 1000 / 15
    starts = [row["start"] for row in film.facts["alignment"] if row["text"] == "Hello"] or [
        row["start"] for row in film.facts["alignment"] if row["text"].startswith("Hello")
    ]
    assert starts == [pytest.approx(0.0, abs=0.01), pytest.approx(second, abs=0.01)]
    assert studio.plays(film)


def test_one_recording_lies_under_the_whole(studio: Studio, silent: Blob, voice: Blob) -> None:
    """A recording that is longer than the film ends with it, and so do its words."""
    film = studio.make("video.concat", clips=[silent], audio=voice)
    assert film.facts["duration_ms"] == 800
    assert all(row["end"] <= 0.8 for row in film.facts["alignment"])
    assert film.facts["sample_rate"] == 48000


def test_a_transition_longer_than_a_clip_is_said(studio: Studio, clip: Blob, silent: Blob) -> None:
    """The message names the clip and a length that would do."""
    with pytest.raises(NodeError, match="clip 2 is shorter than the fade") as caught:
        studio.make("video.concat", clips=[clip, silent], transition="fade", transition_seconds=1)
    assert "transition_seconds" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "params", [{"clips": []}, {"titles": ["one"]}, {"audio": []}, {"size": "10"}, {"size": "99999x2"}]
)
def test_what_does_not_fit_together_is_said(params: dict[str, Any], studio: Studio, clip: Blob) -> None:
    """A list of another length is a slip that would put titles on the wrong scenes."""
    with pytest.raises(NodeError) as caught:
        studio.make("video.concat", **{"clips": [clip, clip], **params})
    assert caught.value.hint
