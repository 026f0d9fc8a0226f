from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.media.sniff import sniff


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\x89PNG\r\n\x1a\n", ("image", "image/png")),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", ("image", "image/jpeg")),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", ("image", "image/webp")),
        (b"GIF89a", ("image", "image/gif")),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", ("audio", "audio/wav")),
        (b"ID3\x04\x00", ("audio", "audio/mpeg")),
        (b"\xff\xfb\x90\x64", ("audio", "audio/mpeg")),
        (b"fLaC\x00", ("audio", "audio/flac")),
        (b"OggS\x00\x02" + b"\x00" * 22 + b"OpusHead", ("audio", "audio/ogg")),
        (b"\x00\x00\x00\x20ftypisom", ("video", "video/mp4")),
        (b"\x00\x00\x00\x20ftypqt  ", ("video", "video/quicktime")),
        (b"\x00\x00\x00\x20ftypM4A ", ("audio", "audio/mp4")),
        (b"\x1aE\xdf\xa3\x9fB\x82\x84webm", ("video", "video/webm")),
        (b"\x1aE\xdf\xa3\x9fB\x82\x88matroska", ("video", "video/x-matroska")),
        (b"WEBVTT\n\n", ("subtitles", "text/vtt")),
        (b"\xef\xbb\xbf1\r\n00:00:00,000 --> 00:00:01,000\r\nHi", ("subtitles", "application/x-subrip")),
        (b"[Script Info]\n", ("subtitles", "text/x-ssa")),
        (b"%PDF-1.7", ("document", "application/pdf")),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n", None),
        (b"ffconcat version 1.0\nfile '/etc/passwd'\n", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"", None),
        (b"\xff\xff\xff\xff", None),
    ],
)
def test_types_by_their_first_bytes(head: bytes, found: tuple[str, str] | None, tmp_path: Path) -> None:
    """A name can lie; a playlist that is named .mp4 must not reach a decoder."""
    path = tmp_path / "film.mp4"
    path.write_bytes(head)
    assert sniff(path) == found


@given(st.binary(max_size=64))
def test_anything_gets_an_answer(data: bytes) -> None:
    """Whatever lies in a folder, looking at it raises nothing."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        path.write_bytes(data)
        sniff(path)
