from __future__ import annotations

import hashlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import values as oracle

from dagcontent.errors import InternalError, NodeError
from dagcontent.values.canonical import BY_DIGEST_ABOVE_BYTES, Encoder
from dagcontent.values.value import UNKNOWN, Blob, Digest


@given(oracle.VALUES, oracle.VALUES, st.booleans())
def test_equal_bytes_are_equal_meaning(a: object, b: object, carry: bool) -> None:
    """Were two different requests to share bytes, one would be answered with the other's result."""
    same_bytes = Encoder().encode(a, carry=carry) == Encoder().encode(b, carry=carry)
    assert same_bytes == (oracle.meaning(a, carry=carry) == oracle.meaning(b, carry=carry))


@given(oracle.VALUES, st.booleans())
def test_encoder_agrees_with_its_description(value: object, carry: bool) -> None:
    """Two encoders written apart make one mistake less likely to be frozen into every key."""
    assert Encoder().encode(value, carry=carry) == oracle.encode(value, carry=carry)


@given(st.lists(oracle.VALUES, max_size=4), st.booleans())
def test_memory_changes_no_bytes(values: list[object], carry: bool) -> None:
    """An encoder remembers large containers; what it met before must not leak into what it says next."""
    large = [[value, "x" * 300] for value in values]
    one = Encoder()
    for value in [*large, *large, large]:
        assert one.encode(value, carry=carry) == oracle.encode(value, carry=carry)
        assert one.encode(value, carry=not carry) == oracle.encode(value, carry=not carry)


@given(st.dictionaries(oracle.TEXT, oracle.SCALARS, max_size=6), st.randoms(use_true_random=False))
def test_tables_have_no_order(table: dict[str, object], random: object) -> None:
    """Moving a line inside a TOML table must not buy anything again."""
    rows = list(table.items())
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert Encoder().encode(dict(rows)) == Encoder().encode(table)


@pytest.mark.parametrize("near", [[1, 1.0, "1", True], [0, 0.0, False, None, "", [], {}], [["ab"], ["a", "b"], "ab"]])
def test_near_values_differ(near: list[object]) -> None:
    """Values that Python or a careless join would call equal are different requests."""
    assert len({Encoder().encode(value) for value in near}) == len(near)


def test_text_is_not_normalised() -> None:
    """A prompt is data: a model may well answer two spellings of a letter differently."""
    assert Encoder().encode("é") != Encoder().encode("e\u0301")


def test_minus_zero_is_zero() -> None:
    """No request can tell them apart, so neither may a key."""
    assert Encoder().encode(-0.0) == Encoder().encode(0.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_beyond_a_request_are_refused(value: float) -> None:
    """NaN is not even equal to itself: a key made of it would never be found again."""
    with pytest.raises(NodeError, match="not a number") as caught:
        Encoder().encode({"deep": [value]})
    assert caught.value.hint


def test_what_is_still_unknown_has_no_bytes() -> None:
    """A key made before its inputs are there would be a wrong key, so it is a fault of ours."""
    with pytest.raises(InternalError):
        Encoder().encode([UNKNOWN])


def test_large_containers_enter_by_digest() -> None:
    """Ten thousand instances that share a list hash it once: their keys hold 33 bytes of it."""
    at_limit = ["x" * (BY_DIGEST_ABOVE_BYTES - len(b"l1:s1018:"))]
    over = [at_limit[0] + "x"]
    plain = oracle.encode(at_limit[0])
    assert Encoder().encode(at_limit) == b"l1:" + plain
    assert Encoder().encode(over) == b"D" + hashlib.sha256(b"l1:" + oracle.encode(over[0])).digest()


def test_facts_count_where_they_are_carried() -> None:
    """Two recordings of the same bytes with other word times give other subtitles, but the same mix."""
    early, late = (
        Blob(Digest("00" * 32), "audio", "audio/wav", 1, {"duration_ms": n, "alignment": [{"text": "a", "start": n}]})
        for n in (1, 2)
    )
    assert Encoder().encode(early) == Encoder().encode(late)
    assert Encoder().encode(early, carry=True) != Encoder().encode(late, carry=True)
