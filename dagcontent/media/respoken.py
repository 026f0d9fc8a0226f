"""Turn speech into other speech without a model: several voices (`local/espeak`), another pitch, another language's draft.

Every word keeps its time: what comes out is as long as what goes in, and whoever hears it knows that it is a draft.
Knows no vendor.
"""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from dagcontent.errors import NodeError
from dagcontent.media import ffmpeg, probe, speech
from dagcontent.media.arguments import number_of, required_blob, required_text
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.carried import Row, cut, merged, shifted, travelling
from dagcontent.media.facts import known_facts
from dagcontent.values.value import Blob

__all__ = ["convert", "dialogue", "dubbed_sound"]

_PITCHES: Final = (0.8, 0.87, 0.93, 1.08, 1.15, 1.22)
_MARK: Final = "sine=frequency=660:duration=0.18:sample_rate={rate},volume=0.25"
DUB_GAIN: Final = 0.3
"""How loud the original stays under a draft of a dub."""


def dialogue(call: Call) -> Made:
    """Speak `lines`, each by the voice of its speaker, one after another. Raises NodeError for lines of another form."""
    lines = _lines(call)
    voices = call.params.get("voices")
    gap = number_of(call, "gap") or 0.0
    alignment: list[list[Row]] = []
    sound, rate, at, made_with = bytearray(), 0, 0, {}
    for number, (speaker, text) in enumerate(lines):
        voice = voices.get(speaker) if isinstance(voices, Mapping) else None
        folder = call.workdir / f"line{number}"
        folder.mkdir()
        params = {"text": text, "voice": str(voice or speaker or "narrator")}
        spoken = speech.generate(
            msgspec.structs.replace(call, kind="speech.generate", params=params, workdir=folder, progress=_silently)
        )
        made_with = spoken.made_with
        with wave.open(str(spoken.value.path), "rb") as file:
            rate = file.getframerate()
            frames = file.readframes(file.getnframes())
        alignment.append(shifted(spoken.value.facts["alignment"], at / rate))
        sound += frames
        if number < len(lines) - 1:
            sound += bytes(2 * round(gap * rate))
        at = len(sound) // 2
        call.progress((number + 1) / len(lines))
    out = call.workdir / "dialogue.wav"
    with wave.open(str(out), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(sound))
    facts = {**probe.measure(out, "audio", "audio/wav"), "alignment": merged(*alignment)}
    return Made(NewFile(out, "audio", "audio/wav", facts), made_with)


def _lines(call: Call) -> list[tuple[str, str]]:
    rows = call.params.get("lines")
    found = [
        (str(row.get("speaker") or ""), str(row["text"]))
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, Mapping) and isinstance(row.get("text"), str)
    ]
    if not found or not isinstance(rows, list) or len(found) < len(rows):
        message = "`lines` of speech.dialogue is not of its form"
        raise NodeError(message, facts=[("expected", "[{speaker, text}]")], hint="give at least one line with a text")
    return found


def convert(call: Call) -> Made:
    """Say `audio` in another pitch, which comes of the voice's name. Words keep their times."""
    pitch = _PITCHES[hashlib.sha256(required_text(call, "voice").encode()).digest()[0] % len(_PITCHES)]
    return _reworked(call, required_blob(call, "audio"), lambda rate: (
        f"[0:a:0]asetrate={round(rate * pitch)},aresample={rate},atempo={1 / pitch:.6f}"
    ), ["asetrate", "atempo"], "converted")  # fmt: skip


def dubbed_sound(call: Call, audio: Blob) -> Made:
    """Let a recording through at a low level, a short tone before it: nobody takes it for the dub."""
    return _reworked(call, audio, lambda rate: (
        f"{_MARK.format(rate=rate)}[m];[0:a:0]aresample={rate},volume={DUB_GAIN}[o];"
        "[o][m]amix=inputs=2:duration=first:normalize=0"
    ), ["sine", "amix"], "dubbed")  # fmt: skip


def _reworked(call: Call, audio: Blob, chain: Any, filters: list[str], name: str) -> Made:
    """Render a recording through a chain of filters that is given its rate, to exactly its own length."""
    facts = known_facts(call, audio)
    if "sample_rate" not in facts:
        text = f"what {call.kind} is given has no sound"
        raise NodeError(text, hint="give a recording, or a clip with sound")
    rate = min(48000, facts["sample_rate"])
    samples = max(1, round(facts["duration_ms"] * rate / 1000))
    path = call.path(audio)
    out = call.workdir / f"{name}.wav"
    version = ffmpeg.render(
        call, [ffmpeg.Source(path, probe.check_input(path, "audio"))], out, encode=[*ffmpeg.WAV, "-map_chapters", "-1"],
        graph=f"{chain(rate)},apad,atrim=end_sample={samples}[a]", maps=["[a]"], filters=filters, seconds=samples / rate,
    )  # fmt: skip
    measured: dict[str, Any] = probe.measure(out, "audio", "audio/wav")
    measured |= {fact: cut(rows, samples / rate) for fact, rows in travelling(facts).items()}
    return Made(NewFile(out, "audio", "audio/wav", measured), {"ffmpeg": version, **probe.made_with()})


def _silently(_done: float) -> None:
    """Progress of one line is not that of all."""
