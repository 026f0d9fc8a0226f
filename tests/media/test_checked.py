from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import sounds

from dagcontent.errors import NodeError
from dagcontent.media import probe
from dagcontent.media.call import NewFile
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio

MOVING = "testsrc=s=64x48:r=10"
BLACK = "color=black:s=64x48:r=10"
DAWN = "testsrc=s=64x48:r=10,eq=brightness='if(lt(t,{dark}),-1,0)':eval=frame"
STILL = "color=red:s=64x48:r=10"


def clip(studio: Studio, pictures: str, sound: str = "") -> Blob:
    """Return a clip of 2 s."""
    path = studio.root / f"clip{next(sounds.count)}.mp4"
    heard = ("-f", "lavfi", "-i", sound) if sound else ()
    sounds.run("-f", "lavfi", "-i", pictures, *heard, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-t", "2", str(path))
    return studio.commit(NewFile(path, "video", "video/mp4", probe.measure(path, "video", "video/mp4")))


@pytest.mark.slow
def test_what_is_as_it_should_be_is_given_on_as_it_is(studio: Studio) -> None:
    """The same bytes, so that nothing below it is made again; and what was measured."""
    good = clip(studio, MOVING, "sine=300:sample_rate=44100")
    good.facts["chapters"] = [{"title": "a", "start": 0.0, "end": 2.0}]
    bounds: dict[str, Any] = {
        "min_duration": 2, "max_duration": 2, "not_silent": True, "not_black": True, "not_frozen": True,
        "loudness": [-24.0, -20.0], "size": "64x48",
    }  # fmt: skip
    kept = studio.make("media.check", media=good, **bounds)
    assert kept == good
    assert kept.facts["chapters"] == good.facts["chapters"]
    report = kept.facts["report"]
    assert report.pop("loudness") == pytest.approx(-21.8, abs=0.2)
    assert report.pop("peak_db") == pytest.approx(-12.8, abs=0.5)
    assert report == {"duration": 2.0, "width": 64, "height": 48, "black": 0.0, "frozen": 0.0}


@pytest.mark.slow
def test_every_broken_bound_is_named_with_what_was_measured(studio: Studio) -> None:
    """Whoever reads it decides on all of it at once: a longer one that is still black helps nobody."""
    with pytest.raises(NodeError) as caught:
        studio.make(
            "media.check", media=clip(studio, BLACK, "anullsrc"), min_duration=3, size="1280x720", not_black=True,
            not_frozen=True, not_silent=True, loudness=[-16.0],
        )  # fmt: skip
    assert caught.value.message.removeprefix("the clip is not as it should be: ").split("; ") == [
        "it is 2.00 s long, and `min_duration` is 3 s",
        "it has 64x48 px, and `size` is 1280x720",
        "it is black for 2.00 s of 2.00 s (`not_black`)",
        "it is without motion for 2.00 s of 2.00 s (`not_frozen`)",
        "it is silent: -70.0 LUFS (`not_silent`)",
        "its loudness is -70.0 LUFS, and `loudness` is -17 to -15",
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pictures", "bound", "good"),
    [
        (DAWN.format(dark=0.8), "not_black", True),
        (DAWN.format(dark=1.3), "not_black", False),
        (MOVING, "not_frozen", True),
        (STILL, "not_frozen", False),
        (STILL, "not_black", True),
        (MOVING, "not_silent", False),
    ],
)
def test_half_of_it_is_the_limit(pictures: str, bound: str, good: bool, studio: Studio) -> None:
    """A film may begin in the dark; a clip that is dark for the most part was not made well."""
    made = clip(studio, pictures)
    if good:
        assert studio.make("media.check", media=made, **{bound: True}) == made
    else:
        with pytest.raises(NodeError, match=f"`{bound}`"):
            studio.make("media.check", media=made, **{bound: True})


def test_pictures_and_recordings_are_checked_for_what_they_have(studio: Studio, card: Blob) -> None:
    """A bound that has no meaning for the medium is a mistake of the graph, not of the picture."""
    assert studio.make("media.check", media=card, size="160x90", not_black=True).facts["report"]["width"] == 160
    heard = sounds.sound(studio, 0.5)
    assert studio.make("media.check", media=heard, max_duration=0.5, not_silent=True) == heard
    with pytest.raises(NodeError, match="the picture has no sound"):
        studio.make("media.check", media=card, not_silent=True)
    with pytest.raises(NodeError, match="the recording has no pictures"):
        studio.make("media.check", media=heard, not_black=True)
    with pytest.raises(NodeError, match="nothing is that long"):
        studio.make("media.check", media=heard, min_duration=2, max_duration=1)
    with pytest.raises(NodeError, match="the lowest and the highest"):
        studio.make("media.check", media=heard, loudness=[-1.0, -9.0])


def test_a_black_picture_is_found(studio: Studio) -> None:
    """It is what a model gives that refuses without a word."""
    black = studio.root / "black.png"
    sounds.run("-f", "lavfi", "-i", BLACK, "-frames:v", "1", str(black))
    with pytest.raises(NodeError, match="100% of it is black"):
        studio.make("media.check", media=studio.put("b.png", black.read_bytes(), "image", "image/png"), not_black=True)


def test_a_damaged_file_is_found_without_any_bound(studio: Studio) -> None:
    """To be played to its end is the least that is asked of a medium."""
    wav = studio.path(sounds.sound(studio, 0.5)).read_bytes()
    bad = studio.put("half.wav", wav[: len(wav) // 2], "audio", "audio/wav")
    with pytest.raises(NodeError, match=r"half\.wav is damaged or cut off"):
        studio.make("media.check", media=bad)
