from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dagcontent.errors import NodeError
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio

_MOTIONS = ["none", "zoom_in", "zoom_out", "pan_left", "pan_right", "pan_up", "pan_down"]


@pytest.mark.parametrize("motion", _MOTIONS)
def test_every_motion_moves_in_its_own_way_and_always_the_same(motion: str, studio: Studio, card: Blob) -> None:
    """Each makes a clip of the length and rate asked for, twice the same bytes."""
    one, other = (studio.make("video.from_still", image=card, duration=0.5, fps=12, motion=motion) for _ in range(2))
    assert one == other
    assert (one.facts["width"], one.facts["height"], one.facts["duration_ms"]) == (160, 90, 500)
    assert "sample_rate" not in one.facts
    assert studio.plays(one)


@pytest.mark.slow
def test_motions_differ(studio: Studio, card: Blob) -> None:
    """A motion that did nothing would pass every other test."""
    clips = [studio.make("video.from_still", image=card, duration=0.5, fps=12, motion=motion) for motion in _MOTIONS]
    assert len({clip.facts["content"] for clip in clips}) == len(_MOTIONS)


def test_a_clip_is_as_long_as_its_sound(studio: Studio, clip: Blob, voice: Blob) -> None:
    """No word is cut, and at most one frame is added."""
    assert 0 <= clip.facts["duration_ms"] - voice.facts["duration_ms"] <= 1000 / 12 + 1
    assert clip.facts["alignment"] == voice.facts["alignment"]


@pytest.mark.slow
def test_a_large_or_odd_picture_gets_a_size_that_can_be_encoded(studio: Studio) -> None:
    """H.264 wants even sides; a photo of 40 megapixels is no film."""
    for size, wanted in (("2561x37", (1280, 18)), ("161x91", (160, 92))):
        image = studio.make("image.generate", "card", prompt="x", size=size)
        made = studio.make("video.from_still", image=image, duration=0.1, fps=10)
        assert abs(made.facts["width"] - wanted[0]) <= 2
        assert made.facts["width"] % 2 == made.facts["height"] % 2 == 0


def test_kenburns_paints_its_own_picture_and_fades_into_another(studio: Studio, card: Blob) -> None:
    """The stand-in takes what any vendor takes: a prompt, pictures, a shape, a resolution."""
    plain = studio.make(
        "video.generate", "kenburns", prompt="The sea", duration=0.3, aspect="9:16", resolution="96p", fps=10
    )
    assert (plain.facts["width"], plain.facts["height"], plain.facts["duration_ms"]) == (96, 170, 300)
    both = studio.make("video.generate", "kenburns", start_image=card, end_image=card, duration=0.6, fps=10, sound=True)
    assert both.facts["duration_ms"] == 600
    assert both.facts["sample_rate"] == 48000
    assert studio.plays(both)


@pytest.mark.parametrize(
    ("data", "what"), [(b"", "empty"), (b"not a picture", "not a picture"), (b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "")]
)
def test_a_picture_that_is_not_one_is_named(data: bytes, what: str, studio: Studio) -> None:
    """The file's name and what was expected, no traceback."""
    blob = studio.put("broken.png", data, "image", "image/png")
    with pytest.raises(NodeError, match=rf"broken\.png.*{what}") as caught:
        studio.make("video.from_still", image=blob, duration=1)
    assert "expected" in (caught.value.hint or "")


@pytest.mark.parametrize("params", [{"resolution": "tall"}, {"aspect": "1:100"}, {"aspect": "wide"}])
def test_wishes_that_cannot_be_met_are_said(params: dict[str, Any], studio: Studio) -> None:
    """Each message says how it is written."""
    with pytest.raises(NodeError) as caught:
        studio.make("video.generate", "kenburns", prompt="x", duration=0.1, **params)
    assert caught.value.hint
