"""Turn sources and a filter graph into one file by one run of ffmpeg. Knows no kind and no parameter.

Every run is an argument list: demuxers are forced from the media type, protocols are limited to files and pipes (a
playlist can therefore reach nothing), and all bit-exact flags are set, so that two runs on a machine agree byte for
byte. What x264 finds depends a little on its number of threads, and it writes its options into a comment of the
stream: the number is fixed and the comment removed, so that how many cores are free never changes a result.
"""

from __future__ import annotations

import functools
import math
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import msgspec

from dagcontent.errors import InternalError, NodeError
from dagcontent.media.call import Call, Runner
from dagcontent.media.feed import Feed
from dagcontent.media.packaged import folders_of
from dagcontent.media.sniff import DEMUXERS

__all__ = [
    "AAC",
    "H264",
    "LAST",
    "MP4",
    "WAV",
    "Input",
    "Raw",
    "Source",
    "executable",
    "listen",
    "quoted",
    "render",
    "version",
]

H264 = (
    "-c:v", "libx264", "-preset", "veryfast", "-crf", "19", "-pix_fmt", "yuv420p",
    "-bsf:v", "filter_units=remove_types=6",
)  # fmt: skip
"""Pictures that play everywhere. The filter removes SEI units (type 6): only the encoder's comment is in them."""
LAST = "format=yuv420p,setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
"""Ends every chain of pictures: some filters (xfade) change the format, and the colour must be said in each frame."""
AAC = ("-c:a", "aac", "-b:a", "160k", "-ar", "48000", "-ac", "2")
MP4 = ("-movflags", "+faststart", "-f", "mp4")
WAV = ("-c:a", "pcm_s16le", "-f", "wav")

# Metadata is dropped of the file and its streams, not of chapters: those are ours.
_BIT_EXACT = (
    "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-map_metadata:g", "-1", "-map_metadata:s", "-1",
)  # fmt: skip
_ENCODER_THREADS = "4"
_AHEAD_BYTES = 48 << 20
"""Of all inputs that are made while they are read: so much of them waits, but at least two pictures of each."""
_LOOK_S = 30.0
_RENDER_S = 6 * 3600.0
_FILTER_LINE = re.compile(r"\s[A-Z.]{2,3}\s+(\S+)\s+\S+->\S+")


class Source(msgspec.Struct, frozen=True):
    """One input: a file, its media type, and options that stand before it."""

    path: Path
    media_type: str
    before: tuple[str, ...] = ()

    def words(self, threads: int) -> list[str | Feed]:
        """Return what says it on a command line. Raises NodeError for a type that is not read."""
        demuxer = DEMUXERS.get(self.media_type)
        if demuxer is None:
            text = f"{self.path.name} is {self.media_type}, which is not read"
            raise NodeError(text, hint="convert it to mp4, webm, wav, mp3, flac, png or jpeg")
        return [
            "-threads", str(threads), "-protocol_whitelist", "file,pipe", *self.before, "-f", demuxer,
            "-i", os.fspath(self.path.absolute()),
        ]  # fmt: skip


class Raw(msgspec.Struct, frozen=True):
    """One input: pictures that are made while they are encoded, in yuv420p, each of `size` px."""

    feed: Feed
    size: tuple[int, int]
    fps: Fraction

    def words(self, ahead_bytes: int) -> list[str | Feed]:
        """Return what says it on a command line; of its pictures so many bytes may wait."""
        ahead = str(max(2, min(8, ahead_bytes * 2 // (3 * self.size[0] * self.size[1]))))
        return [
            "-protocol_whitelist", "file,pipe", "-thread_queue_size", ahead, "-f", "rawvideo", "-pix_fmt", "yuv420p",
            "-video_size", f"{self.size[0]}x{self.size[1]}", "-framerate", f"{self.fps.numerator}/{self.fps.denominator}",
            "-i", self.feed,
        ]  # fmt: skip


Input = Source | Raw


def render(
    call: Call,
    sources: Sequence[Input],
    out: Path,
    *,
    encode: Sequence[str],
    graph: str = "",
    maps: Sequence[str] = (),
    filters: Iterable[str] = (),
    seconds: float | None = None,
) -> str:
    """Run ffmpeg once and return its version. Progress goes to `call` when `seconds`, the length, is known.

    Raises NodeError when ffmpeg is missing, lacks one of `filters`, or fails.
    """
    argv = _begun(call, sources, graph, filters)
    for wanted in maps:
        argv += ["-map", wanted]
    argv += [*_BIT_EXACT, *encode, "-threads", _ENCODER_THREADS, os.fspath(out.absolute())]
    call.run(argv, on_line=_reporter(call, seconds), timeout_s=_RENDER_S)
    if not out.is_file() or out.stat().st_size == 0:
        text = f"ffmpeg wrote no {out.name}"
        raise InternalError(text)
    return version(call.run)


def listen(
    call: Call,
    sources: Sequence[Input],
    *,
    graph: str,
    maps: Sequence[str],
    filters: Iterable[str] = (),
    seconds: float | None = None,
) -> str:
    """Run ffmpeg once for what its filters write beside, and return its version: no file is made of the streams."""
    argv = _begun(call, sources, graph, filters)
    for wanted in maps:
        argv += ["-map", wanted]
    call.run([*argv, "-f", "null", "-"], on_line=_reporter(call, seconds), timeout_s=_RENDER_S)
    return version(call.run)


def _begun(call: Call, sources: Sequence[Input], graph: str, filters: Iterable[str]) -> list[str | Feed]:
    """Return the command line as far as its inputs and its filter graph."""
    program = executable()
    require(call.run, program, filters)
    threads = max(1, call.threads)
    argv: list[str | Feed] = [
        program, "-hide_banner", "-nostdin", "-loglevel", "error", "-nostats", "-progress", "pipe:1", "-y",
    ]  # fmt: skip
    made = sum(isinstance(source, Raw) for source in sources)
    for source in sources:
        argv += source.words(_AHEAD_BYTES // made) if isinstance(source, Raw) else source.words(threads)
    if graph:
        argv += ["-filter_complex_threads", str(threads), "-filter_complex", graph]
    return argv


@functools.cache
def executable() -> str:
    """Return the path of ffmpeg: the one that comes with imageio-ffmpeg, else the one on PATH. Raises NodeError.

    The package's own import takes longer than all the rest of a start.
    """
    for folder in folders_of("imageio_ffmpeg"):
        for path in sorted((folder / "binaries").glob("ffmpeg-*")):
            if os.access(path, os.X_OK):
                return str(path)
    path_found = shutil.which("ffmpeg")
    if path_found is None:
        text = "there is no ffmpeg on this machine"
        raise NodeError(text, hint="install the package imageio-ffmpeg, or ffmpeg itself")
    return path_found


_lock = threading.Lock()
_versions: dict[str, str] = {}
_filters: dict[str, frozenset[str]] = {}


def version(run: Runner) -> str:
    """Return ffmpeg's own word for its version, asked once a process."""
    program = executable()
    with _lock:
        if program not in _versions:
            words = run([program, "-hide_banner", "-version"], timeout_s=_LOOK_S).decode("utf-8", "replace").split()
            _versions[program] = words[2] if len(words) > 2 else "unknown"
        return _versions[program]


def require(run: Runner, program: str, filters: Iterable[str]) -> None:
    """Raise NodeError naming every one of `filters` that this ffmpeg was built without."""
    wanted = set(filters)
    if not wanted:
        return
    with _lock:
        if program not in _filters:
            said = run([program, "-hide_banner", "-filters"], timeout_s=_LOOK_S).decode("utf-8", "replace")
            _filters[program] = frozenset(m[1] for line in said.splitlines() if (m := _FILTER_LINE.match(line)))
        missing = sorted(wanted - _filters[program])
    if missing:
        text = f"ffmpeg misses the filter{'s' if len(missing) > 1 else ''} {', '.join(missing)}: {program}"
        raise NodeError(text, hint="install the package imageio-ffmpeg, whose ffmpeg has it")


def quoted(path: Path) -> str:
    """Return a path as it must be written inside a filter graph: escaped for the option, then for the graph."""
    value = os.fspath(path.absolute())
    for special in ("\\", "'", ":"):
        value = value.replace(special, "\\" + special)
    return "".join("\\" + letter if letter in "\\'[],;" else letter for letter in value)


def _reporter(call: Call, seconds: float | None) -> Callable[[str], None]:
    def on_line(line: str) -> None:
        name, _, value = line.partition("=")
        if name == "out_time_us" and seconds and value.lstrip("-").isdigit():
            done = int(value) / 1e6 / seconds
            call.progress(min(1.0, max(0.0, done)) if math.isfinite(done) else 0.0)

    return on_line
