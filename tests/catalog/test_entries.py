from __future__ import annotations

import importlib
import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dagcontent.catalog import load
from dagcontent.catalog.effective import effective, known_model
from dagcontent.catalog.market import Market
from dagcontent.catalog.model import Model, Price
from dagcontent.kinds.declaration import Effect
from dagcontent.kinds.registry import KINDS

MODELS = [model for vendor in load.VENDORS for model in load.models(vendor)]
ALIVE = [model for model in MODELS if not model.gone(None)]
PAID = [kind for kind in KINDS.values() if kind.effect is Effect.PAID]
UNPRICED = {
    "elevenlabs/scribe_v3", "fal/cassetteai/sound-effects-generator",
}  # fmt: skip
"""Nobody knows what these cost; beside them, Flows (credits are not published) and what is about to end."""


def _every(models: list[Model], check: Callable[..., None]) -> Callable[..., None]:
    """Return a test a vendor that tells of each model which breaks a claim: a test a model would be thousands."""

    @pytest.mark.parametrize("vendor", load.VENDORS)
    def told(vendor: str, simple: Any) -> None:
        broken = []
        for model in (model for model in models if model.provider == vendor):
            try:
                check(model, simple) if "simple" in inspect.signature(check).parameters else check(model)
            except AssertionError as error:
                broken.append(f"{model.id}: {error}")
        assert not broken, "\n".join(broken)

    told.__doc__ = check.__doc__
    told.__name__ = check.__name__
    return told


def each_model(check: Callable[..., None]) -> Callable[..., None]:
    """Make a claim of a model one of every model."""
    return _every(MODELS, check)


def each_alive(check: Callable[..., None]) -> Callable[..., None]:
    """Make a claim of a model one of every model that is not retired."""
    return _every(ALIVE, check)


def tables() -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """Yield every family and model as written, and with what lies beneath it."""
    for vendor in load.VENDORS:
        file = load._file(vendor)
        for group in (file.family, file.model):
            for name, table in group.items():
                yield vendor, name, table, load._merged(table, file, ())


def test_every_parameter_written_is_one_of_a_kind() -> None:
    """A misspelt parameter would be left out of every request, and nobody would see it."""
    for vendor, name, table, merged in tables():
        where = f"{vendor}: {name}"
        kinds = [KINDS[kind] for kind in merged.get("kinds", [])]
        for param in table.get("takes", {}) if kinds else ():
            assert any(kind.param(param) for kind in kinds), (where, param)
        for kind_name, rows in table.get("takes_in", {}).items():
            assert kind_name in merged["kinds"], where
            assert all(KINDS[kind_name].param(param) for param in rows), (where, rows)
        inherited = set(merged.get("takes", {})) | {row for rows in merged.get("takes_in", {}).values() for row in rows}
        assert set(table.get("without", ())) <= inherited | {"seed"}, where


def test_no_family_is_left_over() -> None:
    """A family that nobody names is a fact that nobody reads."""
    for vendor in load.VENDORS:
        file = load._file(vendor)
        named = {table.get("family") for group in (file.family, file.model) for table in group.values()}
        assert set(file.family) <= named


@each_model
def test_models_make_paid_kinds_by_operations_that_adapters_have(model: Model) -> None:
    """A way of calling that no adapter knows would be found only once a build is under way."""
    module = importlib.import_module(f"dagcontent.providers.{model.provider}")
    assert model.kinds
    assert all(KINDS[kind].effect is Effect.PAID for kind in model.kinds)
    assert set(model.operations.values()) <= set(module.OPERATIONS)
    assert set(model.kinds) <= set(model.operations)
    assert model.recovery in {None, "exact", "by-match", "ask"}
    assert model.confidence in {"typed", "doc", "code", "unsure"}


@each_alive
def test_what_a_kind_requires_every_maker_takes(model: Model) -> None:
    """Else the kind could never be made by it: each way of writing the node would be a mistake."""
    for name in model.kinds:
        kind = KINDS[name]
        taken = {slot.param for slot in model.slots[name]}
        assert {param.name for param in kind.params if param.required} <= taken
        assert all(taken & set(group) for group in kind.one_of)


@each_model
def test_slots_agree_with_themselves(model: Model) -> None:
    """A default that is not allowed, or a bound on the wrong side, would refuse what the catalog itself proposes."""
    for kind, slots in model.slots.items():
        assert len({slot.param for slot in slots}) == len(slots)
        for slot in slots:
            param = KINDS[kind].param(slot.param)
            assert param is not None
            if slot.default is not None and slot.values:
                assert slot.default in slot.values
            if slot.minimum is not None and slot.maximum is not None:
                assert slot.minimum <= slot.maximum
                assert slot.default is None or slot.minimum <= slot.default <= slot.maximum
            if slot.names:
                assert set(slot.values) == set(slot.names)
            if param.choices and slot.values and param.type.name == "text":
                assert set(slot.values) <= set(param.choices)
            if slot.form in {"digits", "seconds", "int"}:
                assert all(isinstance(value, int) for value in slot.values)
        for a, b in itertools.combinations([slot for slot in slots if slot.field], 2):
            # Two parameters for one field are a list of both, or alternatives of one another.
            both = a.form == b.form == "list" or {a.param, b.param} == {"audio", "video"}
            assert a.field != b.field or both or {a.param, b.param} == {"duration", "seconds"}


def rows_of(model: Model, price: Price) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for rate in price.rates:
        yield from rate.when.items()


@each_model
def test_prices_are_positive_and_say_where_and_when_they_were_found(model: Model) -> None:
    """A price without a date cannot be called old, one without a source cannot be looked up."""
    for price in model.prices:
        assert price.source
        assert price.date <= model.as_of
        assert price.rates
        for rate in price.rates:
            assert rate.list_nano > 0 or rate.bound_nano > 0
            assert rate.bound_nano >= rate.list_nano
        assert not price.rates[-1].when or model.gone(None)
        assert price.rates[-1].since is None


@each_model
def test_prices_speak_of_values_that_can_be(model: Model) -> None:
    """A row for "4K" of a model that says "4k" would never hold, and the bound would be that of another row."""
    allowed: dict[str, set[Any]] = {name: set(knob.values) for name, knob in model.knobs.items()}
    for slot in (slot for slots in model.slots.values() for slot in slots):
        allowed.setdefault(slot.param, set()).update(slot.values)
    for price in model.prices:
        for name, values in rows_of(model, price):
            assert name in allowed, name
            if name != "style":  # free words, of which some are dearer
                assert set(values) <= allowed[name], (name, values)


@each_alive
def test_a_simple_request_has_a_bound_above_its_price(model: Model, simple: Any) -> None:
    """Without a bound nothing is bought under a budget; a bound below the price would let a cap be exceeded."""
    for kind in model.kinds:
        found = effective(model.id, KINDS[kind], simple(model, kind))
        assert found.model == model.name
        assert found.operation in model.operations.values()
        if model.prices or not Market().prices_of(
            model
        ):  # a package's prices of what no catalog bounds may have no most
            assert bool(model.prices) == (found.quote.high is not None)
        if found.quote.high is not None:
            assert found.quote.high > 0
            assert found.quote.expected is None or found.quote.high >= found.quote.expected


@each_alive
def test_every_combination_that_prices_has_a_bound(model: Model, simple: Any) -> None:
    """A row that is missing would make one resolution unpriced, and the plan of it silent."""
    for kind in model.kinds if model.prices else ():
        params = simple(model, kind)
        names = {name for price in model.prices for name, _ in rows_of(model, price)}
        slots = [slot for slot in model.slots[kind] if slot.param in names and slot.values]
        knobs = [(name, model.knobs[name].values) for name in names if name in model.knobs]
        for chosen in itertools.product(*(slot.values for slot in slots), *(values for _, values in knobs)):
            own = {slot.param: value for slot, value in zip(slots, chosen, strict=False)}
            options = {name: value for (name, _), value in zip(knobs, chosen[len(slots) :], strict=True)}
            found = effective(model.id, KINDS[kind], {**params, **own}, options)
            assert found.quote.high, (own, options)
            assert found.quote.high >= (found.quote.expected or 0)


def test_only_known_models_have_no_price() -> None:
    """A forgotten price would stop every budgeted build that uses the model."""
    without = {model.id for model in ALIVE if not model.prices and model.retired is None}
    flows = {name for name in without if "flows" in str(load.find(name))}
    assert without - flows == UNPRICED


@each_model
def test_successors_are_there_and_make_the_same(model: Model) -> None:
    """A message that names a model which is gone itself sends people in a circle."""
    if not model.successor:
        return
    other = load.find(f"{model.provider}/{model.successor}")
    assert other is not None
    assert other.retired is None or (model.retired is not None and other.retired > model.retired)
    assert set(model.kinds) & set(other.kinds)


@pytest.mark.parametrize("kind", PAID, ids=lambda kind: kind.name)
def test_every_paid_kind_has_a_maker(kind: Any) -> None:
    """A kind that nobody makes could be declared and never built; of one vendor at least a price is known."""
    makers = [model for model in ALIVE if kind.name in model.kinds and model.retired is None]
    assert makers
    assert any(model.prices for model in makers)


def test_a_vendors_names_are_read_without_its_models() -> None:
    """Suggestions look through every name; making every model for that would be felt."""
    assert "fal-ai/flux/dev" in load.names("fal")
    assert load.names("nobody") == ()
    assert load.models("nobody") == ()
    assert load.find("local/card") is None
    assert known_model("fal/fal-ai/flux/dev", KINDS["image.generate"]) is load.find("fal/fal-ai/flux/dev")
