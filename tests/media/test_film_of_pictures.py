from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.media import probe
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio


def _frames(blob: Blob, fps: int | Fraction) -> int:
    return math.ceil(Fraction(blob.facts["duration_ms"], 1000) * fps)


@pytest.fixture(scope="session")
def lines(studio: Studio, voice: Blob) -> Blob:
    """The subtitles of the recording."""
    blob: Blob = studio.make("subtitles.build", alignment=voice.facts["alignment"], format="vtt")
    return blob


@pytest.mark.slow
def test_a_picture_is_seen_as_long_as_its_recording_and_voices_never_meet(
    studio: Studio, card: Blob, voice: Blob
) -> None:
    """A picture waits for the next one to have come: what is said of that begins when the words before are over."""
    film = studio.make("video.concat", clips=[card, card], audio=[voice, voice], transition="fade", size="160x90")
    frames = _frames(voice, 24)
    assert film.facts["fps"] == [24, 1]
    assert film.facts["duration_ms"] == round(2 * frames * 1000 / 24)
    words = film.facts["alignment"]
    second = [row for row in words if row["text"] == words[0]["text"]][1]
    assert second["start"] == pytest.approx(frames / 24 + words[0]["start"], abs=0.002)
    assert words[len(words) // 2 - 1]["end"] <= second["start"]
    assert studio.plays(film)


@pytest.mark.slow
def test_one_picture_is_the_clip_that_from_still_makes(studio: Studio, card: Blob) -> None:
    """One camera: a film of one picture has the frames of that clip."""
    film = studio.make("video.concat", clips=[card], picture_seconds=0.5, motion="pan_left", fps=12, size="160x90")
    clip = studio.make("video.from_still", image=card, duration=0.5, motion="pan_left", fps=12, size="160x90")
    with_sound, alone = (probe.measure(studio.path(blob), "video", "video/mp4") for blob in (film, clip))
    assert with_sound["duration_ms"] == alone["duration_ms"] == 500
    assert studio.pictures(film) == studio.pictures(clip)


_ASKED = st.fixed_dictionaries(
    {
        "order": st.lists(st.sampled_from(["card", "clip", "silent"]), min_size=1, max_size=4),
        "fps": st.sampled_from([None, 10, 23.976, 30, 50]),
        "transition": st.sampled_from(["cut", "fade"]),
        "spoken": st.booleans(),
        "subtitled": st.sampled_from(["", "each", "whole"]),
    }
)


@pytest.fixture(scope="session")
def cast(card: Blob, clip: Blob, silent: Blob) -> dict[str, Blob]:
    """What may stand in a film."""
    return {"card": card, "clip": clip, "silent": silent}


@pytest.mark.slow
@given(asked=_ASKED)
@settings(max_examples=8)
def test_no_mixture_of_pictures_and_clips_drifts(
    studio: Studio, cast: dict[str, Blob], voice: Blob, lines: Blob, asked: dict[str, Any]
) -> None:
    """Whatever stands beside what: the length is that of the parts less their overlaps, and sound and pictures end together."""
    shots, spoken = [cast[name] for name in asked["order"]], asked["spoken"]
    params: dict[str, Any] = {"clips": shots, "transition": asked["transition"], "transition_seconds": 0.2}
    params |= {} if asked["fps"] is None else {"fps": asked["fps"]}
    params |= {"audio": [voice] * len(shots)} if spoken else {"picture_seconds": 0.7}
    params |= {"": {}, "each": {"subtitles": [lines] * len(shots)}, "whole": {"subtitles": lines}}[asked["subtitled"]]
    film = studio.make("video.concat", **params, size="64x48")
    rate = Fraction(*film.facts["fps"])
    overlap = round(Fraction("0.2") * rate) if asked["transition"] == "fade" and len(shots) > 1 else 0
    ends, at = [], 0
    for number, shot in enumerate(shots):
        if shot is not cast["card"]:
            seen = round(Fraction(shot.facts["duration_ms"], 1000) * rate)
        elif spoken:
            seen = _frames(voice, rate) + (overlap if number < len(shots) - 1 else 0)
        else:
            seen = round(Fraction("0.7") * rate)
        ends.append(max(at + seen, at + Fraction(voice.facts["duration_ms"], 1000) * rate if spoken else 0))
        at += seen - overlap
    assert abs(film.facts["duration_ms"] - float(max(ends) / rate * 1000)) < 1000 / rate
    sound_ms = studio.sound_ms(film)
    assert sound_ms is not None
    assert abs(sound_ms - film.facts["duration_ms"]) < max(1000 / rate, 22)
    assert studio.plays(film)


@pytest.mark.slow
def test_subtitles_are_drawn_at_the_times_of_their_clips(studio: Studio, card: Blob, voice: Blob, lines: Blob) -> None:
    """A list begins anew with each clip, one is for the whole; both are what burning them in afterwards shows."""
    plain, each, whole, lit = (
        studio.make("video.concat", clips=[card, card], audio=[voice, voice], size="160x90", **more)
        for more in (
            {},
            {"subtitles": [lines, lines]},
            {"subtitles": lines},
            {"subtitles": [lines, lines], "karaoke": True},
        )
    )
    middle = _frames(voice, 24)
    pictures = {name: studio.pictures(film) for name, film in (("plain", plain), ("each", each), ("whole", whole))}
    spoken = [row["start"] + 0.1 for row in voice.facts["alignment"]][:1]
    for second in spoken:
        first, again = round(second * 24), middle + round(second * 24)
        assert pictures["each"][first] != pictures["plain"][first]
        assert pictures["each"][again] != pictures["plain"][again]
        assert pictures["whole"][first] != pictures["plain"][first]
    assert lit.facts["content"] != each.facts["content"]
    assert each.facts["alignment"] == plain.facts["alignment"]
    assert studio.plays(each)


@pytest.mark.slow
def test_one_recording_lights_the_words_of_every_clip(studio: Studio, card: Blob, voice: Blob) -> None:
    """Its words are the film's: a clip in the middle finds those that are heard while it is seen."""
    half = voice.facts["duration_ms"] / 2000
    lines = [
        studio.make(
            "subtitles.build", alignment=voice.facts["alignment"], format="srt", start=start, end=end, offset=-start
        )
        for start, end in ((0.0, half), (half, 2 * half))
    ]
    params: dict[str, Any] = {"clips": [card, card], "audio": voice, "picture_seconds": half, "size": "160x90"}
    lit, plain = (studio.make("video.concat", **params, subtitles=lines, karaoke=karaoke) for karaoke in (True, False))
    middle = len(studio.pictures(plain)) // 2
    for shown in (slice(None, middle), slice(middle, None)):
        assert studio.pictures(lit)[shown] != studio.pictures(plain)[shown]


@pytest.mark.slow
def test_the_same_film_of_pictures_is_the_same_bytes_with_any_threads(
    studio: Studio, card: Blob, voice: Blob, lines: Blob
) -> None:
    """Pictures come through pipes, as fast as they are read: that must not be seen."""
    from dagcontent.media.film import concat

    digests = set()
    for threads in (1, 2, 3):
        params: dict[str, Any] = {
            "clips": [card, card],
            "audio": [voice] * 2,
            "subtitles": [lines] * 2,
            "size": "64x48",
        }
        made = concat(studio.call("video.concat", threads=threads, transition="fade", **params))
        digests.add(studio.commit(made.value).digest)
        assert set(made.made_with) == {"ffmpeg", "pillow", "av"}
    assert len(digests) == 1


def test_a_transition_longer_than_a_picture_says_what_its_length_is_from(
    studio: Studio, card: Blob, voice: Blob
) -> None:
    """A picture that is spoken over has no length of its own to be raised."""
    params: dict[str, Any] = {"clips": [card, card], "transition": "fade", "transition_seconds": 9}
    for more, hint in (({"audio": [voice, voice]}, "its recording longer"), ({}, "`picture_seconds` above 9")):
        with pytest.raises(NodeError, match="shorter than the fade") as caught:
            studio.make("video.concat", **params, **more)
        assert hint in (caught.value.hint or "")


def test_a_picture_that_is_none_is_named(studio: Studio, card: Blob) -> None:
    """It is opened while the film is made; the message is the picture's, not ffmpeg's."""
    broken = studio.put("torn.png", studio.path(card).read_bytes()[:300], "image", "image/png", width=160, height=90)
    with pytest.raises(NodeError, match=r"torn\.png") as caught:
        studio.make("video.concat", clips=[card, broken], picture_seconds=0.5)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"subtitles": ["lines"]}, "`subtitles` is a list of 1, and `clips` one of 2"),
        ({"transition": "fade", "picture_seconds": 0.3}, "clip 1 is shorter than the fade"),
        ({"picture_seconds": 3600, "fps": 120}, "864000 pictures"),
    ],
)
def test_what_does_not_fit_pictures_is_said(
    more: dict[str, Any], said: str, studio: Studio, card: Blob, lines: Blob
) -> None:
    """Before anything is encoded."""
    params = {name: [lines] if value == ["lines"] else value for name, value in more.items()}
    with pytest.raises(NodeError, match=said) as caught:
        studio.make("video.concat", clips=[card, card], **params)
    assert caught.value.hint
