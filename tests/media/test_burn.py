from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.media.burn import _Look, placed, script
from dagcontent.media.cues import Word, cues_of, spread
from dagcontent.media.fonts import BUILT_IN
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio

LOOK = _Look(160, 90, BUILT_IN, 8, "bottom")


@pytest.mark.slow
@pytest.mark.parametrize("format", ["srt", "vtt", "ass"])
@pytest.mark.parametrize("karaoke", [False, True])
def test_subtitles_are_drawn_and_everything_else_is_kept(
    format: str,  # noqa: A002 - the parameter's name
    karaoke: bool,
    studio: Studio,
    clip: Blob,
) -> None:
    """Pictures change; length, sound, words and chapters do not."""
    file = studio.make("subtitles.build", alignment=clip.facts["alignment"], format=format)
    burnt, again = (studio.make("subtitles.burn", video=clip, subtitles=file, karaoke=karaoke) for _ in range(2))
    assert burnt == again
    assert burnt.facts["content"] != clip.facts["content"]
    for name in ("duration_ms", "width", "height", "fps", "sample_rate", "alignment"):
        assert burnt.facts[name] == clip.facts[name]
    assert studio.plays(burnt)


@pytest.mark.slow
def test_karaoke_lights_words(studio: Studio, clip: Blob) -> None:
    """A flag that did nothing would look like a success."""
    file = studio.make("subtitles.build", alignment=clip.facts["alignment"], format="ass")
    plain, lit = (studio.make("subtitles.burn", video=clip, subtitles=file, karaoke=flag) for flag in (False, True))
    assert plain.facts["content"] != lit.facts["content"]


def test_karaoke_without_word_times_is_said(studio: Studio, silent: Blob) -> None:
    """Subtitles that say nothing of their words cannot light them."""
    file = studio.put("a.srt", b"1\n00:00:00,000 --> 00:00:00,700\nHello there\n", "subtitles", "application/x-subrip")
    with pytest.raises(NodeError, match="karaoke"):
        studio.make("subtitles.burn", video=silent, subtitles=file, karaoke=True)
    assert studio.make("subtitles.burn", video=silent, subtitles=file).facts["duration_ms"] == 800


@given(st.lists(st.text("abc .", min_size=1, max_size=12), min_size=1, max_size=12), st.booleans())
def test_events_never_overlap_and_every_word_is_shown(texts: list[str], karaoke: bool) -> None:
    """Libass moves an event that overlaps another to a new place: the text would jump."""
    words = [word for i, text in enumerate(texts) for word in spread(text, i * 1000, i * 1000 + 900)]
    cues = cues_of(words, 20, 2)
    rows = [row for row in script(cues, LOOK, karaoke=karaoke).splitlines() if row.startswith("Dialogue")]
    times = [time for row in rows for time in row.split(",")[1:3]]
    assert times == sorted(times)
    shown = [re.sub(r"\{[^}]*\}|\\N| ", "", row.split(",", 9)[9]) for row in rows]
    # An event a word: the same lines again and again.
    distinct = [text for i, text in enumerate(shown) if not karaoke or i == 0 or text != shown[i - 1]]
    expected = ["".join(word.text for word in cue.words) for cue in cues]
    if karaoke:
        expected = [text for i, text in enumerate(expected) if i == 0 or text != expected[i - 1]]
    assert distinct == expected


@given(st.lists(st.sampled_from(["one", "two", "three"]), min_size=1, max_size=10))
def test_words_of_the_clip_give_their_times(texts: list[str]) -> None:
    """Subtitles without word times take them from the clip's own words."""
    words = [Word(text, i * 500, i * 500 + 400) for i, text in enumerate(texts)]
    rows = [{"text": w.text.upper() + ",", "start": w.start / 1000, "end": w.end / 1000} for w in words]
    cues = cues_of(words, 16, 2)
    assert [w.start for cue in placed(cues, rows) for w in cue.words] == [w.start for w in words]


def test_letters_that_no_font_has_are_named(studio: Studio, silent: Blob) -> None:
    """Empty boxes in a finished film are worse than a message."""
    text = "1\n00:00:00,000 --> 00:00:00,700\nHello \U0001d2e0\n".encode()
    file = studio.put("b.srt", text, "subtitles", "application/x-subrip")
    with pytest.raises(NodeError, match="\U0001d2e0"):
        studio.make("subtitles.burn", video=silent, subtitles=file)


def test_a_font_that_is_not_installed_is_said(studio: Studio, silent: Blob) -> None:
    """Libass would take another face without a word."""
    file = studio.put("c.srt", b"1\n00:00:00,000 --> 00:00:00,700\nHello\n", "subtitles", "application/x-subrip")
    with pytest.raises(NodeError, match="Comic Papyrus"):
        studio.make("subtitles.burn", video=silent, subtitles=file, font="Comic Papyrus")


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"WEBVTT\n\n", b"1\n00:00:01,000 --> 00:00:00,000\nback\n"])
def test_a_file_without_subtitles_is_named(data: bytes, studio: Studio, silent: Blob) -> None:
    """A broken subtitle file fails its own node, by name."""
    file = studio.put("d.srt", data, "subtitles", "application/x-subrip")
    with pytest.raises(NodeError, match=r"d\.srt"):
        studio.make("subtitles.burn", video=silent, subtitles=file)
