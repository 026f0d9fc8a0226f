from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.kinds.json_text import misfit, parsed
from dagcontent.kinds.registry import KINDS
from dagcontent.kinds.schema import schema_of_returns, type_of_schema

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    LEAVES | TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=10
)
PROSE = st.sampled_from(["", "Here you are:\n\n", "[A note: as you asked]\n", "{name}, this is it\n"])


def parse(text: str, **params: Any) -> Any:
    """Run json.parse."""
    evaluate = KINDS["json.parse"].evaluate
    assert evaluate is not None
    return evaluate({"text": text, **params})


@given(JSON, PROSE, st.sampled_from(["", "```", "~~~", "````"]), st.sampled_from(["json", "", "JSON", "json5"]))
def test_json_is_its_value_however_a_model_wraps_it(value: Any, prose: str, fence: str, language: str) -> None:
    """Models put a word before and a fence around what was asked for, now and then."""
    inner = json.dumps(value, ensure_ascii=False, indent=2)
    text = f"{prose}{fence}{language}\n{inner}\n{fence}\nAnything else?\n" if fence else f"\ufeff  {inner}\n"
    assert parse(text) == value


@given(
    st.text(max_size=40) | st.lists(st.sampled_from(["```", "~~~", "{", "}", "[", '"', "json", "\n", "1"])).map("".join)
)
def test_any_text_is_json_or_says_why_not(text: str) -> None:
    """Whatever a model writes: a value, or a message with what would help; never a fault of ours."""
    found: Any = None
    try:
        found = parsed(text)
    except NodeError as error:
        found = error
    assert not isinstance(found, NodeError) or found.hint
    if not isinstance(found, NodeError):
        json.dumps(found)


@pytest.mark.parametrize(
    ("text", "message", "there"),
    [
        ("", "there is no JSON: the text is empty", None),
        ("Sorry, I cannot.", "this is no JSON from line 1, column 1 on: expecting value", "Sorry, I cannot."),
        ('{"a": 1,\n "b" 2}', "this is no JSON from line 2, column 6 on: expecting ':' delimiter", '"b" 2}'),
        ("It is:\n```json\n{'a': 1}\n```", "this is no JSON from line 3, column 2 on: expecting property name enclosed in double quotes", "{'a': 1}"),
        ('{"a": [1, 2', "this is no JSON from line 1, column 12 on: expecting ',' delimiter", '{"a": [1, 2'),
        ('```json\n{"a":', "this is no JSON from line 2, column 6 on: expecting value", '{"a":'),
        ('{"a": 1}\nHave fun!', "this is no JSON from line 2, column 1 on: extra data", "Have fun!"),
        ("```\n1\n```\n```\n2\n```", "there are 2 blocks between fences, and one is meant", None),
        ('{"a": NaN}', "this JSON cannot be used: NaN is no number", None),
        ('{"a": 1e999}', "this JSON cannot be used: 1e999 is larger than any number here", None),
        ("9223372036854775808", "this JSON cannot be used: 9223372036854775808 does not fit into 64 bits", None),
        ("1" * 5000, "this JSON cannot be used: 11111111111111111111111111111111 does not fit into 64 bits", None),
        ('{"a": 1, "a": 2}', "this JSON cannot be used: `a` stands twice in one table", None),
        ('"\\ud800"', "this JSON holds half a character", None),
        ("[" * 300 + "]" * 300, "this JSON is nested too deeply", None),
        ("[" * 100_000, "this JSON is nested too deeply", None),
    ],
)  # fmt: skip
def test_what_is_no_json_is_said_at_its_place(text: str, message: str, there: str | None) -> None:
    """Line and column are those of the whole text, with fences and all: it can be opened beside the message."""
    with pytest.raises(NodeError) as caught:
        parse(text)
    assert caught.value.message == message
    assert caught.value.hint
    assert there is None or dict(caught.value.facts)["there"] == there


def test_a_block_that_says_json_is_meant_among_others() -> None:
    """An answer explains itself with code of another kind."""
    assert parse("```python\nx = 1\n```\n```json\n[1]\n```") == [1]


def test_ten_thousand_fences_take_no_time() -> None:
    """Text is made by others: reading it must not take the square of its length."""
    with pytest.raises(NodeError, match="no JSON"):
        parse("```a\n" * 200_000)


FORM = {"title": "text", "size": "wide | close", "scenes": [{"n": "integer", "note": "text?"}]}
GOOD: dict[str, Any] = {
    "title": "t",
    "size": "wide",
    "scenes": [{"n": 1}, {"n": 2.0, "note": "x"}, {"n": 3, "note": None}],
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"title": 4}, "`title` is 4, and text is meant"),
        ({"size": "far"}, '`size` is "far", and it is one of: wide, close'),
        ({"scenes": {}}, "`scenes` is a table, and a list is meant"),
        ({"scenes": [{"n": 1}, {"n": "2"}]}, '`scenes[1].n` is "2", and a whole number is meant'),
        ({"scenes": [{"n": True}]}, "`scenes[0].n` is true, and a whole number is meant"),
        ({"scenes": [{}]}, "`scenes[0]` has no `n`; there is: nothing"),
        ({"scenes": [[1, 2]]}, "`scenes[0]` is a list of 2, and a table is meant"),
        ({"more": 1}, "the whole has `more`, which was not asked for"),
    ],
)
def test_a_form_is_held_to(change: dict[str, Any], said: str) -> None:
    """References into the value were checked against it before anything ran."""
    value = GOOD | change
    if not said:
        assert parse(json.dumps(value), returns=FORM) == value
        return
    with pytest.raises(NodeError) as caught:
        parse(json.dumps(value), returns=FORM)
    assert caught.value.message == f"this JSON is not of the form that was asked for: {said}"


@given(JSON)
def test_what_fits_a_form_fits_its_schema(value: Any) -> None:
    """The check by types and the schema that a model is sent say the same of what they can both say."""
    import jsonschema

    schema = schema_of_returns({"a": "text", "b": ["integer"], "c": "number?"})
    value = {"a": value, "b": [value], "c": 1}
    assert (misfit(value, type_of_schema(schema)) == "") == jsonschema.Draft7Validator(schema).is_valid(value)


@pytest.mark.parametrize(
    ("params", "type_"),
    [
        ({}, "json"),
        ({"returns": ["text"]}, "list<text>"),
        ({"schema": {"type": "integer"}}, "integer"),
        ({"schema": {}}, "any"),
    ],
)
def test_a_value_has_the_type_of_its_form(params: dict[str, Any], type_: str) -> None:
    """So references into it are checked beforehand; without a form nothing can be said."""
    assert str(KINDS["json.parse"].output_type(params)) == type_
