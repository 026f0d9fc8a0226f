"""Turn a file into what can be measured of it. Knows no kind and no graph.

Decoding it whole is the measurement: a file that cannot be decoded to its end is damaged, and the digest of what was
decoded says whether two files show or sound the same, whatever wrapping they came in.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from dagcontent.errors import NodeError
from dagcontent.media.arguments import PIXELS_MAX
from dagcontent.media.sniff import DEMUXERS, sniff

__all__ = ["check_input", "made_with", "measure", "pixel_shape", "sniff"]

STREAMS_MAX = 32
LENGTH_MAX_S = 12 * 3600
"""Of a recording or clip. Two pictures a year apart are a small file, and a film of a year."""
_EXPECTED = {
    "image": "a PNG, JPEG, WebP or GIF picture",
    "audio": "a WAV, MP3, FLAC, Ogg or M4A recording",
    "video": "an MP4, MOV, WebM or Matroska clip",
    "subtitles": "an SRT, WebVTT or ASS file",
    "document": "a PDF file",
}
_UNKNOWN_SIZES = (0, 0xFFFFFFFF, 0x7FFFFFFF)


def measure(path: Path, type: str, media_type: str) -> dict[str, Any]:  # noqa: A002 - the design's word
    """Return the facts of a whole, decodable file, in integers and rationals as `Blob` documents them.

    Raises NodeError, naming the file and what was expected, for a file that is empty, cut off, damaged or of
    another type.
    """
    found = check_input(path, type)
    if type == "image":
        return _picture(path)
    if type in ("audio", "video"):
        return _streams(path, type, found if found in DEMUXERS else media_type)
    return {}


def check_input(path: Path, type: str) -> str:  # noqa: A002 - the design's word
    """Return the media type of a file that begins as one of this type does. Raises NodeError.

    A video is accepted where audio is asked for: its sound is taken.
    """
    expected = _EXPECTED.get(type, type)
    try:
        size = path.stat().st_size
        found = sniff(path) if size else None
    except OSError as error:
        text = f"{path.name} cannot be read: {error.strerror or error}"
        raise NodeError(text, hint=f"{expected} is expected") from error
    if size == 0:
        text = f"{path.name} is empty"
        raise NodeError(text, hint=f"{expected} is expected")
    if found is None or not (found[0] == type or (type == "audio" and found[0] == "video")):
        what = "of no type that is read here" if found is None else f"{found[0]} ({found[1]})"
        article = {"image": "a picture", "audio": "a recording", "video": "a clip", "document": "a document"}.get(
            type, type
        )
        text = f"{path.name} is not {article}: its content is {what}"
        raise NodeError(text, hint=f"{expected} is expected")
    return found[1]


def pixel_shape(path: Path, media_type: str) -> Fraction:
    """Return the width of a clip's pixels, the right way up, to their height; 1 where nothing is said of it."""
    import av  # noqa: PLC0415 - takes 0.1 to 0.4 s

    with av.open(str(path), format=DEMUXERS[media_type], options={"protocol_whitelist": "file"}) as container:
        video = container.streams.video[0]
        shape = Fraction(video.sample_aspect_ratio or 1)
        turned = next((abs(frame.rotation) % 180 == 90 for frame in container.decode(video)), False)
    return 1 / shape if turned and shape else shape or Fraction(1)


def made_with() -> dict[str, str]:
    """Return the version of PyAV."""
    import av  # noqa: PLC0415 - takes 0.1 to 0.4 s

    return {"av": av.__version__}


def _picture(path: Path) -> dict[str, Any]:
    from dagcontent.media.picture import open_picture  # noqa: PLC0415 - Pillow takes 80 ms

    image = open_picture(path)
    head = f"{image.mode} {image.width}x{image.height} ".encode()
    content = hashlib.sha256(head + image.tobytes()).hexdigest()
    return {"width": image.width, "height": image.height, "content": content}


def _streams(path: Path, type: str, media_type: str) -> dict[str, Any]:  # noqa: A002 - the design's word
    import av  # noqa: PLC0415 - takes 0.1 to 0.4 s

    expected = _EXPECTED[type]
    demuxer = DEMUXERS.get(media_type)
    if demuxer is None:
        text = f"{path.name} is {media_type}, which is not read"
        raise NodeError(text, hint=f"{expected} is expected")
    try:
        if media_type == "audio/wav":
            _check_wav(path)
        with av.open(str(path), format=demuxer, options={"protocol_whitelist": "file"}) as container:
            if len(container.streams) > STREAMS_MAX:
                text = f"{path.name} has {len(container.streams)} streams"
                raise NodeError(text, hint=f"at most {STREAMS_MAX} are read")
            video = next(iter(container.streams.video), None) if type == "video" else None
            audio = next(iter(container.streams.audio), None)
            if (video if type == "video" else audio) is None:
                text = f"{path.name} has no {'pictures' if type == 'video' else 'sound'}"
                raise NodeError(text, hint=f"{expected} is expected")
            if video is not None and video.width * video.height > PIXELS_MAX:
                text = f"{path.name} is too large to be played: {video.width}x{video.height} px"
                raise NodeError(text, hint=f"at most {PIXELS_MAX // 1_000_000} megapixels")
            return _decode(path, container, video, audio)
    except (av.FFmpegError, OSError, ValueError, EOFError, MemoryError) as error:
        text = f"{path.name} is damaged or cut off: {getattr(error, 'strerror', None) or error}"
        raise NodeError(text, hint=f"{expected} that plays to its end is expected") from error


def _decode(path: Path, container: Any, video: Any, audio: Any) -> dict[str, Any]:  # Any: PyAV's classes, late
    pictures, sound = hashlib.sha256(), hashlib.sha256()
    frames = samples = 0
    turned = False
    first: Fraction | None = None
    last = Fraction(0)
    rate = audio.rate if audio is not None else 0
    if video is not None:
        video.thread_type = "AUTO"
    wanted = [stream for stream in (video, audio) if stream is not None]
    for packet in container.demux(wanted):
        for frame in packet.decode():
            if packet.stream is audio:
                samples += frame.samples
                for plane in frame.planes:
                    sound.update(memoryview(plane)[: _plane_bytes(frame)])
                continue
            frames += 1
            turned = turned or abs(frame.rotation) % 180 == 90
            at = Fraction(frame.pts or 0) * (frame.time_base or Fraction(1))
            first = at if first is None else min(first, at)
            length = Fraction(frame.duration or 0) * (frame.time_base or Fraction(1))
            last = max(last, at + (length or 1 / (video.average_rate or Fraction(25))))
            for rows in _rows(frame):
                pictures.update(rows)
    facts: dict[str, Any] = {}
    if video is not None:
        if not frames or (video.frames and frames < video.frames):
            text = f"{path.name} is cut off: {frames} of {video.frames} pictures could be decoded"
            raise NodeError(text, hint=f"{_EXPECTED['video']} that plays to its end is expected")
        fps = Fraction(video.average_rate or video.guessed_rate or 25)
        width, height = (video.height, video.width) if turned else (video.width, video.height)
        facts |= {"width": width, "height": height, "fps": [fps.numerator, fps.denominator]}
        length = last - (first or 0)
        if length > LENGTH_MAX_S:
            text = f"{path.name} goes on for {float(length) / 3600:.0f} h, with {frames} pictures"
            raise NodeError(text, hint=f"at most {LENGTH_MAX_S // 3600} h; cut it, or repair its times")
        facts["duration_ms"] = round(length * 1000)
    elif not samples:
        text = f"{path.name} has no sound in it"
        raise NodeError(text, hint=f"{_EXPECTED['audio']} is expected")
    if audio is not None:
        facts |= {"sample_rate": rate, "channels": audio.channels}
        facts.setdefault("duration_ms", round(samples * 1000 / rate))
        pictures.update(sound.digest())
    facts["content"] = pictures.hexdigest()
    return facts


def _plane_bytes(frame: Any) -> int:
    # A plane's buffer is longer than its sound: the rest is alignment, whatever was in memory.
    each = frame.format.bytes * frame.samples
    return int(each if frame.format.is_planar else each * len(frame.layout.channels))


def _rows(frame: Any) -> Iterator[bytes | memoryview]:
    for index, plane in enumerate(frame.planes):
        view = memoryview(plane)
        stride, width = abs(plane.line_size), _row_bytes(frame, plane, index)
        if stride == width:
            yield view[: width * plane.height]
        else:
            yield b"".join([view[at : at + width] for at in range(0, stride * plane.height, stride)])


def _row_bytes(frame: Any, plane: Any, index: int) -> int:
    component = next((c for c in frame.format.components if c.plane == index), None)
    bits = (
        frame.format.padded_bits_per_pixel
        if len(frame.planes) == 1
        else (component.bits + 7) // 8 * 8
        if component
        else 8
    )
    pair = 2 if len(frame.planes) == 2 and index == 1 else 1
    return int(min(abs(plane.line_size), (plane.width * bits * pair + 7) // 8))


def _check_wav(path: Path) -> None:
    """Raise ValueError when the sound is shorter than the header promises: decoders pass over that."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", head)
            if name == b"data":
                if length not in _UNKNOWN_SIZES and file.tell() + length > size:
                    text = f"{size - file.tell()} of {length} bytes of sound are there"
                    raise ValueError(text)
                return
            file.seek(length + length % 2, 1)
    text = "it has no sound in it"
    raise ValueError(text)
