from __future__ import annotations

import itertools

import pytest
from PIL import Image

from dagcontent.media.camera import seen

SIZE = (160, 90)
LIGHT, COLOR = 160 * 90, 80 * 45
MOTIONS = ["zoom_in", "zoom_out", "pan_left", "pan_right", "pan_up", "pan_down"]


def shots(
    image: Image.Image, frames: int, motion: str, size: tuple[int, int] = SIZE
) -> list[tuple[bytes, bytes, bytes]]:
    planes = list(seen(lambda: image, size, frames, motion))
    return list(zip(planes[::3], planes[1::3], planes[2::3], strict=True))


def edge(shot: tuple[bytes, bytes, bytes], *, upright: bool) -> float:
    """Return where a white half ends, in px, from its brightness: an edge between two px is seen by their greys."""
    light = shot[0]
    line = light[45 * 160 : 46 * 160] if upright else light[80::160]
    return sum((value - 16) / 219 for value in line)


@pytest.mark.parametrize("motion", ["none", *MOTIONS])
def test_each_frame_is_three_planes_and_always_the_same(motion: str) -> None:
    """The encoder counts bytes: one too few, and every picture after it is torn."""
    image = Image.merge("RGB", [Image.linear_gradient("L"), Image.radial_gradient("L"), Image.new("L", (256, 256), 90)])
    made = shots(image, 5, motion)
    assert [tuple(map(len, shot)) for shot in made] == [(LIGHT, COLOR, COLOR)] * 5
    assert made == shots(image, 5, motion)
    assert len({shot[0] for shot in made}) == (1 if motion == "none" else 5)


@pytest.mark.parametrize("motion", MOTIONS)
def test_nothing_trembles(motion: str) -> None:
    """An edge moves by nearly the same part of a px each frame, and never back."""
    upright = motion not in ("pan_up", "pan_down")
    image = Image.new("RGB", (1280, 720), "black")
    image.paste("white", (0, 0, 900, 720) if upright else (0, 0, 1280, 500))
    places = [edge(shot, upright=upright) for shot in shots(image, 72, motion)]
    steps = [after - before for before, after in itertools.pairwise(places)]
    mean = (places[-1] - places[0]) / len(steps)
    assert 0.02 < abs(mean) < 0.2, "slow, and not at rest"
    assert max(abs(step - mean) for step in steps) < 0.1


@pytest.mark.parametrize(
    ("color", "planes"),
    [
        ("black", (16, 128, 128)),
        ("white", (235, 128, 128)),
        ("#808080", (126, 128, 128)),
        ("red", (63, 102, 240)),
        ("lime", (173, 42, 26)),
        ("blue", (32, 240, 118)),
    ],
)
def test_colors_are_those_of_the_standard(color: str, planes: tuple[int, int, int]) -> None:
    """BT.709, limited range: the values that its tables give for full colours."""
    (shot,) = shots(Image.new("RGB", SIZE, color), 1, "zoom_in")
    assert [set(plane) for plane in shot] == [{value} for value in planes]


def test_a_picture_that_can_be_seen_through_stands_on_black() -> None:
    """A film has no background."""
    (shot,) = shots(Image.new("RGBA", (300, 200), (255, 255, 255, 0)), 1, "none")
    assert set(shot[0]) == {16}


def test_any_shape_fills_the_frame() -> None:
    """No bars: what is too much is cut at the sides."""
    for size in ((90, 1600), (1600, 90), (1, 1)):
        assert all(set(shot[0]) == {235} for shot in shots(Image.new("RGB", size, "white"), 3, "pan_left"))
