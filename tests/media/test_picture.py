from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import MODES, SIZES, TURNS, encoded, noise, turned
from PIL import Image, ImageOps

from dagcontent.errors import NodeError
from dagcontent.media.picture import open_picture

if TYPE_CHECKING:
    from conftest import Studio

# As the module itself has it, which pytest takes back.
quiet = pytest.mark.filterwarnings("ignore::UserWarning:PIL")
LOCAL = [
    ("image.resize", {"width": 8}),
    ("image.crop", {"width": 1}),
    ("image.convert", {"format": "png"}),
    ("image.split", {"rows": 1}),
    ("image.caption", {"text": "x"}),
]


def read(data: bytes, folder: Path, name: str = "a.png") -> Image.Image:
    """Return the picture of a file with these bytes."""
    path = folder / name
    path.write_bytes(data)
    return open_picture(path)


@given(SIZES, st.sampled_from(["RGB", "RGBA", "L"]), st.sampled_from(TURNS), st.sampled_from(["PNG", "WEBP", "JPEG"]))
def test_a_picture_is_upright(studio: Studio, size: tuple[int, int], mode: str, turn: int, form: str) -> None:
    """A phone writes how it was held and leaves the px as they were: a portrait would lie on its side in the film."""
    plain = "RGB" if form == "JPEG" and mode == "RGBA" else mode
    settings: dict[str, Any] = {"WEBP": {"lossless": True, "exact": True}, "JPEG": {"quality": 100}}.get(form, {})
    image = noise(size, plain)
    made = read(encoded(image, form, exif=turned(turn), **settings), studio.root)
    with_turn = image.copy()
    with_turn.getexif()[0x0112] = turn
    upright = ImageOps.exif_transpose(with_turn)
    assert made.size == upright.size
    if form != "JPEG":
        assert made.tobytes() == upright.convert(made.mode).tobytes()


@given(SIZES, st.sampled_from(MODES))
def test_every_mode_becomes_one_of_two(studio: Studio, size: tuple[int, int], mode: str) -> None:
    """What follows knows RGB and RGBA; a mode that it does not know would fail in the middle of a build."""
    made = read(encoded(noise(size, mode), "JPEG" if mode == "CMYK" else "PNG"), studio.root)
    assert made.size == size
    assert made.mode == ("RGBA" if mode in ("RGBA", "LA") else "RGB")
    assert made.info == {}


def test_sixteen_bits_keep_their_brightness(tmp_path: Path) -> None:
    """Pillow cuts them off: a scan would be nearly white."""
    image = Image.frombytes("I;16", (4, 1), struct.pack("<4H", 0, 257, 128 * 257, 65535))
    assert read(encoded(image), tmp_path).tobytes() == bytes(v for v in (0, 1, 128, 255) for _ in range(3))
    clear = read(encoded(image, transparency=257), tmp_path)
    assert clear.getchannel("A").tobytes() == bytes([255, 0, 255, 255])


def profile(red: float = 2.2) -> bytes:
    """Return the ICC profile of a screen: sRGB's primaries, its own gamma for red."""
    from PIL import ImageCms

    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", data[128:132])[0]
    for at in range(132, 132 + 12 * count, 12):
        name, offset, size = struct.unpack(">4sII", data[at : at + 12])
        if name == b"rTRC":
            curve = struct.pack(">4sII", b"curv", 0, 1) + struct.pack(">H", round(red * 256))
            data[offset : offset + len(curve)] = curve
            assert size >= len(curve)
    return bytes(data)


def test_colours_are_those_the_picture_says(tmp_path: Path) -> None:
    """What is written says nothing of its colours, and is taken for sRGB everywhere: it has to be."""
    from PIL import ImageCms

    image = Image.new("RGB", (4, 4), (128, 60, 20))
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert read(encoded(image, icc_profile=same), tmp_path).tobytes() == image.tobytes()
    other = read(encoded(image, icc_profile=profile(1.0)), tmp_path).getpixel((0, 0))
    assert isinstance(other, tuple)
    assert other[0] > 150
    clear = Image.new("RGBA", (4, 4), (128, 60, 20, 77))
    made = read(encoded(clear, icc_profile=profile(1.0)), tmp_path).getpixel((0, 0))
    assert isinstance(made, tuple)
    assert made[3] == 77
    assert made[0] > 150


@pytest.mark.parametrize("data", [b"nonsense" * 30, b"\0" * 200, profile()[:100]], ids=["none", "zeros", "cut off"])
def test_a_profile_that_cannot_be_read_is_passed_over(data: bytes, tmp_path: Path) -> None:
    """The picture is whole; refusing it would help nobody."""
    image = noise((5, 5))
    assert read(encoded(image, icc_profile=data), tmp_path).tobytes() == image.tobytes()


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that says it is of a size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(3000))), (b"IEND", b"")]
    parts = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ((9000, 8000), "9000x8000 px"), ((10000, 9001), "90 megapixels"), ((60000, 60000), "3,600 megapixels"),
        ((1_000_000, 1_000_000), "1,000,000 megapixels"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("kind", "params"), LOCAL)
def test_a_bomb_is_named_and_not_opened(
    kind: str, params: dict[str, Any], size: tuple[int, int], said: str, studio: Studio
) -> None:
    """A few kilobytes would take all memory; the file is named, which a build calls as it is beside the graph."""
    blob = studio.put("poster.png", bomb(*size), "image", "image/png")
    with pytest.raises(NodeError) as caught:
        studio.make(kind, image=blob, **params)
    assert caught.value.message == f"poster.png is too large to be opened: {said}"
    assert "64 megapixels" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "poster.png is empty"),
        (b"just words", "poster.png is not a picture: its content is of no type that is read here"),
        (b"%PDF-1.7 ...", "poster.png is not a picture: its content is document (application/pdf)"),
        (b"\x89PNG\r\n\x1a\n", "poster.png is not a picture, or its beginning is damaged"),
        (b"\xff\xd8\xff" + b"\0" * 50, "poster.png is not a picture, or its beginning is damaged"),
    ],
)
@pytest.mark.parametrize(("kind", "params"), LOCAL)
def test_what_is_no_picture_is_named(kind: str, params: dict[str, Any], data: bytes, said: str, studio: Studio) -> None:
    """The name that its owner knows, and what is expected."""
    blob = studio.put("poster.png", data, "image", "image/png")
    with pytest.raises(NodeError) as caught:
        studio.make(kind, image=blob, **params)
    assert caught.value.message == said
    assert "PNG, JPEG, WebP or GIF" in (caught.value.hint or "")


@quiet
@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]), st.integers(0, 10_000), st.sampled_from(["cut", "flip", "fill"])
)
def test_damaged_files_are_pictures_or_say_so(studio: Studio, form: str, seed: int, how: str) -> None:
    """Decoders raise whatever they stumble over; none of it may look like a fault of ours."""
    chance = random.Random(seed)
    data = bytearray(
        encoded(noise((24, 16)), form, exif=turned(6)) if form != "GIF" else encoded(noise((24, 16)), form)
    )
    at = chance.randrange(12, len(data))
    if how == "cut":
        data = data[:at]
    elif how == "flip":
        data[at] ^= 1 << chance.randrange(8)
    else:
        data[at : at + 20] = chance.randbytes(len(data[at : at + 20]))
    made: Image.Image | NodeError
    try:
        made = read(bytes(data), studio.root, f"damaged.{form.lower()}")
    except NodeError as error:
        made = error
    if isinstance(made, NodeError):
        assert made.hint
        assert "damaged." in made.message
    else:
        assert made.mode in ("RGB", "RGBA")


@quiet
def test_damaged_exif_does_not_cost_the_picture(tmp_path: Path) -> None:
    """The px are whole: they are taken as they stand."""
    image = noise((6, 4))
    data = encoded(image, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read(data, tmp_path).tobytes() == image.tobytes()


def test_the_first_of_several_frames_is_the_picture(tmp_path: Path) -> None:
    """An animation where a picture is meant is taken at its beginning."""
    into = io.BytesIO()
    frames = [Image.new("RGB", (4, 4), color) for color in ("#ff0000", "#00ff00")]
    frames[0].save(into, "GIF", save_all=True, append_images=frames[1:])
    assert read(into.getvalue(), tmp_path, "a.gif").getpixel((1, 1)) == (255, 0, 0)
