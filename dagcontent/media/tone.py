"""Turn a prompt and a length into a quiet bed of tones (`local/tone`). Knows no vendor.

The chord comes of the prompt's hash. Every tone goes through a whole number of waves in the length that was asked for,
so that a bed that is to loop goes on into its beginning without a click.
"""

from __future__ import annotations

import hashlib
from typing import Final

from dagcontent.media import ffmpeg, probe
from dagcontent.media.arguments import flag_of, number_of, required_blob, required_text, text_of
from dagcontent.media.call import Call, Made, NewFile
from dagcontent.media.carried import cut
from dagcontent.media.facts import known_facts
from dagcontent.media.sync import SAMPLE_RATE

__all__ = ["BED_RATE", "bed", "generate", "soundtrack"]

BED_RATE: Final = 24000
_ROOTS: Final = (110.0, 123.47, 130.81, 146.83, 164.81, 174.61, 196.0)
_CHORDS: Final = ((1, 5 / 4, 3 / 2), (1, 6 / 5, 3 / 2), (1, 4 / 3, 3 / 2), (1, 5 / 4, 5 / 3), (1, 3 / 2, 2))
_LOUD: Final = 0.03  # of full scale, a tone: together some 26 dB below it
_SWELL_HZ: Final = 0.25
_FADE_S: Final = 0.4


def generate(call: Call) -> Made:
    """Make a sound, or music, of `duration` for `prompt`."""
    seconds = number_of(call, "duration") or 1.0
    salt = f"{call.kind}\x00{'' if call.seed is None else call.seed}"
    graph = bed(required_text(call, "prompt"), salt, seconds, BED_RATE, loop=flag_of(call, "loop"))
    out = call.workdir / "tone.wav"
    version = ffmpeg.render(
        call, [], out, encode=ffmpeg.WAV, graph=f"{graph}[a]", maps=["[a]"], filters=["aevalsrc", "afade"], seconds=seconds,
    )  # fmt: skip
    facts = probe.measure(out, "audio", "audio/wav")
    return Made(NewFile(out, "audio", "audio/wav", facts), {"ffmpeg": version, **probe.made_with()})


def soundtrack(call: Call) -> Made:
    """Put a bed under `video` in place of its sound; the pictures are copied where their form allows it."""
    video = required_blob(call, "video")
    facts = known_facts(call, video)
    seconds = facts["duration_ms"] / 1000
    path = call.path(video)
    media_type = probe.check_input(path, "video")
    salt = f"{call.kind}\x00{'' if call.seed is None else call.seed}"
    graph = bed(text_of(call, "prompt") or "a quiet place", salt, seconds, SAMPLE_RATE, loop=False)
    copied = media_type == "video/mp4"
    rows = [f"{graph},aformat=channel_layouts=stereo[a]", *([] if copied else [f"[0:v:0]{ffmpeg.LAST}[v]"])]
    out = call.workdir / "scored.mp4"
    version = ffmpeg.render(
        call, [ffmpeg.Source(path, media_type)], out,
        encode=[*(("-c:v", "copy") if copied else ffmpeg.H264), *ffmpeg.AAC, *ffmpeg.MP4], graph=";".join(rows),
        maps=["0:v:0" if copied else "[v]", "[a]"], filters=["aevalsrc", "afade"], seconds=seconds,
    )  # fmt: skip
    measured = probe.measure(out, "video", "video/mp4")
    chapters = cut(facts.get("chapters"), measured["duration_ms"] / 1000)
    measured |= {"chapters": chapters} if chapters else {}
    return Made(NewFile(out, "video", "video/mp4", measured), {"ffmpeg": version, **probe.made_with()})


def bed(prompt: str, salt: str, seconds: float, rate: int, *, loop: bool) -> str:
    """Return a chain of filters, without inputs, that gives exactly this length."""
    digest = hashlib.sha256(f"{prompt}\x00{salt}".encode("utf-8", "surrogatepass")).digest()
    root, chord = _ROOTS[digest[0] % len(_ROOTS)], _CHORDS[digest[1] % len(_CHORDS)]
    samples = max(1, round(seconds * rate))
    length = samples / rate
    tones = "+".join(f"sin(2*PI*{_whole(root * step, length):.9f}*t)" for step in chord)
    swell = f"(0.75-0.25*cos(2*PI*{_whole(_SWELL_HZ, length):.9f}*t))"
    graph = f"aevalsrc=exprs='{_LOUD}*{swell}*({tones})':s={rate}:d={length + 1:.6f},atrim=end_sample={samples}"
    fade = min(_FADE_S, length / 4)
    if loop or fade < 1 / rate:
        return graph
    return f"{graph},afade=t=in:d={fade:.6f},afade=t=out:st={length - fade:.6f}:d={fade:.6f}"


def _whole(hertz: float, seconds: float) -> float:
    """Return the nearest frequency of which a whole number of waves fits."""
    return max(1, round(hertz * seconds)) / seconds
