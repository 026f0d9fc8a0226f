from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
import sounds
from hypothesis import given, settings
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio

# 1,024 and 576 samples at 8 kHz: both are stored in packets, and a decoder may give the last one whole.
PACKET_MS = {"m4a": 128, "mp3": 72}


def check_trim_and_fade(studio: Studio, made: dict[str, Any], part: float, length: float) -> None:
    heard = sounds.sound(studio, **made, alignment=sounds.spoken(made["seconds"], 5))
    whole = made["seconds"]  # an AAC goes on in silence for the rest of its last packet
    start = round(part * whole * 0.9, 3)
    end = round(start + max(0.02, length * (whole - start)), 3)
    kept = studio.make("audio.trim", audio=heard, start=start, end=end)
    assert abs(kept.facts["duration_ms"] - 1000 * (end - start)) <= 1
    assert kept.facts["sample_rate"] == min(48000, heard.facts["sample_rate"])
    assert kept.facts["channels"] == min(2, heard.facts["channels"])
    words = kept.facts["alignment"]
    assert words[0]["start"] == 0.0
    assert words[-1]["end"] == pytest.approx(min(end, whole) - start, abs=0.002)
    assert all(one["end"] == pytest.approx(other["start"]) for one, other in itertools.pairwise(words))
    assert studio.plays(kept)
    faded = studio.make("audio.fade", **{"audio": kept, "in": (end - start) / 3, "out": (end - start) / 3})
    assert faded.facts["duration_ms"] == kept.facts["duration_ms"]
    assert faded.facts["alignment"] == words
    tenth = kept.facts["duration_ms"] / 10_000
    loud = [sounds.level(studio.path(faded), at * tenth, (at + 1) * tenth) for at in (0, 4, 9)]
    assert loud[1] > loud[0] + 3
    assert loud[1] > loud[2] + 3
    assert studio.plays(faded)


def check_fit_and_convert(studio: Studio, made: dict[str, Any], share: float, format_: str) -> None:
    heard = sounds.sound(studio, **made, alignment=sounds.spoken(made["seconds"], 4))
    seconds = round(sounds.length(studio, heard) * share, 3)
    fitted = studio.make("audio.fit", audio=heard, seconds=seconds, max_speed=1.5)
    assert abs(fitted.facts["duration_ms"] - 1000 * seconds) <= 1
    words = fitted.facts["alignment"]
    faster = max(1.0, 1 / share)
    assert words[-1]["end"] == pytest.approx(min(seconds, made["seconds"] / faster), abs=0.003)
    middle = words[-1]["end"] / 2
    assert sounds.level(studio.path(fitted), middle - 0.05, middle + 0.05) > -35
    if share > 1.1:
        tail = fitted.facts["duration_ms"] / 1000
        assert sounds.level(studio.path(fitted), tail - 0.02, tail) < -60
    written = studio.make("audio.convert", audio=fitted, format=format_)
    assert abs(written.facts["duration_ms"] - fitted.facts["duration_ms"]) <= PACKET_MS.get(format_, 1)
    assert written.facts["alignment"] == words
    assert written.media_type == sounds.FORMATS[format_][1]
    assert written == studio.make("audio.convert", audio=fitted, format=format_)
    assert studio.plays(fitted)
    assert studio.plays(written)


@pytest.mark.slow
@settings(max_examples=5)
@given(made=sounds.recordings(), part=st.floats(0, 1), length=st.floats(0, 1))
def test_a_part_is_as_long_as_it_was_asked_for(
    studio: Studio, made: dict[str, Any], part: float, length: float
) -> None:
    """Whatever file it comes from: and every word that is kept is where its sound is."""
    check_trim_and_fade(studio, made, part, length)


@pytest.mark.slow
@settings(max_examples=5)
@given(
    made=sounds.recordings(),
    share=st.sampled_from((0.7, 0.87, 0.999, 1.0, 1.2, 3.0)),
    format_=st.sampled_from(("mp3", "wav", "flac", "m4a", "opus")),
)
def test_what_is_fitted_has_the_length_of_its_place(
    studio: Studio, made: dict[str, Any], share: float, format_: str
) -> None:
    """A dub that is a frame too long meets its neighbour; a format that adds a gap drifts."""
    check_fit_and_convert(studio, made, share, format_)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@settings(max_examples=150)
@given(made=sounds.recordings(), part=st.floats(0, 1), length=st.floats(0, 1))
def test_many_parts(studio: Studio, made: dict[str, Any], part: float, length: float) -> None:
    """The same, for as many files as there is time for."""
    check_trim_and_fade(studio, made, part, length)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@settings(max_examples=150)
@given(
    made=sounds.recordings(), share=st.floats(0.67, 3), format_=st.sampled_from(("mp3", "wav", "flac", "m4a", "opus"))
)
def test_many_fits(studio: Studio, made: dict[str, Any], share: float, format_: str) -> None:
    """The same, for as many files as there is time for."""
    check_fit_and_convert(studio, made, share, format_)


@pytest.mark.slow
def test_a_bitrate_is_kept(studio: Studio) -> None:
    """A feed has a size that its listeners pay for."""
    heard = sounds.sound(studio, 4, rate=44100, source="anoisesrc=d=4:r=44100:c=pink:seed=1")
    small, large = (studio.make("audio.convert", audio=heard, format="mp3", bitrate=rate) for rate in (48, 192))
    assert small.size_bytes * 8 / 4000 == pytest.approx(48, rel=0.1)
    assert large.size_bytes * 8 / 4000 == pytest.approx(192, rel=0.1)


@pytest.mark.parametrize(
    ("kind", "params", "said"),
    [
        ("audio.trim", {"start": 2.0}, "`start` of audio.trim is 2 s, and `audio` is 1.00 s long"),
        ("audio.trim", {"end": 2.0}, "`end` of audio.trim is 2 s, and `audio` is 1.00 s long"),
        ("audio.trim", {"start": 0.6, "end": 0.2}, "audio.trim keeps nothing"),
        (
            "audio.fade",
            {"in": 0.6, "out": 0.6},
            "audio.fade takes 0.60 s in and 0.60 s out, and `audio` is 1.00 s long",
        ),
        ("audio.fit", {"seconds": 0.5}, "`audio` is 1.00 s long: to fit 0.5 s it would be 2.00 times as fast"),
        ("audio.convert", {"format": "flac", "bitrate": 96}, "audio.convert takes no `bitrate` for flac"),
    ],
)
def test_what_cannot_be_is_said_with_its_lengths(kind: str, params: dict[str, Any], said: str, studio: Studio) -> None:
    """The way on depends on how long it is: the message says so."""
    heard = sounds.sound(studio, 1.0)
    with pytest.raises(NodeError) as caught:
        studio.make(kind, audio=heard, **params)
    assert caught.value.message.startswith(said)
    assert caught.value.hint


def test_an_end_a_moment_too_late_is_the_end(studio: Studio) -> None:
    """Music of 30 s is seldom 30.000 s long."""
    heard = sounds.sound(studio, 1.0)
    assert studio.make("audio.trim", audio=heard, end=1.05).facts["duration_ms"] == 1000


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (lambda wav: b"", "`audio` (x.wav) is empty"),
        (lambda wav: b"words, not sound " * 9, "`audio` (x.wav) is not a recording"),
        (lambda wav: wav[: len(wav) // 2], "`audio` (x.wav) is damaged or cut off"),
        (lambda wav: b"\x89PNG\r\n\x1a\n" + wav, "`audio` (x.wav) is not a recording: its content is image"),
    ],
)
def test_files_that_are_no_recording_are_named(data: Any, said: str, studio: Studio) -> None:
    """The name is the person's, not that of a link in a work folder."""
    wav = studio.path(sounds.sound(studio, 0.5)).read_bytes()
    bad = studio.put("x.wav", data(wav), "audio", "audio/wav")
    bad.name = "x.wav"
    with pytest.raises(NodeError) as caught:
        studio.make("audio.trim", audio=bad, end=0.1)
    assert caught.value.message.startswith(said)
    assert "is expected" in str(caught.value.hint)


def test_a_clip_without_sound_is_no_recording(studio: Studio, silent: Blob) -> None:
    """A clip serves where a sound is asked for, if it has any."""
    with pytest.raises(NodeError, match=r"`audio` of audio\.convert has no sound"):
        studio.make("audio.convert", audio=silent, format="mp3")
