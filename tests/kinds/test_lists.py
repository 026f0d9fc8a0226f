from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.errors import NodeError
from dagcontent.kinds.registry import KINDS
from dagcontent.values.types import ANY, IMAGE, JSON, TEXT, Type, list_of
from dagcontent.values.value import Blob, Digest

PLACES = st.none() | st.integers(-8, 8)
LEAVES = st.integers(0, 3) | st.booleans() | st.sampled_from(["", "a", "b"]) | st.none()
NESTED = st.lists(st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3), max_leaves=12), max_size=5)
STILLS = [Blob(Digest(f"{n:064x}"), "image", "image/png", n) for n in range(4)]


def run(kind: str, **params: Any) -> Any:
    """Run a kind of list as the planner does."""
    evaluate = KINDS[kind].evaluate
    assert evaluate is not None
    return evaluate({name: value for name, value in params.items() if value is not None})


@given(st.lists(LEAVES, max_size=8), PLACES, PLACES)
def test_slice_is_a_slice(items: list[Any], start: int | None, stop: int | None) -> None:
    """The first three, all but the first, the last two: beyond the ends there is nothing, and no mistake."""
    assert run("list.slice", list=items, start=start, stop=stop) == items[start:stop]


@given(NESTED)
def test_flatten_without_a_depth_leaves_no_list(items: list[Any]) -> None:
    """What is left is every leaf, in order."""

    def leaves(value: Any) -> list[Any]:
        return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]

    assert run("list.flatten", list=items) == leaves(items)


@given(NESTED, st.integers(1, 3))
def test_flatten_takes_away_so_many_levels(items: list[Any], depth: int) -> None:
    """Each is the one-liner that everybody knows."""
    flat = items
    for _ in range(depth):
        flat = [leaf for item in flat for leaf in (item if isinstance(item, list) else [item])]
    assert run("list.flatten", list=items, depth=depth) == flat


@given(st.lists(LEAVES, max_size=8), LEAVES, st.lists(LEAVES, max_size=3))
def test_filter_is_a_comprehension(items: list[Any], one: Any, some: list[Any]) -> None:
    """With 1 and true being different things, as everywhere in the language."""

    def same(a: Any, b: Any) -> bool:
        return a == b and isinstance(a, bool) == isinstance(b, bool)

    assert run("list.filter", list=items) == [item for item in items if item]
    if one is not None:
        assert run("list.filter", list=items, **{"is": one}) == [i for i in items if same(i, one)]
        assert run("list.filter", list=items, is_not=one) == [i for i in items if not same(i, one)]
    assert run("list.filter", list=items, **{"in": some}) == [i for i in items if any(same(i, s) for s in some)]


@given(st.lists(st.integers(-5, 5), max_size=8), PLACES, PLACES)
def test_bounds_are_inclusive(items: list[int], low: int | None, high: int | None) -> None:
    """As everywhere: `min` is the least that is good enough."""
    kept = run("list.filter", list=items, min=low, max=high)
    if low is not None or high is not None:
        assert kept == [i for i in items if (low is None or i >= low) and (high is None or i <= high)]


@given(st.lists(st.dictionaries(st.sampled_from("ab"), LEAVES), max_size=6))
def test_where_looks_into_each_element(rows: list[dict[str, Any]]) -> None:
    """An element without the field stays only where another value is to be kept out; if none has it, it is misspelt."""
    if rows and not any("a" in row for row in rows):
        with pytest.raises(NodeError, match="no element of `list` has `a`"):
            run("list.filter", list=rows, where="a")
        return
    assert run("list.filter", list=rows, where="a") == [row for row in rows if row.get("a")]
    assert run("list.filter", list=rows, where="a", **{"is": "b"}) == [row for row in rows if row.get("a") == "b"]
    assert run("list.filter", list=rows, where="a", is_not="b") == [row for row in rows if row.get("a") != "b"]


def test_media_are_judged_by_values_beside_them() -> None:
    """A model looks at every still, and those that it finds good go on: the common case."""
    verdicts = [{"ok": True, "score": 3}, {"ok": False, "score": 9}, {"ok": True, "score": 8}, {"score": 1}]
    assert run("list.filter", list=STILLS, by=verdicts, where="ok") == [STILLS[0], STILLS[2]]
    assert run("list.filter", list=STILLS, by=[1, 2, 3, 4], min=3) == STILLS[2:]
    assert run("list.filter", list=STILLS, by=verdicts, where="score", min=3, max=8) == [STILLS[0], STILLS[2]]
    assert run("list.filter", list=STILLS) == STILLS


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"list": STILLS, "where": "width", "min": 3}, "there is no way into media"),
        ({"list": STILLS, "by": [True]}, "the number of values in `by` is 1, and of elements in `list` 4"),
        ({"list": STILLS, "by": [{"a": 1}] * 4, "where": "b"}, "no element of `by` has `b`"),
        ({"list": ["a"], "min": 1}, "`min` compares numbers, and an element has 'a'"),
        ({"list": [True], "max": 1}, "`max` compares numbers, and an element has True"),
        ({"list": [{}], "where": "a b"}, "`a b` is not a path: it cannot be read from ` b` on"),
    ],
)
def test_what_cannot_be_sifted_is_said(params: dict[str, Any], message: str) -> None:
    """What is compared comes from a model: the message says what it wrote."""
    with pytest.raises(NodeError) as caught:
        run("list.filter", **params)
    assert caught.value.message == message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("kind", "given", "params", "type_"),
    [
        ("list.filter", list_of(IMAGE), {}, "list<image>"),
        ("list.slice", list_of(list_of(TEXT)), {}, "list<list<text>>"),
        ("list.slice", JSON, {}, "list<any>"),
        ("list.filter", ANY, {}, "list<any>"),
        ("list.flatten", list_of(list_of(list_of(IMAGE))), {}, "list<image>"),
        ("list.flatten", list_of(list_of(list_of(IMAGE))), {"depth": 1}, "list<list<image>>"),
        ("list.flatten", list_of(list_of(IMAGE)), {"depth": 9}, "list<image>"),
        ("list.flatten", list_of(list_of(IMAGE)), {"depth": "${params.n}"}, "list<any>"),
        ("list.flatten", ANY, {}, "list<any>"),
    ],
)
def test_a_list_of_pictures_stays_one(kind: str, given: Type, params: dict[str, Any], type_: str) -> None:
    """What takes pictures takes what was sifted, and anything else is refused before it is made."""
    like = KINDS[kind].output_like
    assert like is not None
    assert str(like(given, params)) == type_
