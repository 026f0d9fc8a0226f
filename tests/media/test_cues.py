from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dagcontent.media.cues import Cue, Word, cues_of, spread
from dagcontent.media.subtitle_file import FORMATS, read, write

_texts = st.text("abcde.,!?—ü漢", min_size=1, max_size=14)


@st.composite
def _words(draw: st.DrawFn) -> list[Word]:
    words: list[Word] = []
    at = 0
    for text in draw(st.lists(_texts, min_size=1, max_size=40)):
        at += draw(st.integers(0, 1500))
        end = at + draw(st.integers(0, 900))
        words.append(Word(text, at, end))
        # Words of two speakers may overlap.
        at = max(0, end - draw(st.integers(0, 200)))
    return words


@given(_words(), st.integers(8, 60), st.integers(1, 4))
def test_subtitles_cover_all_words_within_their_limits_and_never_overlap(
    words: list[Word], characters: int, lines: int
) -> None:
    """These are the promises of subtitles.build; a player shows overlapping ones on top of each other."""
    cues = cues_of(words, characters, lines)
    spoken = "".join(word.text for word in words)
    assert "".join(word.text for cue in cues for word in cue.words) == spoken
    for cue in cues:
        assert cue.start < cue.end
        assert 1 <= len(cue.lines) <= lines
        assert all(0 < len(line) <= characters for line in cue.text.split("\n"))
    for cue, following in pairwise(cues):
        assert cue.end <= following.start


def test_a_sentence_ends_a_subtitle_and_a_comma_is_preferred() -> None:
    """Readers stop where speech does."""
    words = spread("One two three four, five six seven eight nine. Ten eleven.", 0, 8000)
    assert [cue.text.replace("\n", " ") for cue in cues_of(words, 20, 2)] == [
        "One two three four,",
        "five six seven eight nine.",
        "Ten eleven.",
    ]


@given(st.text(max_size=200), st.integers(0, 1000), st.integers(0, 100_000))
def test_plain_text_is_spread_without_gaps(text: str, start: int, length: int) -> None:
    """Plain text has no times: every word gets its share."""
    words = spread(text, start, start + length)
    assert [word.text for word in words] == text.split()
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times)
    if words:
        assert (words[0].start, words[-1].end) == (start, start + length)


@given(_words(), st.sampled_from(sorted(FORMATS)))
def test_files_are_read_back_as_they_were_written(words: list[Word], format: str) -> None:  # noqa: A002
    """subtitles.burn reads what subtitles.build wrote; ASS counts in hundredths."""
    cues = cues_of(words, 36, 2)
    back, timed = read(write(cues, format).encode(), FORMATS[format][0], "x")
    near = 0 if format != "ass" else 5
    shown = [cue for cue in cues if format != "ass" or round(cue.end / 10) > round(cue.start / 10)]
    assert len(back) == len(shown)
    for cue, found in zip(shown, back, strict=True):
        assert re.sub(r"\s", "", found.text) == re.sub(r"\s", "", cue.text)
        assert abs(found.start - cue.start) <= near
        assert abs(found.end - cue.end) <= near
    assert timed is (format == "ass") or format == "vtt"


def test_word_times_survive_vtt_and_ass() -> None:
    """Karaoke is burnt from the file alone."""
    cue = Cue(1000, 3000, ((Word("One", 1000, 1400), Word("two", 1500, 2000)), (Word("three.", 2100, 2600),)))
    for format in ("vtt", "ass"):  # noqa: A001
        (back,), timed = read(write([cue], format).encode(), FORMATS[format][0], "x")
        assert timed
        assert [word.start for word in back.words] == [1000, 1500, 2100]


def test_signs_that_are_commands_are_shown() -> None:
    """Text is data in every format."""
    cue = Cue(0, 1000, ((Word("a<b>", 0, 500), Word("&amp;", 500, 700), Word("-->", 700, 900)),))
    (back,), _ = read(write([cue], "vtt").encode(), "text/vtt", "x")
    assert back.text == "a<b> &amp; ->"
    brace = Cue(0, 1000, ((Word("{\\b1}x", 0, 500),),))
    (back,), _ = read(write([brace], "ass").encode(), "text/x-ssa", "x")
    assert back.text == "(/b1)x"
