"""What was paid for against what was asked for: differences are said, and nothing that can be used is thrown away."""

from __future__ import annotations

from typing import Any

import pytest

from dagcontent.errors import NodeError
from dagcontent.providers.port import Call
from dagcontent.run.finishing import _check, _unlike
from dagcontent.values.value import Blob, Digest


def call(output: str, **params: Any) -> Call:
    return Call(
        attempt="", marker="", provider="v", operation="o", kind="k", model="m", output=output, params=params, fields={}
    )


def blob(type: str, **facts: Any) -> Blob:  # noqa: A002 - the design's word
    return Blob(Digest("0" * 64), type, f"{type}/x", 1, facts)


@pytest.mark.parametrize(
    ("asked", "facts", "said"),
    [
        ({"duration": 5}, {"duration_ms": 5040}, ""),
        ({"duration": 10}, {"duration_ms": 4000}, "10 s was asked for, and it is 4.0 s"),
        ({"duration": 5}, {}, ""),
        ({"size": "720x1280"}, {"width": 768, "height": 1365}, ""),
        ({"size": "720x1280"}, {"width": 1280, "height": 720}, "720x1280 was asked for, and it is 1280x720"),
        ({"size": "auto"}, {"width": 1280, "height": 720}, ""),
    ],
)
def test_what_differs_from_what_was_asked_for_is_said(asked: dict[str, Any], facts: dict[str, Any], said: str) -> None:
    """A clip of half the length was paid for like any other; people must hear of it, and may still want it."""
    assert _unlike(call("video", **asked), blob("video", **facts)) == said


@pytest.mark.parametrize(
    ("output", "value", "fits"),
    [
        ("text", "words", True), ("text", "  ", False), ("text", {"a": 1}, False), ("json", {"a": 1}, True), ("json", 0, True),
        ("json", [], True), ("json", None, False), ("image", blob("image"), True), ("image", blob("audio"), False),
        ("image", [blob("image"), blob("image")], True), ("image", [], False), ("audio", "words", False),
    ],
)  # fmt: skip
def test_only_a_value_of_the_type_that_was_asked_for_is_a_result(output: str, value: Any, fits: bool) -> None:
    """Whatever a vendor sends in place of a picture is not a picture."""
    if fits:
        _check(call(output), value)
    else:
        with pytest.raises(NodeError):
            _check(call(output), value)
