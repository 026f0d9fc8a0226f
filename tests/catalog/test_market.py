from __future__ import annotations

import datetime
import importlib.util

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.catalog import price_book
from dagcontent.catalog.effective import effective
from dagcontent.catalog.load import find, models
from dagcontent.catalog.market import Market
from dagcontent.catalog.model import Price, Rate
from dagcontent.kinds.registry import KINDS

FLUX = "fal/fal-ai/flux/dev"
DAY = datetime.date(2026, 11, 30)
with_package = pytest.mark.skipif(
    importlib.util.find_spec("genai_prices") is None, reason="the extra `prices` is not installed"
)


def price(unit: str, nano: int, **more: object) -> Price:
    return Price(unit=unit, rates=(Rate(list_nano=nano, bound_nano=nano),), source="mine", date=DAY, **more)  # type: ignore[arg-type]


def test_the_users_price_takes_the_place_of_the_catalogs() -> None:
    """Who has a contract pays by it; the catalog's rows of that model count no more, also for the bound."""
    market = Market(own={FLUX: (price("image", 11_000_000),)})
    found = effective(FLUX, KINDS["image.generate"], {"prompt": "x", "size": "2048x2048"}, market=market).quote
    assert (found.low, found.expected, found.high) == (11_000, 11_000, 11_000)
    assert [(charge.source, charge.date) for charge in found.charges] == [("mine", "2026-11-30")]


def test_a_price_of_one_model_is_no_other_models() -> None:
    """An override that leaked would price what nobody meant."""
    market = Market(own={FLUX: (price("image", 1),)})
    other = "fal/fal-ai/flux-2-pro"
    request = (other, KINDS["image.generate"], {"prompt": "x"})
    assert effective(*request, market=market).quote == effective(*request).quote


@given(st.integers(1, 10_000), st.integers(1, 2_000_000))
def test_credits_cost_what_the_plan_says(characters: int, nano: int) -> None:
    """A plan bills a credit a character, half of that on the fast models: the factor makes dollars of it, exactly."""
    market = Market(credit_nano={"elevenlabs": nano})
    for model, each in (("eleven_multilingual_v2", 1.0), ("eleven_flash_v2_5", 0.5)):
        asked = {"text": "x" * characters, "voice": "Rachel"}
        found = effective(f"elevenlabs/{model}", KINDS["speech.generate"], asked, market=market).quote
        assert found.expected == found.high == -(-characters * round(each * nano) // 1_000)


def test_what_has_no_credits_keeps_its_price_in_dollars() -> None:
    """A factor says nothing of a model whose credits nobody published."""
    market = Market(credit_nano={"elevenlabs": 1})
    for model in models("elevenlabs"):
        for was, now in zip(model.prices, market.prices_of(model), strict=True):
            assert (was == now) == (was.credits is None)


@with_package
def test_a_package_prices_what_no_catalog_knows() -> None:
    """A chat model that is not catalogued has the package's price, with its name and version; its bound is above it."""
    assert find("openai/gpt-4o") is None or not find("openai/gpt-4o").prices  # type: ignore[union-attr]
    found = effective("openai/gpt-4o", KINDS["text.generate"], {"prompt": "x" * 4000, "max_tokens": 1000}).quote
    assert {charge.unit: charge.nano for charge in found.charges} == {"input token": 2_500, "output token": 10_000}
    assert all(charge.source.startswith("genai-prices ") for charge in found.charges)
    assert found.high is not None
    assert found.expected is not None
    assert found.high > found.expected > 10_000


def test_the_catalog_stands_above_the_package() -> None:
    """What is catalogued was looked at; a package that differs does not change it."""
    for model in models("openai"):
        if model.prices:
            assert Market().prices_of(model) == model.prices


def test_without_the_package_unknown_stays_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extra that is missing makes nothing free."""
    monkeypatch.setattr(price_book.importlib.util, "find_spec", lambda _name: None)
    price_book.listed.cache_clear()
    try:
        found = effective("openai/gpt-4o", KINDS["text.generate"], {"prompt": "x", "max_tokens": 16}).quote
    finally:
        price_book.listed.cache_clear()
    assert (found.expected, found.high, found.basis) == (None, None, "most")


def test_an_unknown_name_has_no_price_anywhere() -> None:
    """A slip of the pen is not priced by what it resembles."""
    assert price_book.listed("openai", "no-such-model-at-all") == ()
    assert price_book.listed("fal", "fal-ai/flux/dev") == ()
