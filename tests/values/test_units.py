from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.catalog.effective import effective
from dagcontent.catalog.model import Unit
from dagcontent.kinds.registry import KINDS
from dagcontent.values.money import MOST_USD, budget_for, microusd, typed_usd
from dagcontent.values.quote import Charge, Quote
from dagcontent.values.units import MEASURES, MILLIONTHS, amount_text, amounts_of


def charge(unit: str, high: float | None) -> Charge:
    """A component of which only the most matters here."""
    return Charge(unit=unit, low=0, expected=None, high=high, nano=1, bound_nano=1)


def test_every_unit_of_a_price_list_can_be_capped() -> None:
    """A unit that the catalog knows and a budget does not would go uncounted."""
    assert set(MEASURES) == set(Unit.__args__)  # type: ignore[attr-defined]


@given(st.lists(st.tuples(st.sampled_from(sorted(MEASURES)), st.floats(0, 1e6)), min_size=1, max_size=4))
def test_amounts_add_up_and_are_never_less_than_quoted(quoted: list[tuple[str, float]]) -> None:
    """Minutes and seconds are one measure; what is rounded is rounded up."""
    amounts = amounts_of(Quote(charges=tuple(charge(*one) for one in quoted)), "text")
    for measure, millionths in amounts.items():
        exact = sum(
            high * (1 if unit == "1000 characters" else MEASURES[unit][1])
            for unit, high in quoted
            if MEASURES[unit][0] == measure
        )
        assert millionths is not None
        assert millionths >= math.floor(exact * MILLIONTHS)
        assert measure == "call" or millionths <= exact * MILLIONTHS + len(quoted) + exact * 1e-6
    assert (amounts["call"] or 0) >= MILLIONTHS


@pytest.mark.parametrize("high", [None, math.inf, math.nan, -1.0, 1e300])
def test_what_is_no_amount_is_unknown(high: float | None) -> None:
    """An amount that nobody can say is not nothing, and spoils the sum it is part of."""
    quote = Quote(charges=(charge("second", 3), charge("minute", high), charge("image", 1)))
    assert amounts_of(quote, "video") == {"second": None, "image": MILLIONTHS, "call": MILLIONTHS}


def test_without_a_price_all_but_the_call_is_unknown() -> None:
    """Nobody knows how an unlisted model is billed; that it is one call, and perhaps one picture, is certain."""
    amounts = amounts_of(Quote(basis="most"), "image")
    assert {amounts.pop("call"), amounts.pop("image")} == {MILLIONTHS}
    assert set(amounts.values()) == {None}


@pytest.mark.parametrize(
    ("model", "kind", "params", "measure", "units"),
    [
        ("elevenlabs/eleven_multilingual_v2", "speech.generate", {"text": "x" * 2500, "voice": "Rachel"}, "character", 2500),
        ("elevenlabs/music_v1", "music.generate", {"prompt": "x", "duration": 30}, "second", 30),
        ("fal/fal-ai/flux/dev", "image.generate", {"prompt": "x", "size": "512x512"}, "image", 1),
    ],
)  # fmt: skip
def test_amounts_are_of_real_quotes(model: str, kind: str, params: dict[str, object], measure: str, units: int) -> None:
    """Characters are characters and a minute's price counts seconds, as the catalog's own quotes have them."""
    fit = effective(model, KINDS[kind], params)
    assert amounts_of(fit.quote, KINDS[kind].output.name)[measure] == units * MILLIONTHS


@pytest.mark.parametrize(
    ("millionths", "measure", "text"),
    [(MILLIONTHS, "image", "1 image"), (2_500_000, "second", "2.5 seconds"), (0, "call", "0 calls"),
     (500_000 * MILLIONTHS, "character", "500,000 characters")],
)  # fmt: skip
def test_amounts_in_words(millionths: int, measure: str, text: str) -> None:
    """People read pictures and seconds, not millionths."""
    assert amount_text(millionths, measure) == text


@given(st.integers(0, MOST_USD * 1_000_000))
def test_typed_dollars_are_exact(amount: int) -> None:
    """A budget is what was typed, to the millionth; and the budget that is proposed is accepted."""
    text = f"{amount // 10**6}.{amount % 10**6:06d}"
    assert typed_usd(text) == typed_usd(f"${text}") == microusd(text) == amount
    if amount < MOST_USD * 1_000_000 - 10_000:
        assert typed_usd(budget_for(amount)) >= amount


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ten", "no amount"), ("", "no amount"), ("nan", "no amount"), ("inf", "no amount"), ("1e300", "no amount"),
        ("1_000", "no amount"), ("٣", "no amount"), ("2,50", "no amount"), (".", "no amount"), ("--1", "no amount"),
        ("-1", "less than nothing"), ("-0.01", "less than nothing"), ("9" * 30, "more than can be meant"),
        ("1000000.01", "more than can be meant"), ("0.0000001", "more than six decimals"),
    ],
)  # fmt: skip
def test_what_is_no_budget_is_told_what_it_is(text: str, said: str) -> None:
    """One word for each slip; nothing is rounded or guessed into a limit."""
    with pytest.raises(ValueError, match=said):
        typed_usd(text)
