"""What the older system told people wrongly of money, as claims on quotes; most of them of every model at once."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent import api
from dagcontent.catalog import load
from dagcontent.catalog.effective import effective
from dagcontent.catalog.model import Model, Slot
from dagcontent.cli.money import BUYS, Range, total
from dagcontent.kinds.registry import KINDS
from dagcontent.plan.model import PlanRow
from dagcontent.values.quote import Quote
from dagcontent.values.value import UNKNOWN

ALIVE = [
    (model, kind)
    for vendor in load.VENDORS
    for model in load.models(vendor)
    if not model.gone(None)
    for kind in model.kinds
]
PRICED = [(model, kind) for model, kind in ALIVE if model.prices]
BY_MACHINE = {model.id for model, _ in PRICED if any(price.unit == "compute second" for price in model.prices)}
"""Billed by the seconds of a machine: nobody knows before how many they are."""

WORDED = [
    (model, kind, name) for model, kind in PRICED for name in ("text", "prompt")
    if any(slot.param == name for slot in model.slots[kind])
]  # fmt: skip
"""What is made of words, and the parameter that has them."""
QUALITIES = ("low", "medium", "high", "xhigh", "max")

Ask = Callable[..., Quote]


@pytest.fixture(scope="session")
def ask(simple: Any) -> Ask:
    """Give a quote of a model's smallest request, with what is asked beside it."""

    def asked(model: Model, kind: str, options: dict[str, Any] | None = None, **params: Any) -> Quote:
        return effective(model.id, KINDS[kind], {**simple(model, kind), **params}, options, snap="error").quote

    return asked


def not_cheaper(dear: Quote, cheap: Quote) -> bool:
    """Tell whether one quote is at least another in all that is known of both."""
    known = [(dear.low, cheap.low)] + [
        (one, other) for one, other in ((dear.expected, cheap.expected), (dear.high, cheap.high))
        if one is not None and other is not None
    ]  # fmt: skip
    return all(one >= other for one, other in known)


def values_of(model: Model, kind: str, name: str) -> tuple[Any, ...]:
    """Return all that a parameter or a knob may be, where that is a list."""
    slot = next((slot for slot in model.slots[kind] if slot.param == name), None)
    if slot is not None:
        return slot.values
    return model.knobs[name].values if name in model.knobs else ()


def allows(slot: Slot, value: float) -> bool:
    """Tell whether a parameter may be a number as it is."""
    if slot.values:
        return value in slot.values
    return slot.minimum is not None and slot.maximum is not None and slot.minimum <= value <= slot.maximum


def with_value(ask: Ask, model: Model, kind: str, name: str, value: Any, **params: Any) -> Quote:
    """Ask for a parameter, or for a knob by `options`."""
    if name in model.knobs:
        return ask(model, kind, {name: value}, **params)
    return ask(model, kind, **{name: value}, **params)


def sharpness(name: str) -> float | None:
    """Return an order of resolutions: 480p < 0.5K < 512 < 720p < 1080p < 2K < 2160p < 4K. None for what is no resolution."""
    found = re.fullmatch(r"([\d.]+)([pk]?)", name.casefold())
    return None if found is None else float(found[1]) * (1000 if found[2] == "k" else 1)


def test_an_upscale_is_priced_before_it_runs(ask: Ask) -> None:
    """The older estimate counted pictures that were made and nothing else: what an upscale cost was seen afterwards."""
    for model, kind in PRICED:
        if not kind.endswith(".upscale"):
            continue
        found = ask(model, kind)
        assert found.high, model.id
        assert (found.expected is None) == (model.id in BY_MACHINE), model.id
        assert found.expected != 0, model.id


def test_an_upscale_of_a_picture_still_to_be_made_is_bounded_or_unknown_and_never_free(ask: Ask) -> None:
    """Its size decides the price and is not known yet: a bound, or `$?`, is honest, and nothing is what the older one said."""
    seen = set()
    for model, kind in PRICED:
        if kind.endswith(".upscale"):
            found = ask(model, kind, **{kind.partition(".")[0]: UNKNOWN})
            assert found.expected != 0, model.id
            assert found.high is None or found.high > 0, model.id
            seen.add(found.high is None)
    assert seen == {True, False}


def test_what_nobody_knows_is_never_nothing(ask: Ask) -> None:
    """Four models of the older format had another name in its registry, and were estimated at $0."""
    for model, kind in ALIVE:
        found = ask(model, kind)
        assert found.expected != 0, (model.id, kind)
        assert found.high != 0, (model.id, kind)
        assert found.charges or (found.expected, found.high) == (None, None), (model.id, kind)


GRAPH = """
[graph]
name = "wall"
[each]
view = [{views}]
[node.picture]
kind = "image.generate"
each = "view"
model = "fal/fal-ai/flux/dev"
prompt = "a lantern, ${{view}}"
size = "2048x1024"
[node.large]
kind = "image.upscale"
each = "view"
model = "fal/{upscaler}"
image = "${{picture[view]}}"
"""


def buys(rows: Sequence[PlanRow]) -> list[str]:
    """Return the names of what would be bought."""
    return [row.node for row in rows if row.status in BUYS]


def planned(tmp_path: Path, views: str, upscaler: str = "fal-ai/topaz/upscale/image") -> api.Plan:
    """Return the plan of a picture and its upscale for each view, in a folder where nothing was made."""
    (tmp_path / "graph.toml").write_text(GRAPH.format(views=views, upscaler=upscaler), encoding="utf-8")
    return api.plan(tmp_path / "graph.toml", store=tmp_path / "store")


def test_three_pictures_side_by_side_cost_three(tmp_path: Path) -> None:
    """The older parallel group paid for every child, also where it kept one result only: each is in the sum."""
    one, three = (planned(tmp_path, views).rows for views in ('"front"', '"front", "side", "back"'))
    assert [len(buys(one)), len(buys(three))] == [2, 6]
    for single, every in ((one[:1], three[:3]), (one[1:], three[3:])):  # the pictures, then their upscales
        (least, names), (most, more_names) = total(single), total(every)
        assert (names, more_names) == ([], [])
        assert most.document() == {name: str(3 * Decimal(value or 0)) for name, value in least.document().items()}
    assert total(three[:3])[0] == Range(150_000, 150_000, 192_000)


def test_a_plan_says_of_an_upscale_what_it_may_cost_while_its_picture_is_still_to_be_made(tmp_path: Path) -> None:
    """Both answers there are to a size that is not known: the vendor's most, and `$?`, which no budget lets through."""
    bounded = total(planned(tmp_path, '"front"').rows)
    assert bounded[0].high == 64_000 + 120_000 + 512 * 14_000
    assert bounded[1] == []
    unknown = total(planned(tmp_path, '"front"', "fal-ai/clarity-upscaler").rows)
    assert unknown[1] == ["large[front]"]


@pytest.mark.parametrize("param", ["duration", "seconds"])
def test_ten_seconds_cost_more_than_six(ask: Ask, param: str) -> None:
    """The older estimate was one number a call: a clip of 10 s and one of 5 were both $0.50."""
    compared = set()
    for model, kind in PRICED:
        slot = next((slot for slot in model.slots[kind] if slot.param == param), None)
        if slot is not None and kind.startswith("video.") and allows(slot, 6) and allows(slot, 10):
            long, short = ask(model, kind, **{param: 10}), ask(model, kind, **{param: 6})
            assert (long.expected or 0) > (short.expected or 0), model.id
            assert (long.high or 0) > (short.high or 0), model.id
            assert long.low > short.low, model.id
            compared.add(model.provider)
    assert compared >= {"fal", "google"}


def test_a_longer_clip_never_costs_less(ask: Ask) -> None:
    """Of every length that a model takes: a step where the longer is cheaper is a row for the wrong length."""
    for model, kind in PRICED:
        for slot in model.slots[kind]:
            if slot.param not in {"duration", "seconds"}:
                continue
            lengths = slot.values or [at for at in (slot.minimum, slot.maximum) if at is not None]
            quotes = [ask(model, kind, **{slot.param: length}) for length in sorted(lengths)]
            assert all(itertools.starmap(not_cheaper, itertools.pairwise(reversed(quotes)))), (model.id, kind)


def test_a_longer_recording_or_clip_that_is_given_never_costs_less(ask: Ask, media: Any) -> None:
    """Avatars, lip sync, upscales and transcripts are as long as what they are made of; none of them was estimated."""
    compared = set()
    for model, kind in PRICED:
        given_media = [
            p for p in KINDS[kind].params if p.type.name in {"audio", "video"} and p.name in taken(model, kind)
        ]
        if not given_media:
            continue
        short, middle, long = (
            ask(model, kind, **{p.name: media(p.type.name, duration_ms=seconds * 1000) for p in given_media[:2]})
            for seconds in (2, 4, 5)
        )
        assert not_cheaper(long, middle), (model.id, kind)
        assert not_cheaper(middle, short), (model.id, kind)
        compared.add(kind)
    assert compared >= {
        "video.avatar",
        "video.lipsync",
        "video.upscale",
        "video.edit",
        "audio.transcribe",
        "speech.dub",
    }


def taken(model: Model, kind: str) -> set[str]:
    """Return the names of what a model takes for a kind."""
    return {slot.param for slot in model.slots[kind]}


@pytest.mark.parametrize("param", ["sound", "generate_audio"])
def test_a_clip_with_sound_costs_at_least_its_silent_self(ask: Ask, param: str) -> None:
    """The older registry had both prices of many a model, and one number a call for its estimate."""
    dearer = set()
    for model, kind in PRICED:
        if set(values_of(model, kind, param)) == {True, False}:
            for sharp in values_of(model, kind, "resolution") or (None,):
                more = {} if sharp is None else {"resolution": sharp}
                loud, silent = (with_value(ask, model, kind, param, on, **more) for on in (True, False))
                assert not_cheaper(loud, silent), (model.id, sharp)
                dearer |= {model.id} if (loud.expected or 0) > (silent.expected or 0) else set()
    assert len(dearer) >= 2


@pytest.mark.parametrize("param", ["resolution", "size", "target_resolution"])
def test_sharper_never_costs_less(ask: Ask, param: str) -> None:
    """4K at least 1080p at least 720p, silent and with sound: the older estimate knew one resolution of each model."""
    for model, kind in PRICED:
        values = sorted(
            (v for v in values_of(model, kind, param) if sharpness(v) is not None), key=lambda v: sharpness(v) or 0
        )
        for sound in values_of(model, kind, "sound") or (None,):
            more = {} if sound is None else {"sound": sound}
            quotes = [with_value(ask, model, kind, param, value, **more) for value in reversed(values)]
            assert all(itertools.starmap(not_cheaper, itertools.pairwise(quotes))), (model.id, kind, values)


def test_better_never_costs_less(ask: Ask) -> None:
    """A quality that the catalog does not tell apart from the next is paid for without having been said."""
    for model, kind in PRICED:
        values = sorted(values_of(model, kind, "quality"), key=QUALITIES.index)
        quotes = [ask(model, kind, {"quality": value}) for value in reversed(values)]
        assert all(itertools.starmap(not_cheaper, itertools.pairwise(quotes))), (model.id, kind)
        assert len({quote.expected for quote in quotes}) == len(values), (model.id, kind)


@given(st.sampled_from(WORDED), st.text(min_size=1, max_size=200), st.text(max_size=500))
def test_a_longer_text_never_costs_less(ask: Ask, made: tuple[Model, str, str], text: str, more: str) -> None:
    """Whatever is billed by characters or tokens: what is added to a text can only add to its price."""
    model, kind, name = made
    assert not_cheaper(ask(model, kind, **{name: text + more}), ask(model, kind, **{name: text}))


@pytest.mark.parametrize("vendor", load.VENDORS)
def test_twice_the_text_costs_more_wherever_words_are_billed(ask: Ask, vendor: str) -> None:
    """The older estimate of speech was by the call: a page and a line cost the same."""
    for model, kind, name in WORDED:
        billed = {price.unit for price in model.prices} & {"1000 characters", "input token"}
        if model.provider == vendor and billed:
            long, short = (ask(model, kind, **{name: "x" * length}) for length in (800, 400))
            assert (long.expected or 0, long.high or 0) > (short.expected or 0, short.high or 0), (model.id, kind)
            assert not_cheaper(long, short), (model.id, kind)


def test_one_byte_beyond_a_limit_costs_more_of_everything(ask: Ask) -> None:
    """Long inputs make the whole request dearer: a quote that steps down there would let a budget be exceeded."""
    stepped = 0
    for model, kind in PRICED:
        long = next((price.long for price in model.prices if price.long is not None), None)
        if long is None or kind != "text.generate":
            continue
        within, beyond = (ask(model, kind, prompt="x" * (4 * (long[0] - 100) + more)) for more in (0, 4))
        assert beyond.expected is not None
        assert within.expected is not None
        assert beyond.expected > within.expected * min(long[1:]), model.id
        assert not_cheaper(beyond, within), model.id
        stepped += 1
    assert stepped


def test_the_voice_that_is_named_is_the_one_that_is_priced(ask: Ask) -> None:
    """Three names of the older format sent one and the same model, at three estimates."""
    costs = {}
    for name in ("eleven_v3", "eleven_multilingual_v2", "eleven_turbo_v2_5"):
        model = load.find(f"elevenlabs/{name}")
        assert model is not None
        costs[name] = ask(model, "speech.generate", text="x" * 1000).expected
    assert costs == {"eleven_v3": 80_000, "eleven_multilingual_v2": 80_000, "eleven_turbo_v2_5": 40_000}
