"""Sizes, lengths and seeds into real pictures, recordings and clips. Knows no vendor and no prompt.

The same arguments give the same bytes. What takes long is made once and kept; clips that differ in their seed alone share
their frames and differ in a box that players pass over.
"""

from __future__ import annotations

import array
import functools
import hashlib
import io
import math
import struct
import wave
from fractions import Fraction
from typing import Any

__all__ = ["MEDIA_TYPES", "clip", "picture", "picture_size", "recording", "sound_length_s", "speech_length_s"]

MEDIA_TYPES = {
    "png": "image/png", "jpeg": "image/jpeg", "jpg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
    "wav": "audio/wav", "mp3": "audio/mpeg", "opus": "audio/ogg", "ogg": "audio/ogg", "flac": "audio/flac",
    "aac": "audio/aac", "m4a": "audio/mp4", "pcm": "audio/pcm", "mp4": "video/mp4", "webm": "video/webm",
}  # fmt: skip
"""What an artifact's format is called -> its media type."""

_BLOCKS = 12
_EXACT = {"flags": "+bitexact"}
_SOUNDS = {
    "mp3": ("mp3", "libmp3lame", "s16p"), "opus": ("ogg", "libopus", "s16"), "ogg": ("ogg", "libopus", "s16"),
    "flac": ("flac", "flac", "s16"), "aac": ("adts", "aac", "fltp"), "m4a": ("ipod", "aac", "fltp"),
}  # fmt: skip
_CHARACTERS_A_SECOND = 15.0
_SHORTEST_S = 0.4


def picture(width: int, height: int, form: str, seed: str, *, transparent: bool = False) -> bytes:
    """Return a picture of blocks of colour, each seed's own. `form` is "png", "jpeg", "jpg", "webp" or "gif"."""
    from PIL import Image  # noqa: PLC0415 - takes a while, and many programs of a test make no picture

    noise = hashlib.shake_256(seed.encode()).digest(_BLOCKS * _BLOCKS * 3)
    small = Image.frombytes("RGB", (_BLOCKS, _BLOCKS), noise)
    whole = small.resize((width, height), Image.Resampling.NEAREST)
    name = {"jpg": "JPEG", "svg": "PNG"}.get(form, form.upper())
    if transparent and name in ("PNG", "WEBP"):
        mask = Image.new("L", (4, 4), 255)
        mask.paste(0, (0, 0, 4, 1))
        whole.putalpha(mask.resize((width, height), Image.Resampling.NEAREST))
    out = io.BytesIO()
    options = {"PNG": {"compress_level": 1}, "JPEG": {"quality": 80}, "WEBP": {"quality": 70, "method": 0}}
    whole.save(out, name, **options.get(name, {}))
    return out.getvalue()


def picture_size(data: bytes) -> tuple[int, int]:
    """Return (width, height) of a picture. Raises ValueError for what is none."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - as above

    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError("this is no picture") from error


def speech_length_s(text: str, speed: float = 1.0) -> float:
    """Return how long a text takes to say, in seconds."""
    return max(_SHORTEST_S, round(len(text) / _CHARACTERS_A_SECOND / speed, 2))


def recording(
    seconds: float, form: str, seed: str, *, rate: int = 24_000, channels: int = 1, bit_rate: int = 64_000
) -> bytes:
    """Return a hum with syllables, each seed's own pitch, of so many seconds. "pcm" is 16 bits, little endian, no header."""
    pitch = 90 + 10 * (hashlib.sha256(seed.encode()).digest()[0] % 12)  # few, as a second of each is worked out once
    return _sound(
        round(seconds * rate), form, pitch, rate, channels, bit_rate, hashlib.sha256(seed.encode()).hexdigest()
    )


def sound_length_s(data: bytes) -> float:
    """Return the length of a recording or a clip, in seconds. Raises ValueError for what is none."""
    import av  # noqa: PLC0415 - takes 0.1 s

    try:
        with av.open(io.BytesIO(data), "r") as container:
            if container.duration:
                return container.duration / 1_000_000
            stream = container.streams[0]
            ticks = sum(packet.duration or 0 for packet in container.demux(stream))
            return float(ticks * (stream.time_base or 0))
    except (av.FFmpegError, IndexError) as error:
        raise ValueError("this is no recording") from error


def clip(
    width: int, height: int, fps: float, seconds: float, seed: str, *, form: str = "mp4", sound: bool = True
) -> bytes:
    """Return a clip of so many pixels (made even), frames a second and seconds."""
    frames = max(1, round(fps * seconds))
    shade = hashlib.sha256(seed.encode()).digest()
    whole = _film(width // 2 * 2, height // 2 * 2, round(fps * 1000), frames, shade[0] % 4, form, sound)
    # A box of type "free" (ISO 14496-12) or an element "Void" (RFC 8794).
    return whole + (b"\xec\xa0" + shade if form == "webm" else struct.pack(">I4s", 8 + len(shade), b"free") + shade)


@functools.lru_cache(maxsize=64)
def _sound(samples: int, form: str, pitch: int, rate: int, channels: int, bit_rate: int, tag: str) -> bytes:
    raw = _second(pitch, rate, channels)
    pcm = (raw * (samples // rate + 1))[: samples * channels * 2]
    if form == "pcm":
        return pcm
    if form == "wav":
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(pcm)
        return out.getvalue()
    return _encoded(pcm, form, rate, channels, bit_rate, tag)


@functools.lru_cache(maxsize=512)
def _second(pitch: int, rate: int, channels: int) -> bytes:
    return array.array("h", (_sample(at / rate, pitch) for at in range(rate) for _ in range(channels))).tobytes()


def _sample(at: float, pitch: int) -> int:
    # Four syllables a second, so that it is no even tone.
    loud = 0.2 + 0.8 * abs(math.sin(math.pi * 4 * at))
    return round(9000 * loud * math.sin(2 * math.pi * pitch * at))


def _encoded(pcm: bytes, form: str, rate: int, channels: int, bit_rate: int, tag: str) -> bytes:
    import av  # noqa: PLC0415 - takes 0.1 s

    container_name, codec, sample_form = _SOUNDS[form]
    out = io.BytesIO()
    with av.open(out, "w", format=container_name, container_options={"fflags": "+bitexact"}) as container:
        if container_name != "adts":
            container.metadata["comment"] = tag[:16]
        stream: Any = container.add_stream(codec, rate=48_000 if codec == "libopus" else rate, options=_EXACT)
        stream.layout = _layout(channels)
        stream.format = sample_form
        stream.bit_rate = bit_rate
        _put_sound(container, stream, pcm, rate, channels)
    return out.getvalue()


def _put_sound(container: Any, stream: Any, pcm: bytes, rate: int, channels: int) -> None:
    import av  # noqa: PLC0415 - takes 0.1 s

    resampler = av.AudioResampler(
        stream.format.name, _layout(channels), stream.rate, frame_size=stream.frame_size or 1024
    )
    frame = av.AudioFrame("s16", _layout(channels), len(pcm) // 2 // channels)
    frame.rate = rate
    frame.pts = 0
    frame.time_base = Fraction(1, rate)
    frame.planes[0].update(pcm)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


def _layout(channels: int) -> str:
    return "mono" if channels == 1 else "stereo"


@functools.lru_cache(maxsize=32)
def _film(width: int, height: int, millifps: int, frames: int, shade: int, form: str, sound: bool) -> bytes:  # noqa: FBT001 - the key of a cache
    import av  # noqa: PLC0415 - takes 0.1 s
    from PIL import Image  # noqa: PLC0415 - as above

    rate = Fraction(millifps, 1000)
    codec = "libvpx-vp9" if form == "webm" else "libx264"
    fast = {"deadline": "realtime", "cpu-used": "8"} if form == "webm" else {"preset": "ultrafast", "threads": "1"}
    out = io.BytesIO()
    with av.open(
        out, "w", format="webm" if form == "webm" else "mp4", container_options={"fflags": "+bitexact"}
    ) as container:
        stream: Any = container.add_stream(codec, rate=rate, options={**fast, **_EXACT})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = 1 / rate
        heard: Any = None
        if sound:
            heard = container.add_stream("libopus" if form == "webm" else "aac", rate=48_000, options=_EXACT)
            heard.layout = "mono"
        from_image: Any = av.VideoFrame.from_image
        looks = [
            from_image(Image.new("RGB", (width, height), colour)).reformat(format="yuv420p")
            for colour in ((40 + 40 * shade, 60, 120), (60, 40 + 40 * shade, 90))
        ]
        for at in range(frames):
            frame = looks[at * 2 // max(1, frames)]
            frame.pts, frame.time_base = at, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if heard is not None:
            _put_sound(container, heard, _sound(round(frames / rate * 24_000), "pcm", 110, 24_000, 1, 0, ""), 24_000, 1)
    return out.getvalue()
