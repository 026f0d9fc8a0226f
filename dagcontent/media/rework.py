"""Turn a clip into another one without a model: edited, longer, larger, dubbed, with other lips, a face that speaks.

These stand in for models that cost money. Length, size, rate and sound are those that were asked for; a plate in the
corner says what a model would have done. Knows no vendor.
"""

from __future__ import annotations

import hashlib
import math
from fractions import Fraction
from typing import Any, Final

import msgspec

from dagcontent.media import ffmpeg
from dagcontent.media.arguments import even, number_of, required_blob, required_text, text_of
from dagcontent.media.call import Call, Made
from dagcontent.media.carried import cut, travelling
from dagcontent.media.facts import known_facts
from dagcontent.media.footage import Change, Clip, Take, rendered
from dagcontent.media.label import saved_plate
from dagcontent.media.mux import mux
from dagcontent.media.respoken import DUB_GAIN, dubbed_sound
from dagcontent.media.retouch import FACTOR
from dagcontent.media.still import from_still
from dagcontent.values.value import Blob

__all__ = ["avatar", "dub", "edit", "extend", "lipsync", "upscale"]

EXTEND_S: Final = 5.0
LONG_SIDE_MAX_PX: Final = 3840
"""A larger clip is made no larger than this: it is a draft, and it should be there soon."""
_STRENGTH: Final = 0.35


def edit(call: Call) -> Made:
    """Tint `video` by the prompt, as far as `strength` says, and say what was asked for."""
    prompt = text_of(call, "prompt") or "a change"
    strength = number_of(call, "strength")
    part = _STRENGTH if strength is None else 0.1 + 0.8 * strength
    digest = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()
    turn = (40 + digest[0]) * part
    chain = f"hue=h={turn:.3f}:s={1 - part / 2:.3f},format=yuv420p"
    return _rendered(call, required_blob(call, "video"), f"draft edit: {prompt}", chain=chain, filters=("hue",))


def extend(call: Call) -> Made:
    """Hold the last picture of `video` for `seconds` more."""
    seconds = number_of(call, "seconds") or EXTEND_S
    return _rendered(
        call, required_blob(call, "video"), f"draft: {text_of(call, 'prompt') or 'goes on'}", more_s=seconds
    )


def upscale(call: Call) -> Made:
    """Scale `video` to `factor` times its sides."""
    blob = required_blob(call, "video")
    factor = number_of(call, "factor") or FACTOR
    width, height = (known_facts(call, blob)[side] for side in ("width", "height"))
    factor = max(1.0, min(factor, LONG_SIDE_MAX_PX / max(width, height)))
    return _rendered(call, blob, "", size=(even(width * factor), even(height * factor)))


def dub(call: Call) -> Made:
    """Let `media` through with its sound at a low level, and say in which language it would be."""
    media, language = required_blob(call, "media"), required_text(call, "language")
    if media.type == "audio":
        return dubbed_sound(call, media)
    return _rendered(call, media, f"draft dub: {language}", gain=DUB_GAIN)


def lipsync(call: Call) -> Made:
    """Put `audio` under `video`: as long as what is said, the last picture held where the clip is shorter."""
    video, audio = required_blob(call, "video"), required_blob(call, "audio")
    longer = known_facts(call, video)["duration_ms"] > known_facts(call, audio)["duration_ms"]
    return mux(_as(call, "video.mux", video=video, audio=audio, fit="trim" if longer else "freeze"))


def avatar(call: Call) -> Made:
    """Show `image` for as long as `audio` sounds."""
    image, audio = required_blob(call, "image"), required_blob(call, "audio")
    return from_still(_as(call, "video.from_still", image=image, audio=audio, motion="zoom_in"))


def _as(call: Call, kind: str, **params: Any) -> Call:
    return msgspec.structs.replace(call, kind=kind, params=params)


def _rendered(
    call: Call, blob: Blob, words: str, *, chain: str = "null", filters: tuple[str, ...] = (), more_s: float = 0.0,
    size: tuple[int, int] | None = None, gain: float = 1.0,
) -> Made:  # fmt: skip
    """Render a clip through a chain of filters: a plate over it, longer, in another size, its sound more quiet."""
    clip = Clip(call, blob)
    frames = clip.frames + math.ceil(Fraction(more_s) * clip.fps - Fraction(1, 1000))
    size = size or clip.size
    scaled = "" if size == clip.size else f"scale={size[0]}:{size[1]}:flags=lanczos,"
    also, rows = [], []
    if words:
        begins = f":enable='gte(t,{clip.seconds(clip.frames):.6f})'" if more_s else ""
        also.append(ffmpeg.Source(saved_plate(words, size, call.workdir), "image/png"))
        rows.append(f"[p][1:v]overlay=0:0:format=auto{begins}[q]")
    carried = {name: cut(found, clip.seconds(frames)) for name, found in travelling(clip.facts).items()}
    change = Change(f"{scaled}{chain}", tuple(also), tuple(rows), ("overlay", *filters), gain)
    return rendered(call, clip, Take(0, frames), change, carried)
