"""Files that would do harm, in a real build: their own node fails and says why; what stands beside it is made."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dagcontent.api import build
from dagcontent.media import ffmpeg
from dagcontent.media.process import ProcessRunner

pytestmark = pytest.mark.slow

GRAPH = """
[graph]
name = "hostile"
[node.good]
kind = "image.generate"
model = "local/card"
prompt = "what stands beside it"
size = "64x48"
[node.bad]
kind = "{kind}"
{param} = "{file}"
{more}
"""


def _ffmpeg(*argv: str) -> None:
    subprocess.run([ffmpeg.executable(), "-y", "-v", "error", *argv], check=True, stdin=subprocess.DEVNULL)


def _clip(path: Path, *more: str, size: str = "64x48") -> None:
    _ffmpeg("-f", "lavfi", "-i", f"testsrc=size={size}:rate=10:duration=0.5", *more, "-pix_fmt", "yuv420p", str(path))


def _cut(path: Path) -> None:
    _clip(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def _many_streams(path: Path) -> None:
    sounds = [word for _ in range(40) for word in ("-map", "1:a")]
    _clip(path, "-f", "lavfi", "-i", "sine=duration=0.1", "-map", "0:v", *sounds)


def _far_apart(path: Path) -> None:
    _clip(path, "-vf", "setpts='if(lt(N,4),N/10,N*20000)/TB'", "-fps_mode", "vfr")


def _with_attachment(path: Path) -> None:
    secret = path.parent / "evil.html"
    secret.write_text("<script>alert(1)</script>")
    mkv = path.with_suffix(".mkv")
    _clip(mkv, "-attach", str(secret), "-metadata:s:t", "mimetype=text/html")
    mkv.rename(path)


def _text(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text) and None


def _of_another_type(path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (20, 20)).save(path, format="PNG")


CLIPS: dict[str, tuple[Callable[[Path], None], str]] = {
    "playlist": (_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"), "is not a video"),
    "concat script": (_text("ffconcat version 1.0\nfile /etc/passwd\n"), "is not a video"),
    "part of a file": (_text("subfile,,start,0,end,10,,:/etc/passwd"), "is not a video"),
    "address": (_text("data:video/mp4;base64,AAAA"), "is not a video"),
    "session description": (_text("v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"), "is not a video"),
    "empty": (_text(""), "is not a video"),
    "cut off": (_cut, "given.mp4"),
    "a picture": (_of_another_type, "is not a video"),
    "40 streams": (_many_streams, "has 41 streams"),
    "a month long": (_far_apart, "goes on for"),
}


@pytest.mark.parametrize("name", CLIPS)
def test_a_hostile_clip_fails_its_own_node(name: str, tmp_path: Path) -> None:
    """Whatever is in a file: no other file is read, nobody waits for hours, and the message names the file."""
    make, says = CLIPS[name]
    file = tmp_path / "given.mp4"
    make(file)
    graph = tmp_path / "graph.toml"
    graph.write_text(GRAPH.format(kind="video.trim", param="video", file=file.name, more="end = 0.2"))
    result = build(graph, store=tmp_path / "store")
    nodes = {node.node: node for node in result.nodes}
    assert (result.status, nodes["good"].status, nodes["bad"].status) == ("failed", "ran", "failed")
    error = nodes["bad"].error
    assert error is not None
    assert says in error
    assert "given.mp4" in error


def test_what_is_attached_to_a_clip_is_left_behind(tmp_path: Path) -> None:
    """A page attached to a clip is of no use to a film, and of some to whoever attached it."""
    file = tmp_path / "given.mp4"
    _with_attachment(file)
    graph = tmp_path / "graph.toml"
    graph.write_text(GRAPH.format(kind="video.convert", param="video", file=file.name, more='output = "out"'))
    assert build(graph, store=tmp_path / "store").status == "ok"
    assert b"alert" not in (tmp_path / "out/out.mp4").read_bytes()


@pytest.mark.parametrize("name", ["-i.mp4", "a;b'c.mp4", "concat:x.mp4", "%03d.mp4", "[0:v].mp4"])
def test_names_are_names_and_nothing_else(name: str, tmp_path: Path) -> None:
    """A name that ffmpeg would read as an option, a protocol or a pattern is a name all the same."""
    file = tmp_path / name
    _clip(tmp_path / "plain.mp4")
    (tmp_path / "plain.mp4").rename(file)
    graph = tmp_path / "graph.toml"
    graph.write_text(GRAPH.format(kind="video.trim", param="video", file=name, more="end = 0.2"))
    assert build(graph, store=tmp_path / "store").status == "ok"


@pytest.mark.skipif(sys.platform != "linux", reason="limits are set from outside on Linux only")
def test_a_decoder_cannot_take_the_whole_machine() -> None:
    """A file that makes a decoder ask for memory without end ends the decoder, not the machine."""
    said = ProcessRunner()(["/bin/sh", "-c", "read _; ulimit -v; ulimit -c"], stdin=b"\n").split()
    assert said == [b"16777216", b"0"]
