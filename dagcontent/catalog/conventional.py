"""A model that is not in the catalog into one that is sent by conventional names, without a price. Knows no request.

fal has hundreds of endpoints with the same names; chat models of the others take the same messages.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from dagcontent.catalog.model import Model, Slot
from dagcontent.kinds.declaration import Effect
from dagcontent.kinds.registry import KINDS

__all__ = ["TEXT_KINDS", "conventional"]

TEXT_KINDS: Final = ("text.generate", "text.translate", "image.describe", "video.describe")
"""Kinds that any chat model is asked for."""

_ENDPOINT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)+")
_CHAT: Final = {"openai": "chat", "google": "generate", "openrouter": "chat"}
_LONGEST: Final = {"openai": "max_output_tokens", "google": "max_output_tokens", "openrouter": "max_tokens"}

_FAL: Final[dict[str, str]] = {
    "prompt": "prompt", "text": "text", "negative_prompt": "negative_prompt", "image": "image_url",
    "images": "image_urls", "start_image": "image_url", "end_image": "end_image_url", "mask": "mask_url",
    "video": "video_url", "audio": "audio_url", "media": "video_url", "aspect": "aspect_ratio",
    "resolution": "resolution", "duration": "duration", "seconds": "duration", "sound": "generate_audio", "fps": "fps",
    "style": "style", "background": "background", "strength": "strength", "factor": "upscale_factor", "voice": "voice",
    "language": "language", "speed": "speed", "stability": "stability", "similarity": "similarity_boost",
    "previous_text": "previous_text", "next_text": "next_text", "diarize": "diarize", "loop": "loop",
    "lyrics": "lyrics",
}  # fmt: skip
_WHOLE: Final = frozenset({"duration", "seconds", "fps"})


@cache
def conventional(model_id: str) -> Model | None:
    """Return a model for an id that is not in the catalog; None where the vendor has no convention."""
    vendor, _, name = model_id.partition("/")
    if vendor == "fal" and _ENDPOINT.fullmatch(name):
        kinds = tuple(kind.name for kind in KINDS.values() if kind.effect is Effect.PAID)
        slots = {kind: _fal(kind) for kind in kinds}
        seed = Slot(param="seed", field="seed", maximum=2**31 - 1)
        return Model(
            provider=vendor, name=name, kinds=kinds, operations=dict.fromkeys(kinds, "queue"), slots=slots, seed=seed,
            recovery="by-match", confidence="unsure", catalogued=False,
        )  # fmt: skip
    if vendor in _CHAT and name and not name.startswith("/"):
        kinds = tuple(kind for kind in TEXT_KINDS if kind in KINDS)
        slots = {kind: _chat(kind, vendor) for kind in kinds}
        operations = dict.fromkeys(kinds, _CHAT[vendor])
        return Model(
            provider=vendor, name=name, kinds=kinds, operations=operations, slots=slots,
            seed=None if vendor == "openai" else Slot(param="seed", field="seed", maximum=2**31 - 1),
            confidence="unsure", catalogued=False,
        )  # fmt: skip
    return None


def _fal(kind: str) -> tuple[Slot, ...]:
    """Return what fal's endpoints of a kind usually take. A whole number of seconds is sent as one."""
    return tuple(
        Slot(param=param.name, field="image_size", form="box")
        if param.name == "size"
        else Slot(param=param.name, field=_FAL[param.name], step=1 if param.name in _WHOLE else None)
        for param in KINDS[kind].params
        if param.name in _FAL or param.name == "size"
    )


def _chat(kind: str, vendor: str) -> tuple[Slot, ...]:
    fields = {"temperature": "temperature", "max_tokens": _LONGEST[vendor]}
    return tuple(Slot(param=param.name, field=fields.get(param.name, "")) for param in KINDS[kind].params)
