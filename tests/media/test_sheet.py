from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.media.sheet import fitted_into
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio


@given(
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.sampled_from(["contain", "cover", "pad", "stretch"]),
    st.sampled_from(["RGB", "RGBA"]),
)
@example((2, 15), (1, 11), "cover", "RGB")
def test_every_fit_gives_the_size_it_promises(own: tuple[int, int], size: tuple[int, int], fit: str, mode: str) -> None:
    """Only `contain` may be smaller, and it touches two sides."""
    made = fitted_into(Image.new(mode, own), size, fit)
    if fit == "contain":
        assert made.width <= size[0]
        assert made.height <= size[1]
        assert made.width == size[0] or made.height == size[1]
    else:
        assert made.size == size


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({"width": 80}, (80, 45)),
        ({"height": 45}, (80, 45)),
        ({"width": 50, "height": 50}, (50, 28)),
        ({"width": 50, "height": 50, "fit": "pad"}, (50, 50)),
        ({"width": 50, "height": 50, "fit": "cover"}, (50, 50)),
    ],
)
def test_resize(params: dict[str, Any], size: tuple[int, int], studio: Studio, card: Blob) -> None:
    """One side is enough; the other follows."""
    made, again = (studio.make("image.resize", image=card, **params) for _ in range(2))
    assert made == again
    assert (made.facts["width"], made.facts["height"]) == size


@pytest.mark.parametrize("position", ["top", "center", "bottom"])
@pytest.mark.parametrize("box", ["none", "#000000a0", "#ff0000"])
def test_a_caption_changes_only_its_part(position: str, box: str, studio: Studio, card: Blob) -> None:
    """The words stand where they were asked for."""
    made = studio.make("image.caption", image=card, text="Hello — world", position=position, box=box)
    with Image.open(studio.path(card)) as one, Image.open(studio.path(made)) as other:
        from PIL import ImageChops

        changed = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getbbox()
    assert changed is not None
    middle = (changed[1] + changed[3]) / 2 / 90
    assert {"top": middle < 0.4, "center": 0.35 < middle < 0.65, "bottom": middle > 0.6}[position]


def test_a_long_caption_is_made_to_fit(studio: Studio, card: Blob) -> None:
    """It becomes smaller before it leaves the picture."""
    made = studio.make("image.caption", image=card, text="word " * 60, size=0.2)
    assert (made.facts["width"], made.facts["height"]) == (160, 90)


@pytest.mark.parametrize("params", [{"color": "red"}, {"box": "#12"}, {"text": "  "}, {"text": "\U0001d2e0"}])
def test_captions_that_cannot_be_set_are_said(params: dict[str, Any], studio: Studio, card: Blob) -> None:
    """A colour is written in one way, and letters must exist."""
    with pytest.raises(NodeError) as caught:
        studio.make("image.caption", **{"image": card, "text": "x", **params})
    assert caught.value.hint


@pytest.mark.parametrize(
    ("count", "columns", "size"), [(1, None, (192, 122)), (4, 2, (368, 228)), (5, 5, (896, 122)), (4, None, (368, 228))]
)
def test_a_grid_keeps_reading_order_and_gaps(
    count: int, columns: int | None, size: tuple[int, int], studio: Studio, card: Blob
) -> None:
    """Rows and columns are what was asked for, or about as wide as high."""
    made = studio.make("image.grid", images=[card] * count, columns=columns)
    assert made.facts["width"] == size[0]
    assert abs(made.facts["height"] - size[1]) <= 16 * 3


def test_captions_stand_under_their_pictures(studio: Studio, card: Blob) -> None:
    """A sheet with captions is higher; a list of another length is a slip."""
    plain = studio.make("image.grid", images=[card, card], columns=2)
    named = studio.make("image.grid", images=[card, card], columns=2, captions=["one", "two words that are long"])
    assert named.facts["height"] > plain.facts["height"]
    with pytest.raises(NodeError, match="1 captions for 2 pictures"):
        studio.make("image.grid", images=[card, card], captions=["one"])
    with pytest.raises(NodeError, match="empty"):
        studio.make("image.grid", images=[])
