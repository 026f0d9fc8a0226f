from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import MODES, SIZES, TURNS, encoded, noise, turned
from PIL import Image, ImageChops

from dagcontent.errors import NodeError
from dagcontent.kinds.registry import KINDS
from dagcontent.media.encoded import convert
from dagcontent.media.picture import open_picture
from dagcontent.media.sniff import sniff
from dagcontent.testing.conformance import check_implementation
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio

FORMATS = st.sampled_from(["png", "jpeg", "webp"])


def put(studio: Studio, image: Image.Image, form: str = "PNG", **settings: Any) -> Blob:
    """Give the studio a picture; each has a file of its own."""
    studio.count += 1
    return studio.put(f"en{studio.count}.{form}", encoded(image, form, **settings), "image", f"image/{form.lower()}")


@given(SIZES, st.sampled_from(MODES), st.sampled_from(TURNS), FORMATS, st.none() | st.integers(1, 100))
def test_a_picture_stays_the_picture(
    studio: Studio, size: tuple[int, int], mode: str, turn: int, form: str, quality: int | None
) -> None:
    """The same size, upright, as clear as it was wherever the format can be; equal bytes every time; whole."""
    blob = put(studio, noise(size, mode), "JPEG" if mode == "CMYK" else "PNG", exif=turned(turn))
    quality = None if form == "png" else quality
    made, again = (studio.make("image.convert", image=blob, format=form, quality=quality) for _ in range(2))
    assert made == again
    assert made.media_type == f"image/{form}"
    assert sniff(studio.path(made)) == ("image", f"image/{form}")
    before, after = open_picture(studio.path(blob)), open_picture(studio.path(made))
    assert after.size == before.size == (made.facts["width"], made.facts["height"])
    if form == "png":
        assert after.tobytes() == before.tobytes()
    elif form == "jpeg":
        assert after.mode == "RGB"
    elif before.mode == "RGBA" and before.getchannel("A").getextrema() != (255, 255):
        assert after.getchannel("A").tobytes() == before.getchannel("A").tobytes()
    with Image.open(studio.path(made)) as file:
        assert not file.getexif()
        assert "icc_profile" not in file.info


@given(FORMATS, st.tuples(*[st.integers(0, 255)] * 3))
def test_what_one_sees_through_a_picture_is_the_background(
    studio: Studio, form: str, color: tuple[int, int, int]
) -> None:
    """A logo without its background would be black in a jpeg, which is what encoders do by themselves."""
    blob = put(studio, Image.new("RGBA", (16, 16), (9, 9, 9, 0)))
    written = f"#{bytes(color).hex()}"
    made = open_picture(studio.path(studio.make("image.convert", image=blob, format=form, background=written)))
    assert made.mode == "RGB"
    off = ImageChops.difference(made, Image.new("RGB", (16, 16), color)).getextrema()
    assert max(high for _, high in off) <= (0 if form == "png" else 6)


def test_without_a_background_only_a_jpeg_gets_one(studio: Studio) -> None:
    """White, as paper is; the others can be seen through."""
    blob = put(studio, Image.new("RGBA", (8, 8), (9, 9, 9, 0)))
    made = {
        form: open_picture(studio.path(studio.make("image.convert", image=blob, format=form))).getpixel((3, 3))
        for form in ("png", "jpeg", "webp")
    }
    assert made["jpeg"] == (255, 255, 255)
    assert [made[form][3] for form in ("png", "webp")] == [0, 0]  # type: ignore[index]


def test_quality_is_size(studio: Studio, card: Blob) -> None:
    """Who asks for less gets a smaller file."""
    sizes = [studio.make("image.convert", image=card, format="jpeg", quality=q).size_bytes for q in (10, 50, 95)]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"format": "png", "quality": 80}, "a png has no quality: it loses nothing"),
        ({"format": "jpeg", "background": "white"}, "`background` is not a colour: 'white'"),
        ({"format": "jpeg", "background": "#ffffff80"}, "`background` can be seen through itself: #ffffff80"),
        ({"format": "webp"}, "a webp has sides of at most 16383 px, and the picture is 16384x1 px"),
    ],
)
def test_what_a_format_cannot_do_is_said(params: dict[str, Any], message: str, studio: Studio) -> None:
    """A parameter that does nothing would still be in the key, and be believed."""
    size = (16384, 1) if params["format"] == "webp" else (4, 4)
    with pytest.raises(NodeError) as caught:
        studio.make("image.convert", image=put(studio, Image.new("RGBA", size)), **params)
    assert caught.value.message == message
    assert caught.value.hint


def test_the_engine_can_rely_on_it(studio: Studio) -> None:
    """Equal bytes in another folder, declared type and facts."""
    blob = put(studio, noise((30, 20), "RGBA"))
    files = {blob.digest: studio.path(blob)}
    check_implementation(KINDS["image.convert"], convert, {"image": blob, "format": "webp"}, files=files)
