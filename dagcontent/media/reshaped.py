"""Turn a recording into a part of it, one that fades, one of a given length or another format (audio.trim, fade, fit, convert).

Knows no model. Words and chapters go along: they are where their sound is.
"""

from __future__ import annotations

from typing import Any, Final

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, probe
from dagcontent.media.arguments import number_of, required_blob, text_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.carried import cut, scaled, within
from dagcontent.media.recording import Shape, recording, seconds_text, shape_of, written

__all__ = ["convert", "fade", "fit", "trim"]

_SLACK_S: Final = 0.1
"""How far a time may lie beyond the end: lengths are rounded, and an MP3 is seldom as long as was asked for."""

_MP3_RATES: Final = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OPUS_RATES: Final = (48000,)
_ENCODERS: Final[dict[str, tuple[str, tuple[str, ...], tuple[int, ...]]]] = {
    "mp3": ("audio/mpeg", ("-c:a", "libmp3lame", "-b:a", "192k", "-id3v2_version", "0", "-f", "mp3"), _MP3_RATES),
    "m4a": ("audio/mp4", ("-c:a", "aac", "-b:a", "160k", "-movflags", "+faststart", "-f", "ipod"), _MP3_RATES),
    "opus": ("audio/ogg", ("-c:a", "libopus", "-b:a", "96k", "-f", "ogg"), _OPUS_RATES),
    "flac": ("audio/flac", ("-c:a", "flac", "-sample_fmt", "s16", "-f", "flac"), ()),
    "wav": ("audio/wav", ffmpeg.WAV, ()),
}
"""Format -> media type, options of ffmpeg, and the rates it is limited to."""
_LOSSLESS: Final = ("wav", "flac")


def trim(call: Call) -> Made:
    """Keep what is between `start` and `end`. Raises NodeError where there is nothing, or not that much."""
    heard = recording(call, required_blob(call, "audio"))
    start, end = number_of(call, "start") or 0.0, number_of(call, "end")
    length = heard.seconds
    if start >= length or (end is not None and end > length + _SLACK_S):
        which, at = ("start", start) if start >= length else ("end", end or 0.0)
        text = f"`{which}` of audio.trim is {at:g} s, and {heard.name} is {seconds_text(length)} long"
        raise NodeError(
            text, hint=f"set `{which}` below {length:.2f}" if which == "start" else "leave `end` out to keep all"
        )
    end = length if end is None else min(end, length)
    shape = shape_of([heard])
    first, last = shape.samples(start), shape.samples(end)
    if last <= first:
        text = f"audio.trim keeps nothing: it begins at {start:g} s and ends at {end:g} s"
        raise NodeError(text, hint="set `end` after `start`")
    carried = {name: within(rows, start, end) for name, rows in heard.carried().items()}
    chain = f"{heard.chain(0, shape)},atrim=start_sample={first}:end_sample={last},asetpts=PTS-STARTPTS[a]"
    return written(call, [heard], [chain], shape, last - first, carried)


def fade(call: Call) -> Made:
    """Let it come out of silence over `in` seconds, and go over `out`. Raises NodeError when both are longer than it is."""
    heard = recording(call, required_blob(call, "audio"))
    shape = shape_of([heard])
    samples = heard.samples(shape)
    first, last = shape.samples(number_of(call, "in") or 0.0), shape.samples(number_of(call, "out") or 0.0)
    if first + last > samples:
        both = " and ".join(f"{seconds_text(n / shape.rate)} {at}" for n, at in ((first, "in"), (last, "out")) if n)
        text = f"audio.fade takes {both}, and {heard.name} is {seconds_text(heard.seconds)} long"
        raise NodeError(text, hint=f"make them shorter: {heard.seconds:.2f} s in all")
    chain = heard.chain(0, shape)
    chain += f",afade=t=in:ns={first}" if first else ""
    chain += f",afade=t=out:ss={samples - last}:ns={last}" if last else ""
    return written(call, [heard], [f"{chain}[a]"], shape, samples, heard.carried(), ["afade"])


def fit(call: Call) -> Made:
    """Bring it to `seconds`: faster where it is longer, silence after it where it is shorter. Raises NodeError beyond `max_speed`."""
    heard = recording(call, required_blob(call, "audio"))
    seconds = number_of(call, "seconds") or 0.0
    most = number_of(call, "max_speed") or 1.0
    shape = shape_of([heard])
    samples, own = max(1, shape.samples(seconds)), heard.samples(shape)
    speed = max(1.0, own / samples)
    # Half a thousandth: what is written as 1.15 and measured in ms must not fail by rounding.
    if speed > most + 0.0005:
        text = f"{heard.name} is {seconds_text(heard.seconds)} long: to fit {seconds:g} s it would be {speed:.2f} times as fast"
        hint = f"say it in fewer words, give it {heard.seconds / most:.2f} s, or raise `max_speed`, which is {most:g}"
        raise NodeError(text, hint=hint)
    faster = f",atempo={speed:.9f}" if own > samples else ""
    carried = {name: cut(scaled(rows, 1 / speed), samples / shape.rate) for name, rows in heard.carried().items()}
    return written(call, [heard], [f"{heard.chain(0, shape)}{faster}[a]"], shape, samples, carried, ["atempo"])


def convert(call: Call) -> Made:
    """Write it as `format`. Raises NodeError for a `bitrate` where nothing is left out."""
    heard = recording(call, required_blob(call, "audio"))
    name = text_of(call, "format") or "wav"
    media_type, encode, rates = _ENCODERS[name]
    bitrate = number_of(call, "bitrate")
    if bitrate is not None and name in _LOSSLESS:
        text = f"audio.convert takes no `bitrate` for {name}: nothing of the sound is left out"
        raise NodeError(text, hint="leave it out, or choose mp3, m4a or opus")
    natural = shape_of([heard])
    rate = min((one for one in rates if one >= natural.rate), default=rates[-1]) if rates else natural.rate
    shape = Shape(rate, natural.stereo)
    if bitrate is not None:
        encode = tuple(
            f"{bitrate:g}k" if before == "-b:a" else option
            for before, option in zip(("", *encode), encode, strict=False)
        )
    out = call.workdir / f"converted.{name}"
    version = ffmpeg.render(
        call, [heard.source], out, encode=[*encode, "-map_chapters", "-1"], graph=f"{heard.chain(0, shape)}[a]", maps=["[a]"],
        seconds=heard.seconds,
    )  # fmt: skip
    facts: dict[str, Any] = {**probe.measure(out, "audio", media_type), **heard.carried()}
    return Made(NewFile(out, "audio", media_type, facts), {"ffmpeg": version, **probe.made_with()})
