"""Turn what is shown one after the other into a film's frames: how long each is, where it begins, how neighbours overlap. Knows
no file and no filter.

Theory. Time is counted in whole frames of the film, and sound in whole samples at those frames' places, so that nothing drifts
however many there are.

    shot i begins at frame  f(i) = sum over k < i of (n(k) - d)      d: frames of a transition, 0 for a cut
    and at sample           round(f(i) / fps * 48000)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

import msgspec

from dagcontent.errors import NodeError
from dagcontent.media.arguments import even, fps_of, number_of, size_of, text_of
from dagcontent.media.call import Call
from dagcontent.media.camera import FPS, LENGTH_S, own_size
from dagcontent.media.sync import SAMPLE_RATE
from dagcontent.values.value import Blob

__all__ = ["FRAMES_MAX", "Shot", "Timeline", "timeline"]

FRAMES_MAX: Final = 500_000
_TRANSITION_S: Final = 0.5


class Shot(msgspec.Struct, frozen=True):
    """What is shown: a clip, or a picture that lasts as long as it is wanted."""

    blob: Blob
    facts: dict[str, Any]

    @property
    def still(self) -> bool:
        """Whether it is a picture."""
        return self.blob.type == "image"


class Timeline(msgspec.Struct, frozen=True):
    """A film in frames: how long each shot is seen, where it begins, how neighbours overlap."""

    size: tuple[int, int]
    fps: Fraction
    frames: tuple[int, ...]
    starts: tuple[int, ...]
    overlap: int
    transition: str
    fit: str

    @property
    def total(self) -> int:
        """Frames of the film."""
        return self.starts[-1] + self.frames[-1]

    @property
    def rate(self) -> str:
        """Pictures a second, as ffmpeg reads it."""
        return f"{self.fps.numerator}/{self.fps.denominator}"

    def seconds(self, frame: int) -> float:
        """Return when a frame begins."""
        return float(frame / self.fps)

    def sample(self, frame: int) -> int:
        """Return the sample at which a frame begins."""
        return round(frame / self.fps * SAMPLE_RATE)


def timeline(call: Call, shots: Sequence[Shot], sounds: Sequence[dict[str, Any]]) -> Timeline:
    """Lay shots out; `sounds` are facts of the recordings that begin with them, one each, or none. The first shot sets the size
    that is not given, the first clip the rate.

    Raises NodeError for a transition that is longer than a shot.
    """
    first = shots[0].facts["width"], shots[0].facts["height"]
    size = size_of(call) or (own_size(first) if shots[0].still else first)
    clip = next((shot.facts for shot in shots if not shot.still), None)
    fps = fps_of(call, FPS if clip is None else Fraction(*clip["fps"]).limit_denominator(1001))
    transition = text_of(call, "transition") or "cut"
    wanted = number_of(call, "transition_seconds") or _TRANSITION_S
    overlap = 0 if transition == "cut" or len(shots) == 1 else max(1, round(wanted * fps))
    frames = _lengths(call, shots, sounds, fps, overlap)
    for number, count in enumerate(frames, start=1):
        if overlap and count <= overlap:
            text = f"clip {number} is shorter than the {transition}: {float(count / fps):.2f} s"
            longer = "make the clip longer"
            if shots[number - 1].still:
                longer = "make its recording longer" if sounds else f"`picture_seconds` above {wanted:g}"
            raise NodeError(text, hint=f"set `transition_seconds` below {float(count / fps):.2f}, or {longer}")
    starts = [0]
    for count in frames[:-1]:
        starts.append(starts[-1] + count - overlap)
    if sounds:
        # Words are never cut: the last picture stays until the sound that runs over the end is over.
        ends = [Fraction(s["duration_ms"], 1000) + at / fps for s, at in zip(sounds, starts, strict=True)]
        lacking = max(ends) * fps - (starts[-1] + frames[-1])
        frames[-1] += max(0, -int(-lacking // 1) if lacking >= Fraction(1, 2) else 0)
    if starts[-1] + frames[-1] > FRAMES_MAX:
        text = f"the film would have {starts[-1] + frames[-1]} pictures"
        raise NodeError(text, hint=f"at most {FRAMES_MAX}: make it shorter, or lower `fps`")
    even_size = (max(16, even(size[0])), max(16, even(size[1])))
    return Timeline(even_size, fps, tuple(frames), tuple(starts), overlap, transition, text_of(call, "fit") or "pad")


def _lengths(
    call: Call, shots: Sequence[Shot], sounds: Sequence[dict[str, Any]], fps: Fraction, overlap: int
) -> list[int]:
    """Return the frames of each shot. A picture stays for its recording, and until the next one has come: voices never meet."""
    frames = []
    for number, shot in enumerate(shots):
        if not shot.still:
            frames.append(max(1, round(Fraction(shot.facts["duration_ms"], 1000) * fps)))
        elif sounds:
            spoken = math.ceil(Fraction(sounds[number]["duration_ms"], 1000) * fps)
            frames.append(max(1, spoken) + (overlap if number < len(shots) - 1 else 0))
        else:
            frames.append(max(1, round((number_of(call, "picture_seconds") or LENGTH_S) * fps)))
    return frames
