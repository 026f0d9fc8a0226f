"""Turn a text into speech and the time of every word (`local/espeak`). Knows no vendor.

The words are those of the text, punctuation included. A word begins where eSpeak NG says it does and ends where its
sound fades, at the latest where the next one begins.
"""

from __future__ import annotations

import array
import json
import re
import sys
import wave
from pathlib import Path
from typing import Any

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, probe
from dagcontent.media.arguments import number_of, required_text, text_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.packaged import folders_of
from dagcontent.media.voices import choose

__all__ = ["aligned", "finished", "generate", "words_in"]

CHARACTERS_MAX = 100_000
_WORDS_A_MINUTE, _SLOWEST, _FASTEST = 165, 80, 450
_SILENT = 160  # of 32,768
# A breath after the last word: the default transition of video.concat then fades silence, not the word.
_TAIL_S = 0.5
_STEP_S = 0.005
# Scripts that set no spaces between words: each sign is a word of its own.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}][^\w\s]*|[^\s{_UNSPACED}]+")
_FORMATS = {
    "wav": ("audio/wav", ffmpeg.WAV),
    "mp3": ("audio/mpeg", ("-c:a", "libmp3lame", "-b:a", "96k", "-write_xing", "1", "-f", "mp3")),
    "flac": ("audio/flac", ("-c:a", "flac", "-f", "flac")),
    "opus": ("audio/ogg", ("-c:a", "libopus", "-b:a", "48k", "-ar", "48000", "-serial_offset", "1", "-f", "ogg")),
}


def generate(call: Call) -> Made:
    """Speak `text`. Raises NodeError for text with nothing to say and for an unknown language."""
    text = required_text(call, "text").replace("\x00", " ")
    if len(text) > CHARACTERS_MAX:
        message = f"`text` has {len(text)} characters"
        raise NodeError(message, hint=f"speak at most {CHARACTERS_MAX} at once: cut it with text.split")
    library, data = _library()
    voice = choose(text_of(call, "voice") or "narrator", text_of(call, "language"), data)
    speed = number_of(call, "speed") or 1.0
    rate = min(_FASTEST, max(_SLOWEST, round(_WORDS_A_MINUTE * speed)))
    spoken = call.workdir / "spoken.wav"
    order = {
        "library": str(library), "data": str(data), "text": text, "voice": voice.name,
        "rate": rate, "pitch": voice.pitch, "out": str(spoken.absolute()),
    }  # fmt: skip
    # -I and -S: neither the caller's environment nor site packages are needed, and it starts faster.
    argv = [sys.executable, "-I", "-S", "-B", str(Path(__file__).with_name("espeak_child.py"))]
    said = json.loads(call.run(argv, stdin=json.dumps(order).encode(), timeout_s=600))
    if "error" in said or not said["events"] or not said["samples"]:
        message = f"nothing could be spoken: {said.get('error') or 'the text has no words'}"
        raise NodeError(
            message, facts=[("voice", voice.name), ("text", text[:80])], hint="give a text with words in it"
        )
    call.progress(0.5)
    samples = _trim(spoken, said["events"][-1][1])
    alignment = aligned(text, said["events"], samples, said["sample_rate"])
    # eSpeak NG has a slowest and a fastest pace; beyond them time is stretched without changing the pitch.
    return finished(call, spoken, alignment, _WORDS_A_MINUTE * speed / rate, {"espeak-ng": said["version"]})


def words_in(text: str) -> list[tuple[str, int, int]]:
    """Return every word with its punctuation, and where it begins and ends in the text."""
    return [(found[0], found.start(), found.end()) for found in _WORD.finditer(text)]


def aligned(text: str, events: list[list[int]], samples: array.array[int], sample_rate: int) -> list[dict[str, Any]]:
    """Return the time of every word, out of [character, sample] events. Total: no word is left out."""
    words = words_in(text)
    if not words:
        return []
    total = len(samples)
    starts: list[int | None] = [None] * len(words)
    at = 0
    for character, sample in events:
        while at < len(words) and words[at][2] <= character:
            at += 1
        if at < len(words) and starts[at] is None:
            starts[at] = min(sample, total)
    known = _filled(starts, total)
    rows: list[dict[str, Any]] = []
    for (word, _, _), start, following in zip(words, known, [*known[1:], total], strict=True):
        end = _fades(samples, start, following, sample_rate)
        rows.append({"text": word, "start": round(start / sample_rate, 3), "end": round(end / sample_rate, 3)})
    return rows


def _filled(starts: list[int | None], total: int) -> list[int]:
    """Give words that are not spoken (a dash) a place between their neighbours, and keep the order."""
    filled: list[int] = []
    for index, start in enumerate(starts):
        before = filled[-1] if filled else 0
        if start is not None:
            filled.append(max(before, start))
            continue
        gap = next((i for i in range(index, len(starts)) if starts[i] is not None), len(starts))
        after = starts[gap] if gap < len(starts) else total
        filled.append(before + (max(before, after or 0) - before) // (gap - index + 1))
    return filled


def _fades(samples: array.array[int], start: int, following: int, sample_rate: int) -> int:
    step = max(1, int(sample_rate * _STEP_S))
    end = following
    while end - step > start and max(map(abs, samples[end - step : end]), default=0) < _SILENT:
        end -= step
    return end


def _trim(path: Path, last_word: int) -> array.array[int]:
    """Make the silence at the end of a mono recording a breath long, and return its samples."""
    with wave.open(str(path), "rb") as file:
        rate = file.getframerate()
        samples = array.array("h", file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        samples.byteswap()
    breath = int(rate * _TAIL_S)
    samples = samples[: _fades(samples, last_word, len(samples), rate) + breath]
    # Some voices end with their last sample.
    samples.extend([0] * (_fades(samples, last_word, len(samples), rate) + breath - len(samples)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((array.array("h", samples) if sys.byteorder == "little" else _swapped(samples)).tobytes())
    return samples


def _swapped(samples: array.array[int]) -> array.array[int]:
    other = array.array("h", samples)
    other.byteswap()
    return other


def finished(
    call: Call, spoken: Path, alignment: list[dict[str, Any]], faster: float, made_with: dict[str, str]
) -> Made:
    """Return a mono recording in the wanted format, `faster` times as fast, with its words; their times are changed too."""
    name = text_of(call, "format") or "wav"
    media_type, encode = _FORMATS[name]
    path = spoken
    if name != "wav" or abs(faster - 1) > 0.01:
        path = call.workdir / f"speech.{name}"
        graph = f"[0:a]atempo={faster:.6f}[out]" if abs(faster - 1) > 0.01 else "[0:a]anull[out]"
        made_with["ffmpeg"] = ffmpeg.render(
            call,
            [ffmpeg.Source(spoken, "audio/wav")],
            path,
            encode=encode,
            graph=graph,
            maps=["[out]"],
            filters=["atempo"],
        )
        if abs(faster - 1) > 0.01:
            for row in alignment:
                row["start"], row["end"] = round(row["start"] / faster, 3), round(row["end"] / faster, 3)
    facts = probe.measure(path, "audio", media_type)
    length = facts["duration_ms"] / 1000
    for row in alignment:
        row["start"], row["end"] = min(row["start"], length), min(row["end"], length)
    call.progress(1.0)
    return Made(
        NewFile(path, "audio", media_type, {**facts, "alignment": alignment}), {**made_with, **probe.made_with()}
    )


def _library() -> tuple[Path, Path]:
    for root in folders_of("espeakng_loader"):
        for name in ("libespeak-ng.so", "libespeak-ng.dylib", "espeak-ng.dll"):
            if (root / name).is_file() and (root / "espeak-ng-data").is_dir():
                return root / name, root / "espeak-ng-data"
    text = "there is no eSpeak NG on this machine"
    raise NodeError(text, hint="install the package espeakng-loader, or use another model for speech")
