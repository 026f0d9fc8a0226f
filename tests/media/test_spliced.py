"""Clips joined by cuts: the same pictures as they were, in sync, whatever they are made of."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dagcontent.media import probe, spliced
from dagcontent.media.probe import measure
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio

pytestmark = pytest.mark.slow


def _clips(studio: Studio, card: Blob) -> list[Blob]:
    return [
        studio.make("video.from_still", image=card, duration=seconds, size="160x90", fps=12, motion=motion)
        for seconds, motion in ((0.5, "zoom_in"), (1.3, "pan_left"), (0.75, "none"))
    ]


def _packets(studio: Studio, blob: Blob) -> list[bytes]:
    import av

    with av.open(str(studio.path(blob))) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def test_clips_of_one_coding_are_copied(studio: Studio, card: Blob, voice: Blob) -> None:
    """Every packet is there, in order; the film is as long as its clips, and plays. Twice the same bytes."""
    clips = _clips(studio, card)
    film = studio.make("video.concat", clips=clips, audio=voice, titles=["a", "b", "c"])
    assert _packets(studio, film) == [packet for clip in clips for packet in _packets(studio, clip)]
    facts, sound_ms = measure(studio.path(film), "video", "video/mp4"), studio.sound_ms(film)
    assert facts["duration_ms"] == pytest.approx(sum(clip.facts["duration_ms"] for clip in clips), abs=2)
    assert sound_ms == pytest.approx(facts["duration_ms"], abs=22)
    assert [row["title"] for row in film.facts["chapters"]] == ["a", "b", "c"]
    assert studio.plays(film)
    assert studio.make("video.concat", clips=clips, audio=voice, titles=["a", "b", "c"]).digest == film.digest


def test_what_is_seen_is_what_the_clips_show(studio: Studio, card: Blob) -> None:
    """Decoded, the spliced film is its clips to the bit: nothing was lost by another encoding."""
    import av

    def pictures(blob: Blob) -> list[bytes]:
        with av.open(str(studio.path(blob))) as container:
            return [bytes(frame.planes[0]) for frame in container.decode(video=0)]

    clips = _clips(studio, card)
    film = studio.make("video.concat", clips=clips)
    assert pictures(film) == [picture for clip in clips for picture in pictures(clip)]


def test_the_last_picture_lasts(studio: Studio, card: Blob, tmp_path: Path) -> None:
    """Pictures without any sound tell when they end themselves: a film is a whole number of them, of the clips' rate."""
    clip = studio.make("video.from_still", image=card, duration=1.0, size="64x36", fps=24)
    out = spliced.splice([studio.path(clip), studio.path(clip)], Fraction(24), tmp_path / "out.mp4")
    facts = probe.measure(out, "video", "video/mp4")
    assert (facts["duration_ms"], facts["fps"]) == (2000, [24, 1])


def test_others_are_encoded_again(studio: Studio, card: Blob, silent: Blob, voice: Blob) -> None:
    """Another size or rate, a fade, a sound that runs over the end: the film is whole all the same."""
    clips = _clips(studio, card)
    assert spliced.pictures_of(studio.path(silent), "video/mp4") is not None
    mixed = studio.make("video.concat", clips=[clips[0], silent])
    faded = studio.make("video.concat", clips=clips, transition="fade", transition_seconds=0.2)
    longer = studio.make("video.concat", clips=[clips[0], clips[2]], audio=[voice, voice])
    for film in (mixed, faded, longer):
        assert studio.plays(film)
        assert _packets(studio, film)[:6] != _packets(studio, clips[0])[:6]
    assert longer.facts["duration_ms"] >= clips[0].facts["duration_ms"] + voice.facts["duration_ms"] - 50
    webm = studio.make("video.convert", video=clips[0], format="webm")
    assert spliced.pictures_of(studio.path(webm), "video/webm") is None
    assert studio.plays(studio.make("video.concat", clips=[webm, webm]))
