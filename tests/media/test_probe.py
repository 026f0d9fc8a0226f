from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from dagcontent.errors import NodeError
from dagcontent.media import probe
from dagcontent.media.sniff import sniff
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio


def test_facts_of_a_clip(studio: Studio, clip: Blob) -> None:
    """Sizes, rates and lengths are integers and rationals: floats would make keys depend on rounding."""
    facts = probe.measure(studio.path(clip), "video", "video/mp4")
    assert (facts["width"], facts["height"], facts["fps"]) == (160, 90, [12, 1])
    assert facts["sample_rate"] == 48000
    assert facts["channels"] == 2
    assert isinstance(facts["duration_ms"], int)
    assert len(facts["content"]) == 64


def test_sound_of_a_clip_counts_as_audio(studio: Studio, clip: Blob) -> None:
    """A clip is taken where a recording is asked for."""
    facts = probe.measure(studio.path(clip), "audio", "video/mp4")
    assert "width" not in facts
    assert facts["duration_ms"] > 500


def test_content_is_of_what_is_shown_not_of_the_file(tmp_path: Path) -> None:
    """Two files that show the same are the same content, however they are packed."""
    image = Image.effect_mandelbrot((32, 24), (-2, -1, 1, 1), 20).convert("RGB")
    image.save(tmp_path / "a.png", compress_level=0)
    image.save(tmp_path / "b.png", compress_level=9)
    one, other = (probe.measure(tmp_path / name, "image", "image/png") for name in ("a.png", "b.png"))
    assert one == other
    assert one["width"] == 32


@pytest.mark.parametrize("type", ["image", "audio", "video", "subtitles"])
def test_an_empty_file_is_named(type: str, tmp_path: Path) -> None:  # noqa: A002
    """A message without the file's name leaves the reader with a hundred files to look at."""
    (tmp_path / "nothing.bin").touch()
    with pytest.raises(NodeError, match=r"nothing\.bin is empty") as caught:
        probe.measure(tmp_path / "nothing.bin", type, "image/png")
    assert "expected" in (caught.value.hint or "")


@pytest.mark.parametrize("type", ["image", "audio", "video"])
def test_a_text_file_is_no_media(type: str, tmp_path: Path) -> None:  # noqa: A002
    """The type is what the bytes say."""
    (tmp_path / "a.png").write_text("this is not a picture")
    with pytest.raises(NodeError, match=r"a\.png is not a"):
        probe.measure(tmp_path / "a.png", type, "image/png")


@pytest.mark.parametrize("kept", [0.2, 0.6, 0.97])
@pytest.mark.parametrize("name", ["card", "voice", "clip"])
def test_a_file_that_is_cut_off_is_refused(
    name: str, kept: float, studio: Studio, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """An interrupted download plays for a while: only decoding to the end finds it out."""
    blob: Blob = request.getfixturevalue(name)
    data = studio.path(blob).read_bytes()
    path = tmp_path / "cut.bin"
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(NodeError, match=r"cut\.bin"):
        probe.measure(path, blob.type, blob.media_type)


def test_a_playlist_in_an_mp4_is_not_opened(tmp_path: Path) -> None:
    """A playlist can name any file of this machine."""
    (tmp_path / "secret.wav").write_bytes(b"RIFF")
    (tmp_path / "film.mp4").write_text("#EXTM3U\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n")
    assert sniff(tmp_path / "film.mp4") is None
    with pytest.raises(NodeError, match="is not a clip"):
        probe.measure(tmp_path / "film.mp4", "video", "video/mp4")


def test_a_pixel_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """A file of 100 bytes can ask for 400 GB of memory."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    for side in (9000, 20_000, 300_000):
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        data = (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(b"\x00" * 99))
            + chunk(b"IEND", b"")
        )
        (tmp_path / "bomb.png").write_bytes(data)
        with pytest.raises(NodeError, match=r"bomb\.png is too large"):
            probe.measure(tmp_path / "bomb.png", "image", "image/png")


def test_a_picture_is_measured_upright(tmp_path: Path) -> None:
    """A phone's portrait is stored lying on its side, with a note."""
    image = Image.new("RGB", (40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    facts = probe.measure(tmp_path / "a.jpg", "image", "image/jpeg")
    assert (facts["width"], facts["height"]) == (20, 40)
