from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from dagcontent.media import ffmpeg
from dagcontent.media.thumbnail import clip_small, peaks_of, still_small
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio


def noise(path: Path, size: tuple[int, int]) -> Path:
    """A picture that does not compress."""
    Image.effect_noise(size, 90).convert("RGB").save(path)
    return path


def test_a_picture_keeps_its_shape_and_its_bounds(tmp_path: Path) -> None:
    """A page of hundreds holds them all: each must be as small as is asked, and none may be bent."""
    small = still_small(noise(tmp_path / "a.png", (900, 300)), area_px=30_000, most_bytes=6_000)
    assert small is not None
    assert (small.width, small.height) == (300, 100)
    assert len(small.data) <= 6_000
    with Image.open(io.BytesIO(small.data)) as shown:
        assert (shown.format, shown.size) == ("WEBP", (300, 100))


def test_a_small_picture_is_not_blown_up(tmp_path: Path) -> None:
    """It would be larger and no clearer. A line of a picture stays one."""
    small = still_small(noise(tmp_path / "a.png", (40, 30)), area_px=30_000, most_bytes=6_000)
    assert small is not None
    assert (small.width, small.height) == (40, 30)
    line = still_small(noise(tmp_path / "b.png", (9_000, 2)), area_px=30_000, most_bytes=6_000)
    assert line is not None
    assert (line.width, line.height) == (1_024, 1)


def test_nothing_of_a_file_but_what_is_seen(tmp_path: Path) -> None:
    """Positions, names and prompts that a camera or a model wrote into its file are not for whoever gets the page."""
    path = tmp_path / "a.png"
    from PIL.PngImagePlugin import PngInfo

    said = PngInfo()
    said.add_text("prompt", "a secret")
    Image.new("RGB", (64, 64), "red").save(path, pnginfo=said)
    small = still_small(path, area_px=30_000, most_bytes=6_000)
    assert small is not None
    with Image.open(io.BytesIO(small.data)) as shown:
        assert "exif" not in shown.info
    assert b"secret" not in small.data


def test_a_clip_is_shown_by_a_picture_of_it(studio: Studio, clip: Blob) -> None:
    """One sees which clip it is before it is played."""
    small = clip_small(studio.path(clip), "video/mp4", area_px=100_000, most_bytes=20_000)
    assert small is not None
    assert (small.width, small.height) == (160, 90)


def test_a_clip_that_was_filmed_upright_stands_upright(studio: Studio, clip: Blob, tmp_path: Path) -> None:
    """Phones write that a clip is to be turned; players turn it, and so its picture has to be."""
    turned = tmp_path / "turned.mp4"
    program = [
        ffmpeg.executable(),
        "-v",
        "error",
        "-display_rotation",
        "90",
        "-i",
        str(studio.path(clip)),
        "-c",
        "copy",
        str(turned),
    ]
    subprocess.run(program, check=True)
    small = clip_small(turned, "video/mp4", area_px=100_000, most_bytes=20_000)
    assert small is not None
    assert (small.width, small.height) == (90, 160)


def test_a_sound_is_shown_by_its_peaks(studio: Studio, clip: Blob) -> None:
    """As many as are asked for, between nothing and all there is."""
    peaks = peaks_of(studio.path(clip), "video/mp4", 30)
    assert len(peaks) == 30
    assert all(0 <= peak <= 100 for peak in peaks)
    assert max(peaks) > 0


@pytest.mark.parametrize("media_type", ["video/mp4", "audio/wav", "audio/mpeg", "application/x-mpegurl", "image/png"])
def test_what_cannot_be_decoded_has_none(tmp_path: Path, media_type: str) -> None:
    """A page of a hundred results is not lost for a file that is none, or for one that wants to be read as a playlist."""
    path = tmp_path / "x"
    for data in (b"", b"#EXTM3U\nfile:///etc/passwd\n", b"\x00" * 5_000, b"\x89PNG\r\n\x1a\n"):
        path.write_bytes(data)
        assert clip_small(path, media_type, area_px=100, most_bytes=100) is None
        assert peaks_of(path, media_type, 10) == ()
        assert still_small(path, area_px=100, most_bytes=100) is None
