from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dagcontent.media.carried import cut, merged, scaled, shifted, titled, within

_seconds = st.floats(0, 1000, allow_nan=False)
_rows = st.lists(
    st.tuples(_seconds, _seconds).map(lambda t: {"text": "w", "start": round(min(t), 3), "end": round(max(t), 3)}),
    max_size=8,
)


@given(_rows, _seconds)
def test_shifting_moves_every_row_alike(rows: list[dict[str, Any]], by: float) -> None:
    """A word keeps its length wherever its recording is put."""
    for before, after in zip(rows, shifted(rows, by), strict=True):
        assert abs(after["start"] - before["start"] - by) < 0.001
        assert abs((after["end"] - after["start"]) - (before["end"] - before["start"])) < 0.002


@given(_rows, _seconds)
def test_nothing_is_left_beyond_a_cut(rows: list[dict[str, Any]], until: float) -> None:
    """Words after the end of a film would be subtitles after its end."""
    kept = cut(rows, until)
    assert all(row["start"] < until and row["end"] <= until + 0.001 for row in kept)
    assert len(kept) == len([row for row in rows if row["start"] < until])


@given(_rows, _seconds, _seconds)
def test_a_part_has_the_words_that_reach_into_it(rows: list[dict[str, Any]], one: float, other: float) -> None:
    """And none that were over before it began: they would all be said at once at its beginning."""
    start, end = min(one, other), max(one, other) + 0.01
    kept = within(rows, start, end)
    inside = [row for row in rows if row["start"] < end and row["end"] > start]
    touching = [row for row in rows if row["start"] <= end and row["end"] >= start]
    clearly = [row for row in inside if row["start"] < end - 0.001]
    assert len(clearly) <= len(kept) <= len(touching)
    assert all(0 <= row["start"] <= row["end"] <= end - start + 0.001 for row in kept)


@given(_rows, st.floats(0.5, 2))
def test_words_of_what_is_faster_are_shorter(rows: list[dict[str, Any]], factor: float) -> None:
    """Each by the same share."""
    for before, after in zip(rows, scaled(rows, factor), strict=True):
        assert abs(after["start"] - before["start"] * factor) < 0.001
        assert abs(after["end"] - before["end"] * factor) < 0.001


def test_recordings_that_overlap_keep_their_words_together() -> None:
    """Words sorted by time alone would be read in turns."""
    one = [{"text": "a", "start": 1.0, "end": 2.0}, {"text": "b", "start": 3.0, "end": 4.0}]
    other = [{"text": "c", "start": 0.5, "end": 2.5}, {"text": "d", "start": 2.6, "end": 2.7}]
    assert [row["text"] for row in merged(one, other, [])] == ["c", "d", "a", "b"]


def test_chapters_end_where_the_next_begins() -> None:
    """Players jump by them."""
    assert titled(["a", " b\nc "], [0.0, 2.0], 5.0) == [
        {"title": "a", "start": 0.0, "end": 2.0},
        {"title": "b c", "start": 2.0, "end": 5.0},
    ]
