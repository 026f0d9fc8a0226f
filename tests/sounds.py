"""Recordings and clips of any rate, layout and format, made by ffmpeg, and what can be heard in a WAV."""

from __future__ import annotations

import array
import math
import subprocess
import wave
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from dagcontent.media import ffmpeg, probe
from dagcontent.media.call import NewFile
from dagcontent.media.recording import recording
from dagcontent.values.value import Blob

FORMATS = {
    "wav": (("-c:a", "pcm_s16le"), "audio/wav"),
    "flac": (("-c:a", "flac"), "audio/flac"),
    "mp3": (("-c:a", "libmp3lame"), "audio/mpeg"),
    "m4a": (("-c:a", "aac", "-f", "ipod"), "audio/mp4"),
    "opus": (("-c:a", "libopus", "-f", "ogg"), "audio/ogg"),
    "mp4": (("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"), "video/mp4"),
}
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
count = iter(range(10**9))


def run(*argv: str) -> None:
    subprocess.run([ffmpeg.executable(), "-v", "error", "-y", *argv], check=True, stdin=subprocess.DEVNULL)


def sound(
    studio: Any,
    seconds: float,
    *,
    rate: int = 16000,
    channels: int = 1,
    name: str = "wav",
    hz: float = 300,
    db: float = -20,
    source: str = "",
    **facts: Any,
) -> Blob:
    """Return a recording (or with `name="mp4"` a clip) of a tone, or of a source of ffmpeg."""
    path = studio.root / f"sound{next(count)}.{name}"
    made = source or f"sine=frequency={hz}:sample_rate={rate}:duration={seconds}"
    layout = f"volume={db + 18.06}dB,aformat=channel_layouts={LAYOUTS[channels]}:sample_rates={rate}"
    options, media_type = FORMATS[name]
    inputs = ["-f", "lavfi", "-i", f"{made},{layout}"]
    if name == "mp4":
        inputs = ["-f", "lavfi", "-i", f"testsrc=size=32x32:rate=10:duration={seconds}", *inputs]
    run(*inputs, "-ac", str(channels), *options, "-t", str(seconds), str(path))
    type_ = media_type.partition("/")[0]
    blob: Blob = studio.commit(NewFile(path, type_, media_type, probe.measure(path, type_, media_type) | facts))
    return blob


def length(studio: Any, blob: Blob) -> float:
    """Return how long something is to be heard, in seconds: a clip whose sound is longer than its pictures, as long as that."""
    return recording(studio.call("audio.fade", audio=blob), blob).seconds


def samples(path: Path) -> tuple[list[float], int]:
    """Return the first channel of a 16-bit WAV, of full scale, and its rate."""
    with wave.open(str(path), "rb") as file:
        data = array.array("h", file.readframes(file.getnframes()))
        return [value / 32768 for value in data[:: file.getnchannels()]], file.getframerate()


def level(path: Path, start: float, end: float) -> float:
    """Return how strong a stretch of a WAV is, in dB of full scale (RMS)."""
    data, rate = samples(path)
    part = data[round(start * rate) : round(end * rate)]
    return 10 * math.log10(max(1e-12, sum(value * value for value in part) / max(1, len(part))))


def strength(path: Path, hz: float, start: float, end: float) -> float:
    """Return how strong a tone is in a stretch of a WAV, whatever else sounds: its amplitude in dB of full scale."""
    data, rate = samples(path)
    part = data[round(start * rate) : round(end * rate)]
    turns = [2 * math.pi * hz * i / rate for i in range(len(part))]
    real = sum(value * math.cos(turn) for value, turn in zip(part, turns, strict=True))
    other = sum(value * math.sin(turn) for value, turn in zip(part, turns, strict=True))
    return 20 * math.log10(max(1e-9, 2 * math.hypot(real, other) / max(1, len(part))))


def spoken(seconds: float, words: int) -> list[dict[str, Any]]:
    """Return words that follow each other without a pause, through the whole length."""
    each = seconds / words
    return [{"text": f"w{i}", "start": round(i * each, 3), "end": round((i + 1) * each, 3)} for i in range(words)]


@st.composite
def recordings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what to make a sound of: any format that can hold its rate and channels."""
    name = draw(st.sampled_from(sorted(FORMATS)))
    rates = {"mp3": (8000, 22050, 48000), "opus": (8000, 48000)}.get(name, (8000, 11025, 44100, 48000, 96000))
    channels = draw(st.sampled_from((1, 2) if name == "mp3" else (1, 2, 6)))
    seconds = draw(st.sampled_from((0.3, 0.75, 1.0, 1.337, 2.5)))
    return {"seconds": seconds, "rate": draw(st.sampled_from(rates)), "channels": channels, "name": name}
