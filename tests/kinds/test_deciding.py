"""What an assertion lets through, and what it says of the rest."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.kinds.registry import KINDS
from dagcontent.values.value import Blob, Digest

ASSERT = KINDS["assert"]
NUMBERS = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False)


def checked(value: Any, **bounds: Any) -> Any:
    """Return what comes of a value."""
    assert ASSERT.evaluate is not None
    return ASSERT.evaluate({"value": value, **bounds})


def refused(value: Any, **bounds: Any) -> str:
    """Return what is said of a value that does not pass."""
    with pytest.raises(NodeError) as raised:
        checked(value, **bounds)
    assert raised.value.hint
    return raised.value.message


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_number_passes_between_its_bounds_and_nowhere_else(value: float, least: float, most: float) -> None:
    """What passes is the value itself: nothing of it is lost on the way."""
    if least <= value <= most:
        assert checked(value, min=least, max=most) is value
    else:
        assert ("less" if value < least else "more") in refused(value, min=least, max=most)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    )
)
def test_a_value_equals_itself(value: Any) -> None:
    """Whatever JSON there is."""
    assert checked(value, equals=value) == value


@pytest.mark.parametrize(
    ("value", "other"),
    [(1, True), (0, False), (1, "1"), ([1], [1, 2]), ({"a": True}, {"a": 1}), ({"a": 1}, {"b": 1}), (None, 0)],
)
def test_what_only_looks_the_same_is_not(value: Any, other: Any) -> None:
    """A model that says `true` where a number is meant has not said 1."""
    refused(value, equals=other)
    refused(other, equals=value)


def test_numbers_are_equal_by_meaning_and_artifacts_by_content() -> None:
    """Whether a vendor writes 1 or 1.0 is no difference; what a recording is called is none either."""
    one, same = (Blob(Digest("a" * 64), "audio", "audio/wav", 3, {}, name) for name in ("x.wav", None))
    assert checked({"n": [1.0]}, equals={"n": [1]}) == {"n": [1.0]}
    assert checked(one, equals=same) is one
    assert refused(one, equals=Blob(Digest("b" * 64), "audio", "audio/wav", 3, {})) == (
        "`value` is audio aaaaaaaaaaaa, and should be audio bbbbbbbbbbbb"
    )


def test_text_matches_where_the_pattern_is_found() -> None:
    """As in JSON Schema: the ends are said where they are meant."""
    assert checked("A hare.", matches="hare") == "A hare."
    assert checked("Zebra", matches="^Z.*a$") == "Zebra"
    assert refused("a hare", matches="^[A-Z]") == '`value` is "a hare", and does not match "^[A-Z]"'


@pytest.mark.parametrize(
    ("value", "bounds", "said"),
    [
        (0.25, {"min": 0.5}, "`value` is 0.25, less than `min` = 0.5"),
        (7, {"max": 5.0}, "`value` is 7, more than `max` = 5"),
        ("7", {"max": 5.0}, '`value` is "7", and `max` is for numbers'),
        (True, {"min": 0.0}, "`value` is true, and `min` is for numbers"),
        (7, {"matches": "7"}, "`value` is 7, and `matches` is for text"),
        ("x", {"matches": "("}, "`matches` is no regular expression: missing ), unterminated subpattern at position 0"),
        (False, {"equals": True}, "`value` is false, and should be true"),
        ("x" * 100, {"equals": "y"}, f'`value` is "{"x" * 56}..., and should be "y"'),
        (math.inf, {"max": 5.0}, "`value` is Infinity, more than `max` = 5"),
    ],
)
def test_what_is_wrong_is_said_with_both_values(value: Any, bounds: dict[str, Any], said: str) -> None:
    """Whoever reads it should not have to look the value up."""
    assert refused(value, **bounds) == said
