from __future__ import annotations

from array import array
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.media.speech import aligned, words_in
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio

TEXT = "Hello, world! In 1999 Dr. Smith's well-known e-mail — really — cost $5.50… “Why?”"


def test_every_word_of_the_text_has_its_time(studio: Studio) -> None:
    """Subtitles and lit words are made of these; a missing word would be missing in the film."""
    blob = studio.make("speech.generate", "espeak", text=TEXT, voice="Rachel")
    words = blob.facts["alignment"]
    assert [word["text"] for word in words] == TEXT.split()
    for word, following in pairwise(words):
        assert 0 <= word["start"] <= word["end"] <= following["start"]
        assert word["start"] == round(word["start"], 3)
    assert words[-1]["end"] <= blob.facts["duration_ms"] / 1000
    # Numbers take their time: eSpeak NG's own word times are used, not the length of the letters.
    times = {word["text"]: word["end"] - word["start"] for word in words}
    assert times["1999"] > 2 * times["Smith's"]
    assert studio.plays(blob)


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 70), st.integers(0, 5000)), max_size=20))
def test_alignment_is_total_and_ordered_whatever_is_reported(text: str, events: list[tuple[int, int]]) -> None:
    """A synthesiser that skips or repeats words must not lose any."""
    samples = array("h", [1000] * 4000)
    rows = aligned(text, [list(event) for event in sorted(events)], samples, 1000)
    assert [row["text"] for row in rows] == [word for word, _, _ in words_in(text)]
    assert "".join(row["text"] for row in rows) == "".join(text.split())
    times = [time for row in rows for time in (row["start"], row["end"])]
    assert times == sorted(times)


@pytest.mark.slow
def test_same_words_same_bytes_other_voice_other_bytes(studio: Studio) -> None:
    """Free work is cached by content: it must not differ from run to run."""
    made = [
        studio.make("speech.generate", "espeak", text="One two", voice=v) for v in ("Rachel", "Rachel", "Adam", "de")
    ]
    assert made[0] == made[1]
    assert len({blob.digest for blob in made}) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "media_type"),
    [("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("flac", "audio/flac"), ("opus", "audio/ogg")],
)
def test_formats_play_and_keep_their_words(format: str, media_type: str, studio: Studio) -> None:  # noqa: A002
    """A vendor may return any of them, so the stand-in must be able to."""
    blob, again = (
        studio.make("speech.generate", "espeak", text="Hi there", voice="en-us", format=format) for _ in range(2)
    )
    assert blob == again
    assert blob.media_type == media_type
    assert studio.plays(blob)
    assert [row["text"] for row in blob.facts["alignment"]] == ["Hi", "there"]


def test_speed_shortens_sound_and_words_alike(studio: Studio) -> None:
    """Words must stay where their sound is, beyond the synthesiser's own range too."""
    slow, plain, fast = (
        studio.make("speech.generate", "espeak", text="One two three four five", voice="x", speed=speed)
        for speed in (0.25, 1.0, 4.0)
    )
    assert slow.facts["duration_ms"] > 2 * plain.facts["duration_ms"]
    assert plain.facts["alignment"][-1]["end"] > 2 * fast.facts["alignment"][-1]["end"]
    for blob in (slow, plain, fast):
        assert blob.facts["alignment"][-1]["end"] <= blob.facts["duration_ms"] / 1000


def test_a_language_that_is_not_there_is_answered_with_near_ones(studio: Studio) -> None:
    """A wrong code is a slip of the hand."""
    with pytest.raises(NodeError, match="no language 'xx'") as caught:
        studio.make("speech.generate", "espeak", text="Hi", voice="Rachel", language="xx")
    assert "nearest" in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["", "  \n ", "...", "—"])
def test_nothing_to_say_is_said(text: str, studio: Studio) -> None:
    """Silence in a film would be found by its viewers."""
    with pytest.raises(NodeError) as caught:
        studio.make("speech.generate", "espeak", text=text, voice="Rachel")
    assert caught.value.hint


@pytest.mark.slow
def test_text_is_data(studio: Studio) -> None:
    """Markup, options and control signs in a text are spoken or left out, never obeyed."""
    for text in ("--help me", "<speak>Hi</speak>", "a\x00b c", "[[h@'loU]] you", "x" * 3000):
        blob: Blob = studio.make("speech.generate", "espeak", text=text, voice="Rachel")
        assert blob.facts["alignment"]


@pytest.mark.slow
@pytest.mark.parametrize("voice", ["Rachel", "Adam", "en-gb"])
def test_a_recording_ends_with_a_breath(voice: str, studio: Studio) -> None:
    """The fade between two clips takes half a second: it may take silence, never the last word."""
    blob = studio.make("speech.generate", "espeak", text="The day need not end.", voice=voice)
    last = blob.facts["alignment"][-1]["end"]
    assert 0.45 <= blob.facts["duration_ms"] / 1000 - last <= 0.55
