from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.media.outline import Writer

if TYPE_CHECKING:
    from conftest import Studio

_names = st.text("abcdefgh_", min_size=1, max_size=6)


@st.composite
def _objects(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    fields = draw(st.dictionaries(_names, inner, max_size=4))
    required = draw(st.lists(st.sampled_from(sorted(fields)), unique=True)) if fields else []
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}


@st.composite
def _numbers(draw: st.DrawFn) -> dict[str, Any]:
    low = draw(st.integers(-50, 50))
    schema: dict[str, Any] = {"type": draw(st.sampled_from(["number", "integer"]))}
    if draw(st.booleans()):
        schema["minimum"] = low
    if draw(st.booleans()):
        schema["maximum"] = low + draw(st.integers(0, 20))
    return schema


@st.composite
def _strings(draw: st.DrawFn) -> dict[str, Any]:
    least = draw(st.integers(0, 60))
    schema: dict[str, Any] = {"type": "string"}
    if draw(st.booleans()):
        schema["minLength"] = least
    if draw(st.booleans()):
        schema["maxLength"] = least + draw(st.integers(0, 60))
    return schema


@st.composite
def _arrays(draw: st.DrawFn, inner: st.SearchStrategy[Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "array", "items": draw(inner)}
    least = draw(st.integers(0, 4))
    if draw(st.booleans()):
        schema["minItems"] = least
    if draw(st.booleans()):
        schema["maxItems"] = least + draw(st.integers(0, 4))
    return schema


_leaves = st.one_of(
    _numbers(),
    _strings(),
    st.just({"type": "boolean"}),
    st.just({"type": ["string", "null"]}),
    st.lists(st.text(max_size=5), min_size=1, max_size=4, unique=True).map(lambda values: {"enum": values}),
    st.just({"const": 7}),
)
_schemas = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        _objects(inner), _arrays(inner), st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options})
    ),
    max_leaves=8,
)


@given(_schemas, st.text(min_size=1, max_size=80))
def test_answers_conform_to_any_schema(schema: dict[str, Any], prompt: str) -> None:
    """What stands below a text node relies on the schema, whoever writes the answer."""
    answer = Writer(prompt).conforming(schema, schema, ())
    jsonschema.validate(answer, schema)
    json.dumps(answer)


def test_answers_are_made_of_the_prompt_and_always_the_same(studio: Studio) -> None:
    """Another prompt must give another film, and the same prompt the same one."""
    form = {"title": "text", "scenes": [{"line": "text", "mood": "calm | wild"}]}
    one = studio.make("text.generate", "outline", prompt="Write four scenes about a lighthouse keeper", returns=form)
    again = studio.make("text.generate", "outline", prompt="Write four scenes about a lighthouse keeper", returns=form)
    other = studio.make("text.generate", "outline", prompt="Write four scenes about tea in Kyoto", returns=form)
    assert one == again != other
    assert len(one["scenes"]) == 4
    assert "lighthouse keeper" in json.dumps(one).lower()
    assert "Kyoto" in json.dumps(other)


def test_text_without_a_schema_is_sentences(studio: Studio) -> None:
    """A stand-in's text is read aloud: it must be sentences."""
    text = studio.make("text.generate", "outline", prompt="The sea and the moon")
    assert text.endswith(".")
    assert text[0].isupper()
    assert len(studio.make("text.generate", "outline", prompt="The sea and the moon", max_tokens=10)) <= 30


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}, "minItems": 5, "maxItems": 2},
        {"type": "integer", "minimum": 5, "maximum": 2},
        {"$ref": "#/$defs/nowhere"},
        {"$ref": "#"},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    ],
)
def test_a_schema_that_nothing_conforms_to_is_said(schema: dict[str, Any], studio: Studio) -> None:
    """A schema without an answer is the user's to mend."""
    with pytest.raises(NodeError) as caught:
        studio.make("text.generate", "outline", prompt="x", schema=schema)
    assert caught.value.hint


def test_a_form_that_holds_itself_ends(studio: Studio) -> None:
    """A tree of optional children is a common schema."""
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "child": {"$ref": "#"}},
        "required": ["name"],
    }
    assert "name" in studio.make("text.generate", "outline", prompt="a family", schema=schema)
