"""Numbers of pictures, clips and recordings: real ones, of which everybody can see or hear which is better."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFilter

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg
from dagcontent.values.value import Blob

from .conftest import Studio


def drawn(seed: int = 1, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """Return a picture of boxes and lines."""
    lot = random.Random(seed)
    image = Image.new("RGB", size, (200, 190, 170))
    draw = ImageDraw.Draw(image)
    for _ in range(30):
        x, y = lot.randrange(size[0]), lot.randrange(size[1])
        colour = tuple(lot.randrange(256) for _ in range(3))
        draw.rectangle((x, y, x + lot.randrange(5, 60), y + lot.randrange(5, 60)), fill=colour)
    return image


def put(studio: Studio, name: str, image: Image.Image) -> Blob:
    """Commit a picture."""
    data = io.BytesIO()
    image.save(data, "PNG")
    return studio.put(f"{name}.png", data.getvalue(), "image", "image/png")


def measured(studio: Studio, metric: str, media: list[Blob], references: list[Blob] | None = None) -> Any:
    """Return the numbers of media."""
    return studio.make("media.measure", metric=metric, media=media, references=references or [])


def tone(studio: Studio, name: str, gain_db: float, more: tuple[str, ...] = ()) -> Blob:
    """Commit two seconds of a tone at a gain; with pictures, a clip."""
    path = studio.root / name
    source = f"sine=frequency=440:duration=2:sample_rate=48000,volume={gain_db}dB"
    argv = [ffmpeg.executable(), "-loglevel", "error", "-y", "-f", "lavfi", "-i", source, *more, str(path)]
    studio.run(argv)
    kind = ("video", "video/mp4") if more else ("audio", "audio/wav")
    facts: dict[str, Any] = {"duration_ms": 2000, "sample_rate": 48000}
    return studio.put(f"put {name}", path.read_bytes(), *kind, **facts)


def test_the_more_it_is_blurred_the_less_sharp_it_is(studio: Studio) -> None:
    """What the eye says first of two takes, in order, and far from one another."""
    sharp = drawn()
    media = [put(studio, f"b{r}", sharp.filter(ImageFilter.GaussianBlur(r)) if r else sharp) for r in (0, 1, 2, 4)]
    found = measured(studio, "sharpness", media)
    assert found == sorted(found, reverse=True)
    assert found[0] > 3 * found[1] > 9 * found[2]
    assert measured(studio, "sharpness", [put(studio, "flat", Image.new("RGB", (64, 64), "white"))]) == [0]


def test_a_large_picture_is_not_sharper_for_its_size(studio: Studio) -> None:
    """An upscaled take must not win: all are looked at in one size."""
    sharp = drawn(size=(1024, 768))
    large = sharp.resize((2048, 1536), Image.Resampling.BICUBIC)
    small, big = measured(studio, "sharpness", [put(studio, "s", sharp), put(studio, "l", large)])
    assert 0 < big < 1.1 * small


def test_what_is_like_the_reference_is_more_like_it_than_what_is_not(studio: Studio) -> None:
    """The same is 1; retouched, resized and recompressed is near; another picture is far, in any order."""
    image = drawn()
    same = put(studio, "same", image)
    other_size = put(studio, "size", image.resize((200, 150)))
    retouched = put(studio, "retouched", image.filter(ImageFilter.GaussianBlur(1)).point(lambda v: min(255, v + 12)))
    another = put(studio, "another", drawn(2))
    black = put(studio, "black", Image.new("RGB", (320, 240)))
    found = measured(studio, "similarity", [black, retouched, same, another, other_size], [same])
    assert found[2] == 1
    assert 1 > found[4] > found[1] > found[3] > found[0]
    assert measured(studio, "similarity", [another], [same, another]) == [1]  # the most alike counts
    with pytest.raises(NodeError, match="nothing to compare with"):
        measured(studio, "similarity", [same])


@pytest.mark.slow
def test_louder_is_louder_and_silence_is_no_mistake(studio: Studio) -> None:
    """Integrated loudness in LUFS: a tone 10 dB lower is 10 LU lower, in a clip as well."""
    low, high = tone(studio, "low.wav", -20), tone(studio, "high.wav", -10)
    picture = ("-f", "lavfi", "-i", "color=c=red:s=64x64:d=2:r=10", "-shortest", "-pix_fmt", "yuv420p")
    clip = tone(studio, "clip.mp4", -10, picture)
    quiet = tone(studio, "quiet.wav", -120)
    found = measured(studio, "loudness", [low, high, clip, quiet])
    assert found[1] - found[0] == pytest.approx(10, abs=0.2)
    assert found[2] == pytest.approx(found[1], abs=1)
    assert found[3] == -70
    assert measured(studio, "loudness", [high, low]) == [found[1], found[0]]


@pytest.mark.slow
def test_a_clip_is_looked_at_all_along(studio: Studio, clip: Blob) -> None:
    """Five pictures of a clip are measured: it is compared with a picture, and with itself."""
    assert measured(studio, "sharpness", [clip])[0] > 0
    assert measured(studio, "similarity", [clip], [clip]) == [1]
    assert 0 < measured(studio, "similarity", [clip], [put(studio, "other", drawn(3))])[0] < 1


@pytest.mark.parametrize(
    ("metric", "said"), [("loudness", "nothing to hear in image"), ("sharpness", "nothing to see in audio")]
)
def test_what_has_no_such_number_says_so(metric: str, said: str, studio: Studio, voice: Blob) -> None:
    """Types that are known only in the build are refused there."""
    media = voice if metric == "sharpness" else put(studio, "x", drawn())
    with pytest.raises(NodeError, match=said):
        measured(studio, metric, [media])
