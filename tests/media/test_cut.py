from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import MODES, SIZES, TURNS, encoded, noise, turned
from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.kinds.image import PLACES
from dagcontent.kinds.registry import KINDS
from dagcontent.media.cut import crop, placed, split
from dagcontent.media.picture import open_picture
from dagcontent.testing.conformance import check_implementation
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio


def put(studio: Studio, image: Image.Image, form: str = "PNG", **settings: Any) -> Blob:
    """Give the studio a picture; each has a file of its own."""
    studio.count += 1
    return studio.put(f"in{studio.count}.{form}", encoded(image, form, **settings), "image", f"image/{form.lower()}")


def seen(studio: Studio, blob: Blob) -> Image.Image:
    """Return a picture as everybody sees it."""
    return open_picture(studio.path(blob))


@given(SIZES, st.sampled_from(MODES), st.sampled_from(TURNS), st.data())
def test_parts_are_the_picture_and_nothing_else(
    studio: Studio, size: tuple[int, int], mode: str, turn: int, data: st.DataObject
) -> None:
    """A storyboard sheet that loses a row of px at a seam is seen; so is a px that two parts have."""
    form = "JPEG" if mode == "CMYK" else "PNG"
    blob = put(studio, noise(size, mode), form, exif=turned(turn))
    whole = seen(studio, blob)
    rows, columns = data.draw(st.integers(1, min(4, whole.height))), data.draw(st.integers(1, min(4, whole.width)))
    parts = [seen(studio, part) for part in studio.make("image.split", image=blob, rows=rows, columns=columns)]
    again = Image.new(whole.mode, whole.size)
    top = 0
    for row in _rows(parts, columns):
        left = 0
        for part in row:
            assert part.height == row[0].height
            again.paste(part, (left, top))
            left += part.width
        assert left == whole.width
        top += row[0].height
    assert top == whole.height
    assert again.tobytes() == whole.tobytes()
    widths, heights = {part.width for part in parts}, {part.height for part in parts}
    assert max(widths) - min(widths) <= 1
    assert max(heights) - min(heights) <= 1


def _rows(parts: list[Image.Image], count: int) -> list[tuple[Image.Image, ...]]:
    return [tuple(parts[at : at + count]) for at in range(0, len(parts), count)]


@given(SIZES, st.sampled_from(["RGB", "RGBA"]), st.data())
def test_a_crop_is_that_part_of_the_picture(
    studio: Studio, size: tuple[int, int], mode: str, data: st.DataObject
) -> None:
    """Every px comes from where the box says, and the same call gives the same bytes."""
    blob = put(studio, noise(size, mode))
    left, top = data.draw(st.integers(0, size[0] - 1)), data.draw(st.integers(0, size[1] - 1))
    width, height = data.draw(st.integers(1, size[0] - left)), data.draw(st.integers(1, size[1] - top))
    made, other = (studio.make("image.crop", image=blob, box=[left, top, width, height]) for _ in range(2))
    assert made == other
    assert (made.facts["width"], made.facts["height"]) == (width, height)
    whole = seen(studio, blob)
    assert seen(studio, made).tobytes() == whole.crop((left, top, left + width, top + height)).tobytes()


@given(SIZES, SIZES, st.sampled_from(PLACES))
def test_a_position_is_inside_where_there_is_room(
    inner: tuple[int, int], outer: tuple[int, int], position: str
) -> None:
    """`right` ends at the right edge, `left` begins at the left one, and what has no side is in the middle."""
    left, top = placed(inner, outer, position)
    if inner[0] <= outer[0]:
        assert 0 <= left <= outer[0] - inner[0]
    assert not position.endswith("right") or left + inner[0] == outer[0]
    assert not position.startswith("bottom") or top + inner[1] == outer[1]
    assert not position.endswith("left") or left == 0
    assert not position.startswith("top") or top == 0


@pytest.mark.parametrize(
    ("params", "box"),
    [
        ({"width": 10}, (10, 0, 20, 20)),
        ({"height": 10}, (0, 5, 30, 15)),
        ({"width": 10, "height": 4, "position": "bottom-right"}, (20, 16, 30, 20)),
        ({"aspect": "1:1"}, (5, 0, 25, 20)),
        ({"aspect": "1:1", "position": "left"}, (0, 0, 20, 20)),
        ({"aspect": "3:1", "position": "top"}, (0, 0, 30, 10)),
        ({"aspect": "2:1", "width": 10, "position": "top-left"}, (0, 0, 10, 5)),
        ({"aspect": "1:2", "height": 10, "position": "top-right"}, (25, 0, 30, 10)),
    ],
)
def test_what_is_left_out_follows(params: dict[str, Any], box: tuple[int, int, int, int], studio: Studio) -> None:
    """One side, or the shape, is enough to say what is kept."""
    blob = put(studio, noise((30, 20)))
    made = studio.make("image.crop", image=blob, **params)
    assert seen(studio, made).tobytes() == seen(studio, blob).crop(box).tobytes()


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("image.crop", {"box": [25, 0, 10, 10]}, "`box` is 10x10 px at 25, 0, and the picture is 30x20 px"),
        ("image.crop", {"box": [-1, 0, 10, 10]}, "`box` is 10x10 px at -1, 0, and the picture is 30x20 px"),
        ("image.crop", {"box": [0, 0, 10, 0]}, "`box` is 10x0 px large"),
        ("image.crop", {"box": [0, 0, 10]}, "`box` has 3 numbers"),
        ("image.crop", {"box": [0, 0, 9, 9], "width": 3}, "`box` says already which part is kept, and `width` is given too"),
        ("image.crop", {"width": 40}, "a part of 40x20 px does not fit into the picture, which is 30x20 px"),
        ("image.crop", {"width": 30, "aspect": "1:1"}, "a part of 30x30 px does not fit into the picture, which is 30x20 px"),
        ("image.crop", {"width": 3, "height": 3, "aspect": "1:1"}, "`width` and `height` say the shape already, and `aspect` is given too"),
        ("image.crop", {"aspect": "wide"}, "`aspect` is not a shape that can be made: 'wide'"),
        ("image.split", {"rows": 21}, "a picture of 30x20 px has no 21 rows and 1 columns"),
    ],
)  # fmt: skip
def test_what_cannot_be_cut_is_said_with_both_sizes(
    kind: str, params: dict[str, Any], message: str, studio: Studio
) -> None:
    """Who reads it has the box in the graph, but not the size of what a model made."""
    with pytest.raises(NodeError) as caught:
        studio.make(kind, image=put(studio, noise((30, 20))), **params)
    assert caught.value.message == message
    assert caught.value.hint


def test_too_many_parts_are_refused(studio: Studio) -> None:
    """Each is a file and a decoding; a slip must not fill a disk."""
    with pytest.raises(NodeError, match="2,500 pictures"):
        studio.make("image.split", image=put(studio, noise((60, 60))), rows=50, columns=50)


def test_the_engine_can_rely_on_them(studio: Studio) -> None:
    """Equal bytes in another folder, declared types and facts."""
    blob = put(studio, noise((30, 20), "RGBA"))
    files = {blob.digest: studio.path(blob)}
    check_implementation(KINDS["image.crop"], crop, {"image": blob, "width": 7}, files=files)
    check_implementation(KINDS["image.split"], split, {"image": blob, "rows": 3}, files=files)
