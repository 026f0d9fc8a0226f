from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import SIZES, encoded, noise
from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.kinds.image import PLACES
from dagcontent.kinds.registry import KINDS
from dagcontent.media.layers import compose
from dagcontent.media.picture import open_picture
from dagcontent.plan.coerce import coerce
from dagcontent.testing.conformance import check_implementation
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio

LAYERS = KINDS["image.compose"].param("layers")
assert LAYERS is not None
RED, GREEN = (255, 0, 0), (0, 255, 0)


def put(studio: Studio, image: Image.Image) -> Blob:
    """Give the studio a picture; each has a file of its own."""
    studio.count += 1
    return studio.put(f"la{studio.count}.png", encoded(image), "image", "image/png")


def made(studio: Studio, *layers: Any, **params: Any) -> Image.Image:
    """Return what layers make, as everybody sees it; they go through what the engine does to parameters."""
    assert LAYERS is not None
    return open_picture(studio.path(studio.make("image.compose", layers=coerce(list(layers), LAYERS), **params)))


def flat(image: Image.Image) -> Image.Image:
    """Return a picture without alpha where it is opaque, as it is written."""
    clear = image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255)
    return image if clear else image.convert("RGB")


@given(SIZES, st.sampled_from(["RGB", "RGBA", "L", "P"]), st.sampled_from(PLACES))
def test_one_layer_is_that_layer(studio: Studio, size: tuple[int, int], mode: str, position: str) -> None:
    """Px for px, also under what one sees through: a card that a logo is laid on must not lose what the logo was."""
    blob = put(studio, noise(size, mode))
    image = flat(open_picture(studio.path(blob)))
    whole = made(studio, {"image": blob, "position": position})
    assert (whole.mode, whole.tobytes()) == (image.mode, image.tobytes())


@given(SIZES, SIZES, st.integers(-50, 50), st.integers(-50, 50))
def test_a_box_is_where_the_layer_is(
    studio: Studio, size: tuple[int, int], inner: tuple[int, int], left: int, top: int
) -> None:
    """What hangs over is cut off, what lies outside is the picture beneath, and nothing seen at all is a slip."""
    below = put(studio, Image.new("RGB", size, RED))
    layers = ({"image": below}, {"color": "#00ff00", "box": [left, top, *inner]})
    seen = left < size[0] and top < size[1] and left + inner[0] > 0 and top + inner[1] > 0
    if not seen:
        with pytest.raises(NodeError, match=f"and the whole is {size[0]}x{size[1]} px"):
            made(studio, *layers)
        return
    whole = Image.new("RGB", size, RED)
    whole.paste(GREEN, (left, top, left + inner[0], top + inner[1]))
    assert made(studio, *layers).tobytes() == whole.tobytes()


@given(SIZES, st.tuples(*[st.integers(0, 255)] * 4), st.floats(0, 1))
def test_opacity_is_a_share_of_what_a_layer_is(
    studio: Studio, size: tuple[int, int], color: tuple[int, int, int, int], opacity: float
) -> None:
    """0 changes nothing, 1 is the layer, between them lies a blend of both."""
    written = f"#{bytes(color).hex()}"
    whole = made(studio, {"color": "#ff0000"}, {"color": written, "opacity": opacity}, width=size[0], height=size[1])
    share = color[3] / 255 * opacity
    for band, (below, above) in enumerate(zip(RED, color, strict=False)):
        low, high = whole.getchannel(band).getextrema()
        assert low == high
        assert abs(float(low) - (below + (above - below) * share)) <= 2  # type: ignore[arg-type]


@pytest.mark.parametrize("position", PLACES)
def test_words_are_where_they_were_asked_for_and_inside(position: str, studio: Studio) -> None:
    """A long text shrinks before it leaves the picture or its box."""
    for box in (None, [20, 10, 120, 70]):
        table: dict[str, Any] = {"text": "A title that is rather long — for sure", "position": position, "size": 0.2}
        table |= {} if box is None else {"box": box}
        whole = made(studio, {"color": "#000"}, table, width=160, height=90)
        found = whole.getbbox()
        assert found is not None
        left, top, right, bottom = (0, 0, 160, 90) if box is None else (20, 10, 140, 80)
        assert left <= found[0] < found[2] <= right
        assert top <= found[1] < found[3] <= bottom


@pytest.mark.parametrize(
    ("table", "corner"),
    [
        ({"size": 0.5, "position": "top-right", "margin": 0.1}, (45, 5, 95, 25)),
        ({"size": 0.5, "position": "bottom"}, (25, 30, 75, 50)),
        ({"position": "bottom-right"}, (60, 34, 100, 50)),
        ({"box": [0, 0, 10, 50]}, (0, 23, 10, 27)),
        ({"box": [0, 0, 10, 50], "position": "bottom"}, (0, 46, 10, 50)),
        ({"box": [0, 0, 10, 50], "fit": "stretch"}, (0, 0, 10, 50)),
        ({"box": [3, 4, 10, 10], "fit": "cover"}, (3, 4, 13, 14)),
    ],
)
def test_sizes_and_places(table: dict[str, Any], corner: tuple[int, int, int, int], studio: Studio) -> None:
    """A size is a part of the whole, a margin a part of its shorter side, a box is px."""
    logo = put(studio, Image.new("RGB", (40, 16), GREEN))
    whole = made(studio, {"color": "#000000"}, {"image": logo, **table}, width=100, height=50)
    assert whole.getbbox() == corner


def test_what_is_larger_than_the_whole_is_made_to_fit(studio: Studio) -> None:
    """A picture laid on a smaller card is seen whole."""
    large = put(studio, Image.new("RGB", (400, 100), GREEN))
    assert made(studio, {"color": "#000000"}, {"image": large}, width=100, height=50).getbbox() == (0, 12, 100, 37)


def test_a_layer_whose_content_was_left_out_is_left_out(studio: Studio) -> None:
    """Not every scene has a subtitle: the field is absent, and so is its layer."""
    whole = made(studio, {"color": "#ff0000"}, {"position": "top", "size": 0.2}, width=4, height=4)
    assert whole.tobytes() == Image.new("RGB", (4, 4), RED).tobytes()
    with pytest.raises(NodeError, match="holds nothing to show"):
        made(studio, {"opacity": 0.5}, width=4, height=4)


@pytest.mark.parametrize(
    ("layers", "params", "message"),
    [
        ([{"color": "#fff"}], {}, "there is no picture among the layers, so nothing says how large the whole is"),
        ([{"color": "#fff"}], {"width": 9000, "height": 9000}, "a picture of 9000x9000 px is too large to be made"),
        ([{"color": "white"}], {}, "`color` is not a colour: 'white'"),
        ([{"color": "#fff", "box": [1, 2]}], {}, "`box` of `layers[0]` has 2 numbers"),
        ([{"color": "#fff", "box": [0, 0, 4, 0]}], {}, "`box` of `layers[0]` is 4x0 px at 0, 0, and the whole is 100x50 px"),
        ([{"text": "a", "box": [90, 0, 20, 9]}], {}, "`box` of `layers[0]` is 20x9 px at 90, 0, and the whole is 100x50 px"),
        ([{"color": "#fff"}, {"text": "one \U0001d2e0\ufdd0"}], {}, "no font on this machine has these letters of `text` of `layers[1]`: \U0001d2e0 (U+1D2E0), \ufdd0 (U+FDD0)"),
        ([{"color": "#fff", "opacity": 2}], {}, "`layers[0]`: `opacity` is 2"),
        ([{"colour": "#fff"}], {}, "`layers[0]` has no `colour`"),
        (["art"], {}, "`layers[0]` is a table, and this is str 'art'"),
    ],
)  # fmt: skip
def test_what_cannot_be_composed_is_said(
    layers: list[Any], params: dict[str, Any], message: str, studio: Studio
) -> None:
    """Each names its layer, for a card has many."""
    size = {} if "nothing says" in message else {"width": 100, "height": 50}
    with pytest.raises(NodeError) as caught:
        made(studio, *layers, **{**size, **params})
    assert caught.value.message == message
    assert caught.value.hint


def test_a_picture_with_words_is_two_layers(studio: Studio, card: Blob) -> None:
    """Which of the two would `size` speak of?"""
    with pytest.raises(NodeError, match=r"`layers\[0\]` has `image` and `text`"):
        made(studio, {"image": card, "text": "x"})


def test_the_engine_can_rely_on_it(studio: Studio) -> None:
    """Equal bytes in another folder, declared type and facts."""
    blob = put(studio, noise((30, 20), "RGBA"))
    layers = [{"image": blob}, {"text": "hello", "opacity": 0.5}]
    check_implementation(KINDS["image.compose"], compose, {"layers": layers}, files={blob.digest: studio.path(blob)})
