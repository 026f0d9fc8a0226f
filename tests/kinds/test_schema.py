from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.kinds.schema import ReturnsError, schema_of_returns, type_of_schema
from dagcontent.values.types import ANY, BOOLEAN, INTEGER, NUMBER, TEXT, Field, Type, list_of, record_of

PLAIN = {"text": TEXT, "number": NUMBER, "integer": INTEGER, "boolean": BOOLEAN}
SAMPLES = {"text": "t", "number": 1.5, "integer": 1, "boolean": True}
NAMES = st.text("abcxyz", min_size=1, max_size=3)


def row(name: str, inner: tuple[Any, Type, Any], mark: str) -> tuple[str, Any, Field, Any]:
    """Return one field: its key and form as written, its type, a value of it."""
    form, type_, sample = inner
    if mark == "value" and isinstance(form, str):
        form += "?"
    elif mark == "value":
        mark = "key"
    return name + ("?" if mark == "key" else ""), form, Field(name, type_, mark != ""), sample


def table(rows: list[tuple[str, Any, Field, Any]]) -> tuple[Any, Type, Any]:
    """Return a table of fields: the form, the type, a value."""
    form = {key: inner for key, inner, _, _ in rows}
    return form, record_of(*(field for _, _, field, _ in rows)), {field.name: sample for _, _, field, sample in rows}


CHOICES = st.lists(NAMES, min_size=2, max_size=3, unique=True)
WORDS = st.sampled_from(sorted(PLAIN)).map(lambda word: (word, PLAIN[word], SAMPLES[word])) | CHOICES.map(
    lambda words: (" | ".join(words), Type("text", choices=tuple(words)), words[0])
)
FORMS: st.SearchStrategy[Any] = st.recursive(
    WORDS,
    lambda inner: (
        inner.map(lambda one: ([one[0]], list_of(one[1]), [one[2], one[2]]))
        | st.lists(
            st.builds(row, NAMES, inner, st.sampled_from(["", "key", "value"])),
            max_size=3,
            unique_by=lambda found: found[2].name,
        ).map(table)
    ),
    max_leaves=6,
)


@given(FORMS)
def test_short_form_has_its_type(made: tuple[Any, Type, Any]) -> None:
    """`returns` is checked against references through the same schema that the model is given."""
    form, type_, _ = made
    assert type_of_schema(schema_of_returns(form)) == type_


@given(FORMS)
def test_short_form_is_a_schema_that_its_values_satisfy(made: tuple[Any, Type, Any]) -> None:
    """Vendors refuse a schema that is not one, and an answer is checked against it."""
    form, _, sample = made
    schema = schema_of_returns(form)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(sample, schema)


def test_tables_are_closed_and_ask_for_what_is_not_marked() -> None:
    """Strict answers of vendors need both; a `?` may stand at the key or at the form."""
    assert schema_of_returns({"a": "text", "b": "text?", "c?": ["text"]}) == {
        "type": "object",
        "properties": {
            "a": {"type": "string"},
            "b": {"type": "string"},
            "c": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["a"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("form", "path"),
    [
        ("txet", ()),
        ("a | ", ()),
        ([], ()),
        (["text", "text"], ()),
        (3, ()),
        ({"scenes": [{"title": "string"}]}, ("scenes", 0, "title")),
    ],
)
def test_other_forms_are_refused_at_their_place(form: Any, path: tuple[str | int, ...]) -> None:
    """The path becomes a line and a caret in the graph file."""
    with pytest.raises(ReturnsError, match="returns") as caught:
        schema_of_returns(form)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"type": "null"},
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "string"}]},
        {"enum": [1, 2]},
        {"type": "object"},
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"$ref": "#/$defs/a"},
    ],
)
def test_what_a_schema_does_not_say_is_not_known(schema: Any) -> None:
    """An open table may hold any field: to refuse a reference into it would be to guess."""
    assert type_of_schema(schema) == ANY


def test_list_without_items_holds_anything() -> None:
    """A list is known to be one even when nothing is said of what is in it."""
    assert type_of_schema({"type": "array"}) == list_of(ANY)
