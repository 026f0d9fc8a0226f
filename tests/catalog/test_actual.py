from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.catalog.actual import Charged, charged
from dagcontent.catalog.load import find
from dagcontent.catalog.market import Market
from dagcontent.catalog.model import Model, Price, Rate

DAY = datetime.date(2026, 11, 22)


def model(id_: str) -> Model:
    """Return a catalogued model."""
    found = find(id_)
    assert found is not None
    return found


def priced(*prices: Price) -> Model:
    """Return a model of these prices and no other."""
    return msgspec.structs.replace(model("openai/gpt-6-sol"), prices=prices, bill=())


def price(unit: Any, nano: int, **more: Any) -> Price:
    """Return a price of so many nano-USD a unit."""
    return Price(unit=unit, rates=(Rate(list_nano=nano, bound_nano=nano),), source="s", date=DAY, **more)


@pytest.mark.parametrize(
    ("id_", "amounts", "microusd"),
    [
        ("openai/gpt-6-sol", [("input token", 1000), ("output token", 10)], 2100),
        ("openai/gpt-6-luna", [("input token", 1)], 1),
        ("openai/gpt-image-2", [("input token", 3), ("input image token", 258), ("output image token", 1756)], 54_759),
        ("google/gemini-3.1-flash-image", [("input token", 4), ("input image token", 258), ("output image token", 1120)], 67_331),
        ("google/gemini-3.5-flash", [("input token", 10), ("output token", 5), ("thought token", 5)], 105),
        ("google/gemini-omni-1.1-flash", [("input token", 40), ("output video token", 5792)], 101_420),
        ("google/gemini-3.5-transcribe", [("input audio token", 32), ("output token", 3)], 100),
        ("elevenlabs/eleven_multilingual_v2", [("credit", 75.0)], 6000),
        ("elevenlabs/eleven_flash_v2_5", [("credit", 37.5)], 3000),
        ("openai/whisper-1", [("second", 7.0)], 700),
        ("openai/gpt-transcribe", [("second", 0.01)], 1),
        ("fal/fal-ai/flux/dev", [("unit", 1.05)], 26_250),
        ("fal/fal-ai/kokoro/american-english", [("unit", 0.03)], 600),
    ],
)  # fmt: skip
def test_a_count_costs_its_list_price(id_: str, amounts: list[tuple[str, float]], microusd: int) -> None:
    """Each of these was worked out by hand from the vendor's public list."""
    assert charged(model(id_), {}, {}, amounts, DAY) == Charged(microusd)


@pytest.mark.parametrize(
    ("id_", "amounts"),
    [
        ("openai/gpt-6-sol", []),
        ("openai/gpt-6-sol", [("token", 15.0)]),
        ("openai/gpt-6-sol", [("input audio token", 9.0)]),
        ("openai/gpt-4o-mini-tts", [("input token", 9.0)]),
        ("google/gemini-3.1-flash-image", [("output image token", 9.0), ("thought token", 4.0)]),
        ("google/veo-3.1-generate-001", [("input token", 9.0)]),
        ("fal/fal-ai/flux-2-pro", [("unit", 2.0)]),
        ("elevenlabs/gemini-3.1-flash-image", [("credit", 9.0)]),
    ],
)
def test_nothing_is_made_up_where_the_prices_do_not_say(id_: str, amounts: list[tuple[str, float]]) -> None:
    """A count of what has no price, and a price of what was not counted, are no cost: the estimate stays one."""
    assert charged(model(id_), {}, {}, amounts, DAY) is None


def test_tokens_of_a_cache_without_a_price_are_no_exact_cost() -> None:
    """At the full price they are an upper bound, and called one; with a price of their own they are exact."""
    amounts = [("input token", 10.0), ("cached token", 90.0)]
    plain = priced(price("input token", 2000))
    assert charged(plain, {}, {}, amounts, DAY) == Charged(200, exact=False)
    own = priced(price("input token", 2000), price("cached token", 200))
    assert charged(own, {}, {}, amounts, DAY) == Charged(38)


def test_a_price_changes_on_its_day() -> None:
    """What was sent the day before is charged by the older price, whenever it is settled."""
    before, after = datetime.date(2026, 12, 31), datetime.date(2027, 1, 1)
    amounts = [("input token", 1000.0), ("output token", 1000.0)]
    found = [charged(model("google/gemini-3.8-flash"), {}, {}, amounts, day) for day in (before, after)]
    assert found == [Charged(4500), Charged(9000)]


def test_much_input_makes_every_token_dearer() -> None:
    """Beyond the limit the whole request costs more; what a cache gave counts towards it."""
    sol = model("openai/gpt-6-sol")
    at = [("input token", 272_000.0), ("output token", 100.0)]
    beyond = [("input token", 272_001.0), ("output token", 100.0)]
    assert charged(sol, {}, {}, at, DAY) == Charged(545_000)
    assert charged(sol, {}, {}, beyond, DAY) == Charged(1_088_004 + 1500)


def test_rates_depend_on_what_was_sent() -> None:
    """The row of a price is chosen by parameters and knobs, as in the quote."""
    kling = model("fal/fal-ai/kling-video/v3/pro/image-to-video")
    assert charged(kling, {"sound": False}, {}, [("unit", 5.0)], DAY) == Charged(560_000)
    assert charged(kling, {"sound": True}, {}, [("unit", 5.0)], DAY) == Charged(840_000)


@given(st.lists(st.tuples(st.integers(1, 10**7), st.integers(0, 10**6)), min_size=1, max_size=4))
def test_a_bill_is_rounded_up_once(rows: list[tuple[int, int]]) -> None:
    """The sum is exact in nano-dollars, and less than a micro-dollar is added to it, whatever its parts."""
    units = ("input token", "output token", "input image token", "output image token")
    lines = [price(unit, nano) for unit, (nano, _) in zip(units, rows, strict=False)]
    found = charged(priced(*lines), {}, {}, [(u, float(n)) for u, (_, n) in zip(units, rows, strict=False)], DAY)
    nano = sum(each * count for each, count in rows)
    assert found is not None
    assert 0 <= found.microusd * 1000 - nano < 1000


def test_the_users_own_prices_come_first() -> None:
    """A plan's price of a credit is what its credits cost, and a user's own price of a model takes the place of its bill."""
    voice, amounts = model("elevenlabs/eleven_multilingual_v2"), [("credit", 75.0)]
    plan = Market(credit_nano={"elevenlabs": 220_000})
    assert charged(voice, {}, {}, amounts, DAY, plan) == Charged(16_500)
    picture = model("openai/gpt-image-2")
    assert charged(picture, {}, {}, [("output image token", 9.0)], DAY, plan) == Charged(270)
    own = Market(own={picture.id: (price("image", 40_000_000),)})
    assert charged(picture, {}, {}, [("output image token", 9.0)], DAY, own) is None
