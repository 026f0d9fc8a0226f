from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.plan.asked import asked_words


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("One spoken sentence of at most twelve words.", 12),
        ("Write 200 words about a lantern", 200),
        ("A 30-second voice-over", 75),
        ("two sentences of at most 10 words each", 10),
        ("three short paragraphs", 240),
        ("A title, 60 characters at most", 10),
        ("a minute of dialogue", 150),
        ("Write something about a lantern", None),
        ("", None),
    ],
)
def test_a_length_is_read_as_people_write_it(prompt: str, words: float | None) -> None:
    """What a prompt asks for is the best guess before anything was made; where it says nothing, nothing is read into it."""
    assert asked_words(prompt) == words


@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    """A prompt is anybody's text: whatever it is, it asks for nothing or for some length."""
    found = asked_words(text)
    assert found is None or found >= 0


@given(st.integers(1, 999_999), st.sampled_from(["words", "sentences", "lines", "seconds", "minutes", "pages"]))
def test_more_of_a_unit_is_never_less(count: int, unit: str) -> None:
    """A longer answer that is asked for never looks cheaper."""
    more, less = asked_words(f"Write {count} {unit}."), asked_words(f"Write {count // 2} {unit}.")
    assert more is not None
    assert less is not None
    assert more >= less
