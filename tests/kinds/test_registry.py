from __future__ import annotations

import re

import pytest

from dagcontent.kinds import asset, audio, image, text, video
from dagcontent.kinds.declaration import Effect, Kind, Param
from dagcontent.kinds.registry import COMMON_KEYS, KINDS, LATER_KINDS, RESERVED_NAMES
from dagcontent.values.types import Type

FACTS = {
    "alignment", "channels", "chapters", "characters", "duration", "fps", "height", "media_type", "sample_rate",
    "size_bytes", "width", "words",
}  # fmt: skip
PARAMS = [pytest.param(kind, param, id=f"{kind.name}.{param.name}") for kind in KINDS.values() for param in kind.params]
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
each_param = pytest.mark.parametrize(("kind", "param"), PARAMS)


def fits(value: object, type_: Type) -> bool:
    """Tell whether a TOML value is of a type that a default can have."""
    python = {"text": str, "integer": int, "number": (int, float), "boolean": bool}[type_.name]
    return isinstance(value, python) and isinstance(value, bool) == (type_.name == "boolean")


def test_every_declaration_is_registered_once() -> None:
    """A kind that another of its name hides could never be used."""
    declared = [kind.name for module in (asset, audio, image, text, video) for kind in module.KINDS]
    assert sorted(declared) == sorted(KINDS)
    assert all(name == kind.name for name, kind in KINDS.items())


def test_no_kind_is_both_there_and_to_come() -> None:
    """Else it would be refused as not available and offered by the schema."""
    assert not LATER_KINDS & KINDS.keys()


@each_kind
def test_kinds_are_named_medium_and_verb(kind: Kind) -> None:
    """Kinds without a dot are those that control the build; none of them is declared yet."""
    assert re.fullmatch(r"[a-z]+\.[a-z]+(_[a-z]+)*", kind.name)
    assert kind.help.endswith(".")


@each_param
def test_no_parameter_has_a_common_keys_name(kind: Kind, param: Param) -> None:
    """A node holds both in one table: the key could mean either."""
    assert param.name not in COMMON_KEYS
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", param.name)
    assert [p.name for p in kind.params].count(param.name) == 1
    assert kind.param(param.name) is param


def test_common_keys_are_said_once() -> None:
    """They are the words of the language that all kinds share."""
    assert len(set(COMMON_KEYS)) == len(COMMON_KEYS)
    assert {"prev", "next", "params"} <= RESERVED_NAMES


@each_param
def test_defaults_satisfy_their_own_rules(kind: Kind, param: Param) -> None:
    """A default written out is the same as one left out, so it must be allowed where it is written."""
    if param.default is None:
        return
    assert not param.required, f"{kind.name} asks for what it could do without"
    assert fits(param.default, param.type)
    assert not param.choices or param.default in param.choices
    assert param.minimum is None or param.default >= param.minimum
    assert param.maximum is None or param.default <= param.maximum


@each_param
def test_rules_of_parameters_make_sense(kind: Kind, param: Param) -> None:
    """Rules that never hold, or never apply, would be found by the first person who runs into them."""
    assert param.help, kind.name
    assert not param.choices or param.type.name == "text"
    assert len(set(param.choices)) == len(param.choices)
    bounds = [bound for bound in (param.minimum, param.maximum) if bound is not None]
    assert not bounds or param.type.name in {"number", "integer"}
    assert bounds == sorted(bounds)


@each_kind
def test_groups_name_parameters_that_can_be_left_out(kind: Kind) -> None:
    """At least one of a group must be given: a required member would make the group idle."""
    for group in kind.one_of:
        params = [kind.param(name) for name in group]
        assert all(param is not None and not param.required and param.default is None for param in params)


@each_kind
def test_effect_fits_what_is_declared(kind: Kind) -> None:
    """Only what the planner evaluates has a function here; only what a model makes has a price and a stand-in."""
    assert (kind.evaluate is not None) == (kind.effect in {Effect.VALUE, Effect.FILES})
    assert bool(kind.priced_by) == (kind.effect is Effect.PAID)
    assert kind.by_model or not (kind.stand_ins or kind.priced_by)
    assert kind.version >= 1
    assert all(0 < older < kind.version for older in kind.accepts)


@each_kind
def test_facts_are_words_of_the_language(kind: Kind) -> None:
    """A fact that no implementation measures could be asked for and never answered."""
    assert set(kind.facts) <= FACTS
    assert not kind.carries or "alignment" in kind.facts


def test_a_kind_without_such_a_parameter_says_so() -> None:
    """The nearest name is looked for only then."""
    assert KINDS["text.split"].param("nonsense") is None


@pytest.mark.parametrize(
    ("params", "type_"),
    [({}, "list<image>"), ({"type": "audio"}, "list<audio>"), ({"type": "nonsense"}, "list<image>")],
)
def test_listed_files_have_the_type_asked_for(params: dict[str, str], type_: str) -> None:
    """References to the list are checked before a file is read; a wrong `type` is a mistake reported elsewhere."""
    assert str(KINDS["asset.glob"].output_type(params)) == type_
