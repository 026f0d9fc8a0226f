"""A picture, a clip or a sound into what shows it small: a WebP of few bytes, or the peaks of its wave. Knows no page.

Files are opened as `picture` and `probe` do: by the one decoder of what they are, guarded against bombs. What cannot be decoded has no
thumbnail, which is no error.
"""

from __future__ import annotations

import io
from array import array
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import msgspec

from dagcontent.errors import NodeError
from dagcontent.media.arguments import PIXELS_MAX
from dagcontent.media.probe import STREAMS_MAX
from dagcontent.media.sniff import DEMUXERS

__all__ = ["Small", "clip_small", "peaks_of", "still_small"]

_QUALITIES: Final = (62, 48, 34, 22)
_LONGEST_PX: Final = 1_024
_MOST_FRAMES: Final = 120
_AT: Final = Fraction(1, 4)
_RATE: Final = 4_000
_MOST_SAMPLES: Final = _RATE * 3_600
_ALLOWED: Final = {"protocol_whitelist": "file"}


class Small(msgspec.Struct, frozen=True):
    """A small picture in WebP."""

    data: bytes
    width: int
    height: int


def still_small(path: Path, *, area_px: int, most_bytes: int) -> Small | None:
    """Return a picture at about that area; None if it cannot be decoded."""
    from dagcontent.media.picture import open_picture  # noqa: PLC0415 - Pillow takes 80 ms

    try:
        image = open_picture(path)
    except NodeError:
        return None
    return _small(image, area_px, most_bytes)


def clip_small(path: Path, media_type: str, *, area_px: int, most_bytes: int) -> Small | None:
    """Return a picture out of the first half of a clip; None if there is none to be decoded.

    Not the first: that is black where a film fades in.
    """
    import av  # noqa: PLC0415 - takes 0.1 to 0.4 s

    demuxer = DEMUXERS.get(media_type)
    if demuxer is None:
        return None
    try:
        with av.open(str(path), format=demuxer, options=_ALLOWED) as container:
            frame = _frame(container)
            image = None if frame is None else frame.to_image()
            if image is not None and frame.rotation:
                image = image.rotate(frame.rotation, expand=True)  # both turn against the clock
    except (av.FFmpegError, OSError, ValueError, EOFError, MemoryError, IndexError):
        return None
    return None if image is None else _small(image, area_px, most_bytes)


def peaks_of(path: Path, media_type: str, count: int) -> tuple[int, ...]:
    """Return the loudest sample of each of `count` equal parts of a sound, 0 to 100; nothing if it cannot be decoded.

    Of what is longer than an hour, the first hour.
    """
    import av  # noqa: PLC0415 - as above

    demuxer = DEMUXERS.get(media_type)
    if demuxer is None:
        return ()
    samples = array("h")
    try:
        with av.open(str(path), format=demuxer, options=_ALLOWED) as container:
            resampler = av.AudioResampler(format="s16", layout="mono", rate=_RATE)
            for frame in container.decode(audio=0):
                for small in resampler.resample(frame):
                    samples.frombytes(bytes(memoryview(small.planes[0]))[: small.samples * 2])
                if len(samples) > _MOST_SAMPLES:
                    break
    except (av.FFmpegError, OSError, ValueError, EOFError, MemoryError, IndexError):
        return ()
    if not samples:
        return ()
    count = min(count, len(samples))
    edges = [len(samples) * i // count for i in range(count + 1)]
    parts = (samples[edges[i] : edges[i + 1]] for i in range(count))
    return tuple(min(100, round(max(abs(max(part)), abs(min(part))) / 327.67)) for part in parts)


def _frame(container: Any) -> Any:  # Any: PyAV's classes, late
    """Return the picture at a quarter of a clip, or the last one before it that is decoded in reasonable time."""
    stream = container.streams.video[0]
    if len(container.streams) > STREAMS_MAX or stream.width * stream.height > PIXELS_MAX:
        return None
    stream.thread_type = "AUTO"
    length = Fraction(container.duration or 0, 1_000_000)
    wanted = length * _AT
    if wanted > 1:
        container.seek(int(wanted * 1_000_000))
    found = None
    for number, frame in enumerate(container.decode(stream)):
        found = frame
        at = Fraction(frame.pts or 0) * (frame.time_base or Fraction(1))
        if at >= wanted or number >= _MOST_FRAMES:
            break
    return found


def _small(image: Any, area_px: int, most_bytes: int) -> Small:  # Any: Pillow, late
    scale = min(1.0, (area_px / (image.width * image.height)) ** 0.5, _LONGEST_PX / max(image.width, image.height))
    wide, tall = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    if (wide, tall) != image.size:
        from PIL import Image  # noqa: PLC0415 - as above

        image = image.resize((wide, tall), Image.Resampling.LANCZOS, reducing_gap=2.0)
    image.info = {}  # no metadata of others in a page of ours
    data = b""
    for quality in _QUALITIES:
        written = io.BytesIO()
        image.save(written, "WEBP", quality=quality, method=4)
        data = written.getvalue()
        if len(data) <= most_bytes:
            break
    return Small(data, wide, tall)
