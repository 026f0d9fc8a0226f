from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dagcontent.errors import NodeError
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio


def _read(studio: Studio, **params: Any) -> str:
    return studio.path(studio.make("subtitles.build", **params)).read_text("utf-8")


def test_from_spoken_words(studio: Studio, voice: Blob) -> None:
    """The main way: the words of a recording."""
    text = _read(studio, alignment=voice.facts["alignment"])
    assert text.startswith("1\n00:00:00,000 --> ")
    assert "Hello there." in text
    assert "Good day!" in text


def test_from_a_transcript_with_and_without_words(studio: Studio) -> None:
    """Some vendors time words, some only sentences."""
    segments = [{"id": 0, "start": 1.0, "end": 3.0, "text": "Hello there you"}]
    words = [{"text": "Hello", "start": 1.0, "end": 1.5}]
    assert "00:00:01,000 --> 00:00:03,150" in _read(studio, transcript={"segments": segments, "words": []})
    assert "Hello there" not in _read(studio, transcript={"segments": segments, "words": words})


def test_from_plain_text_by_duration_or_pace(studio: Studio) -> None:
    """Plain text needs a length: given, or by its words."""
    assert "00:00:01,942 --> 00:00:04,150" in _read(studio, text="One two. Four six.", duration=4)
    assert _read(studio, text="One two", words_per_second=0.5).startswith("1\n00:00:00,000 --> 00:00:04")


def test_start_end_and_offset_choose_and_shift(studio: Studio) -> None:
    """A cut-down shows a part of the words, from its own beginning."""
    words = [{"text": f"w{n}.", "start": float(n), "end": n + 0.5} for n in range(6)]
    text = _read(studio, alignment=words, start=2, end=4, offset=-2.0)
    assert "w2." in text
    assert "w3." in text
    assert "w1." not in text
    assert "w4." not in text
    assert text.startswith("1\n00:00:00,000")


@pytest.mark.parametrize(
    "params",
    [
        {"alignment": []},
        {"alignment": [{"text": "a"}]},
        {"alignment": [{"text": "a", "start": "0", "end": 1}]},
        {"alignment": {"text": "a"}},
        {"transcript": "no"},
        {"transcript": {"segments": None}},
        {"text": "  "},
        {"alignment": [{"text": "a", "start": 0, "end": 1}], "start": 5},
        {"alignment": [{"text": "a", "start": float("nan"), "end": 1}]},
    ],
)
def test_what_has_no_words_or_times_is_said(params: dict[str, Any], studio: Studio) -> None:
    """An empty subtitle file would pass unseen into the film."""
    with pytest.raises(NodeError) as caught:
        studio.make("subtitles.build", **params)
    assert caught.value.hint
