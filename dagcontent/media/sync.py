"""The one clock of sound and pictures: the rate that sound is brought to, and whether both end together. Knows no kind."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from dagcontent.errors import InternalError
from dagcontent.media.call import Call

__all__ = ["SAMPLE_RATE", "SOUND", "check_sync"]

SAMPLE_RATE: Final = 48000
SOUND: Final = f"aresample={SAMPLE_RATE},aformat=sample_fmts=fltp:channel_layouts=stereo"
_AAC_FRAME_MS: Final = 22


def check_sync(call: Call, fps: Fraction, frames: int, duration_ms: int, sound_ms: int | None) -> None:
    """Raise InternalError when what was made is not `frames` long, or its sound (None: it has none) not as long as its pictures."""
    frame_ms = 1000 / fps
    off = float(abs(duration_ms - frames * frame_ms))
    drift = 0 if sound_ms is None else abs(sound_ms - duration_ms)
    # The sound is stored in packets of 1,024 samples: at more than 46 pictures a second a packet is longer than one.
    if off >= frame_ms or drift >= max(float(frame_ms), _AAC_FRAME_MS):
        text = f"sound and pictures of {call.kind} drifted: {drift:.0f} ms apart, {off:.0f} ms from the plan"
        raise InternalError(text, hint="please report this with the clips")
