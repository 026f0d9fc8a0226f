"""Schemas into the strict form, and answers back."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.providers.strict import form_of


def of(schema: Any) -> Any:
    return form_of({"schema": schema})


def obj(properties: dict[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), **more}


TEXT = {"type": "string"}


def test_text_needs_no_form() -> None:
    """Without a schema the answer is text."""
    assert form_of({"prompt": "x"}) is None


@pytest.mark.parametrize(
    ("schema", "answer", "value"),
    [
        (obj({"a": TEXT, "b": TEXT}, "a"), {"a": "x", "b": None}, {"a": "x"}),
        (obj({"a": {"type": ["string", "null"]}}), {"a": None}, {"a": None}),
        (obj({"a": obj({"b": TEXT})}), {"a": {"b": None}}, {"a": {}}),
        (obj({"a": {"type": "array", "items": obj({"b": TEXT}, "b")}}), {"a": None}, {}),
        ({"type": "array", "items": obj({"b": TEXT})}, {"value": [{"b": None}, {"b": "x"}]}, [{}, {"b": "x"}]),
        (TEXT, {"value": "x"}, "x"),
        ({"anyOf": [TEXT, {"type": "null"}]}, {"value": None}, None),
        ({**obj({"a": {"$ref": "#/$defs/n"}}), "$defs": {"n": obj({"b": TEXT})}}, {"a": {"b": None}}, {"a": {}}),
    ],
)
def test_an_answer_comes_back_in_the_first_form(schema: Any, answer: Any, value: Any) -> None:
    """Wrapping and nulls that stand for what is missing are taken away; the schema's own nulls stay."""
    form = of(schema)
    assert form.strict
    jsonschema.validate(answer, form.schema)
    assert form.value(answer) == value
    jsonschema.validate(value, schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        obj({"a": TEXT}, additionalProperties=TEXT),
        obj({"a": {"oneOf": [TEXT]}}),
        obj({"a": {"type": "string", "minLength": 3}}),
        obj({"a": {"type": "string", "format": "uri"}}),
        obj({"a": {"type": "array"}}),
        obj({"a": {"$ref": "https://example.com/x"}}),
        obj({"a": {}}),
    ],
)
def test_what_cannot_be_strict_is_sent_as_it_is(schema: Any) -> None:
    """Keywords that strict mode refuses are not dropped: the schema goes out whole, and is asked for less strictly."""
    form = of(schema)
    assert not form.strict
    assert form.schema == schema
    assert form.value({"a": None}) == {"a": None}


def test_definitions_stay_at_the_root_of_what_is_wrapped() -> None:
    """References look for them there."""
    form = of({"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": obj({"b": TEXT}, "b")}})
    assert form.wrapped
    jsonschema.validate({"value": [{"b": "x"}]}, form.schema)


leaves = st.sampled_from(
    [
        TEXT,
        {"type": "integer"},
        {"type": "boolean"},
        {"type": "string", "enum": ["a", "b"]},
        {"type": ["number", "null"]},
    ]
)
schemas = st.recursive(
    leaves,
    lambda inner: st.builds(lambda items: {"type": "array", "items": items, "maxItems": 3}, inner)
    | st.builds(
        lambda fields, mask: obj(fields, *[name for name, kept in zip(fields, mask, strict=False) if kept], additionalProperties=False),
        st.dictionaries(st.sampled_from(["p", "q", "r"]), inner, min_size=1),
        st.lists(st.booleans(), min_size=3, max_size=3),
    ),
    max_leaves=6,
)  # fmt: skip


def example(schema: Any, draw: Any) -> Any:
    """Return an answer to a strict schema."""
    if "anyOf" in schema:
        return example(draw(st.sampled_from(schema["anyOf"])), draw)
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    kind = schema["type"]
    kind = draw(st.sampled_from(kind)) if isinstance(kind, list) else kind
    if kind == "object":
        return {name: example(inner, draw) for name, inner in schema["properties"].items()}
    if kind == "array":
        return [example(schema["items"], draw) for _ in range(draw(st.integers(0, 3)))]
    return draw(
        {
            "string": st.text(max_size=3),
            "integer": st.integers(),
            "number": st.integers(),
            "boolean": st.booleans(),
            "null": st.none(),
        }[kind]
    )


@given(schemas, st.data())
def test_every_strict_answer_is_an_answer_to_the_first_schema(schema: Any, data: st.DataObject) -> None:
    """Whatever a model that keeps to the strict form answers fits what the node asked for."""
    form = of(schema)
    assert form.strict
    jsonschema.validate(form.value(example(form.schema, data.draw)), schema)


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["object", "#/$defs/a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("type properties items anyOf $ref $defs required enum a format additionalProperties".split()), inner, max_size=4),
    max_leaves=14,
)  # fmt: skip


@given(junk.filter(lambda schema: schema is not None), junk)
def test_a_schema_of_any_kind_has_a_form(schema: Any, answer: Any) -> None:
    """A wrong schema is the vendor's to refuse: here it neither fails nor loops."""
    form = of(schema)
    form.value(answer)
    assert isinstance(form.schema, dict)
