from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.kinds.registry import KINDS
from dagcontent.values.value import ABSENT, UNKNOWN

WORDS = st.sampled_from(
    ["One", "two,", "three.", "“Four!”", '"Five?"', "(six.)", "七。", "「八！」", "3.14", "e.g.", "\n", "\n\n"]
)
TEXTS = st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=60)
WAYS = st.sampled_from(["sentence", "paragraph", "line"])
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="'"), max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def split(text: str, by: str, max_characters: int | None = None) -> list[str]:
    """Run text.split."""
    evaluate = KINDS["text.split"].evaluate
    assert evaluate is not None
    return list(evaluate({"text": text, "by": by, "max_characters": max_characters}))


def get(json: Any, path: str) -> Any:
    """Run json.get."""
    evaluate = KINDS["json.get"].evaluate
    assert evaluate is not None
    return evaluate({"json": json, "path": path})


@given(TEXTS, WAYS, st.none() | st.integers(1, 12))
def test_split_loses_nothing_but_space(text: str, by: str, limit: int | None) -> None:
    """Every piece is spoken or shown: a lost quote or word would be missing from the film."""
    pieces = split(text, by, limit)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece == piece.strip() != "" for piece in pieces)


@given(TEXTS, WAYS, st.integers(1, 12))
def test_split_keeps_to_its_limit(text: str, by: str, limit: int) -> None:
    """A caption longer than asked for would run out of the picture; a word is cut only when it alone is too long."""
    pieces = split(text, by, limit)
    assert all(len(piece) <= limit for piece in pieces)
    if all(len(word) <= limit for word in text.split()):
        assert [word for piece in pieces for word in piece.split()] == [
            word for piece in split(text, by) for word in piece.split()
        ]


@given(TEXTS, WAYS)
def test_split_of_a_piece_is_the_piece(text: str, by: str) -> None:
    """A boundary that is found only the second time would move when text around it is edited."""
    for piece in split(text, by):
        assert split(piece, by) == [piece]


@pytest.mark.parametrize(
    ("by", "text", "pieces"),
    [
        ("sentence", "He said “Go!” Then he left. Why?", ["He said “Go!”", "Then he left.", "Why?"]),
        ("sentence", "It costs 3.50 a piece.  Really…  yes", ["It costs 3.50 a piece.", "Really…", "yes"]),
        ("sentence", "灯が点く。「はい！」夜になる。", ["灯が点く。", "「はい！」", "夜になる。"]),
        ("paragraph", "a\nb\n\n \n\nc\n", ["a\nb", "c"]),
        ("line", "a\r\nb\n\n  c  ", ["a", "b", "c"]),
        ("line", " \n ", []),
    ],
)
def test_split_finds_the_ends(by: str, text: str, pieces: list[str]) -> None:
    """What a reader would call a sentence, a paragraph, a line."""
    assert split(text, by) == pieces


def test_split_cuts_a_word_that_is_too_long() -> None:
    """An address or a word of a language without spaces has to go somewhere."""
    assert split("ab cdefghi jk", "line", 3) == ["ab", "cde", "fgh", "i", "jk"]


@given(JSON, st.data())
def test_get_finds_every_part(json: Any, data: st.DataObject) -> None:
    """Whatever stands in a model's answer can be reached by writing the way to it."""
    path, value = "", json
    while isinstance(value, list | dict) and value:
        if isinstance(value, list):
            step: Any = data.draw(st.integers(0, len(value) - 1))
            path += f"[{step}]"
        else:
            step = data.draw(st.sampled_from(sorted(value)))
            path += f"['{step}']"
        value = value[step]
    assert get(json, path) == value


def test_get_maps_over_lists() -> None:
    """`[*]` goes on inside each element."""
    book = {"chapters": [{"title": "a", "pages": [1, 2]}, {"title": "b", "pages": []}]}
    assert get(book, "chapters[*].title") == ["a", "b"]
    assert get(book, "chapters[*].pages[*]") == [[1, 2], []]
    assert get(book, "['chapters'][0].title") == "a"


@pytest.mark.parametrize(
    "path", ["nothing", "[0]", "list[9]", "list.name", "text[*]", "a b", "list[", "..", "list[-1]"]
)
def test_get_says_where_the_way_ends(path: str) -> None:
    """The mistake is the user's or the model's: it names the path, and what there is instead."""
    with pytest.raises(NodeError) as caught:
        get({"list": [1], "text": "t"}, path)
    assert path in caught.value.message
    assert caught.value.hint


def test_get_passes_on_what_is_not_there_yet() -> None:
    """The planner evaluates values before their inputs are made; an absent field has no value to pass on."""
    assert get({"a": UNKNOWN}, "a") is UNKNOWN
    assert get({"a": UNKNOWN}, "a.b[0]") is UNKNOWN
    assert get({"a": ABSENT}, "a") is None


def test_template_is_its_text() -> None:
    """References were put in before; nothing in the text is expanded a second time."""
    evaluate = KINDS["text.template"].evaluate
    assert evaluate is not None
    assert evaluate({"text": "${not.a.reference}"}) == "${not.a.reference}"


@pytest.mark.parametrize(
    ("params", "type_"),
    [
        ({}, "text"),
        ({"returns": ["text"]}, "list<text>"),
        ({"schema": {"type": "integer"}}, "integer"),
        ({"schema": {"type": "integer"}, "returns": "text"}, "integer"),
    ],
)
def test_generated_text_has_the_type_of_its_schema(params: dict[str, Any], type_: str) -> None:
    """References into an answer are checked before it is bought."""
    assert str(KINDS["text.generate"].output_type(params)) == type_
