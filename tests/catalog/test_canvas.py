from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.catalog import load
from dagcontent.catalog.canvas import PRESETS, Placed, placed
from dagcontent.catalog.fit import pixels_of, ratio
from dagcontent.catalog.model import Canvas
from dagcontent.errors import NodeError

CANVASES = {model.id: model.canvas for model in load.models() if model.canvas is not None}
ASPECTS = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "5:4", "4:5", "2:1", "1.91:1")


def sides_of(value: object) -> tuple[int, int]:
    """Return a size in any of the forms as two numbers."""
    if isinstance(value, dict):
        return value["width"], value["height"]
    assert isinstance(value, str)
    sides = PRESETS.get(value) or pixels_of(value)
    assert sides is not None
    return sides


def attempted(canvas: Canvas, aspect: str | None, size: str | None, snap: str | None) -> Placed | NodeError:
    try:
        return placed(canvas, aspect, size, snap, "it")
    except NodeError as error:
        return error


def within(canvas: Canvas, width: int, height: int) -> bool:
    """Tell, by the numbers alone, whether a model makes this size."""
    if canvas.sizes:
        return f"{width}x{height}" in canvas.sizes
    bounds = canvas.least_side <= min(width, height) and max(width, height) <= canvas.most_side
    area = canvas.least_px <= width * height <= canvas.most_px
    return bounds and area and width % canvas.multiple == 0 and height % canvas.multiple == 0


@given(st.sampled_from(sorted(CANVASES)), st.sampled_from(ASPECTS))
def test_an_aspect_becomes_a_size_that_the_model_makes(model: str, aspect: str) -> None:
    """About its ratio, and within its bounds: else the vendor refuses it, or makes another picture."""
    canvas = CANVASES[model]
    assert canvas is not None
    found = attempted(canvas, aspect, None, None)
    if isinstance(found, NodeError):
        assert canvas.sizes  # few sizes: the ratio is not among them
        return
    width, height = sides_of(found.value)
    assert within(canvas, width, height)
    wanted = ratio(aspect)
    assert wanted is not None
    assert width / height == pytest.approx(wanted, rel=0.03)
    assert found.pixels == width * height


@given(st.sampled_from(sorted(CANVASES)), st.integers(1, 6000), st.integers(1, 6000))
def test_a_size_is_taken_exactly_or_refused(model: str, width: int, height: int) -> None:
    """Without leave to snap, what is written is what is made."""
    canvas = CANVASES[model]
    assert canvas is not None
    size = f"{width}x{height}"
    found = attempted(canvas, None, size, None)
    if isinstance(found, NodeError):
        assert found.hint
        assert not within(canvas, width, height) or max(width, height) > canvas.ratio * min(width, height)
        return
    assert sides_of(found.value) == (width, height)
    assert within(canvas, width, height)


@given(st.sampled_from(sorted(CANVASES)), st.integers(300, 5000), st.integers(300, 5000))
def test_a_snapped_size_is_one_that_the_model_makes(model: str, width: int, height: int) -> None:
    """With leave to snap, the nearest that it makes is sent, and said."""
    canvas = CANVASES[model]
    assert canvas is not None
    found = attempted(canvas, None, f"{width}x{height}", "nearest")
    if isinstance(found, NodeError):
        return  # a ratio that no size of it has
    assert within(canvas, *sides_of(found.value))
    assert found.size is not None
    again = placed(canvas, found.aspect, found.size, "error", model)
    assert again.value == found.value


@pytest.mark.parametrize(
    ("aspect", "size", "says"),
    [
        ("wide", None, "`wide` is no aspect"),
        ("0:0", None, "is no aspect"),
        (None, "large", "`large` is no size"),
        ("16:9", "1024x1024", "is not 16:9"),
        ("40:1", None, "goes from"),
    ],
)
def test_what_is_no_size_is_said(aspect: str | None, size: str | None, says: str) -> None:
    """Each would otherwise fail at the vendor, after others were paid."""
    with pytest.raises(NodeError, match=says):
        placed(Canvas(), aspect, size, None, "it")


def test_words_of_a_model_are_sizes_too() -> None:
    """Where it has a size of its own, a graph may name it."""
    found = placed(Canvas(words=("auto_2K",)), None, "auto_2K", None, "it")
    assert (found.value, found.pixels) == ("auto_2K", None)
