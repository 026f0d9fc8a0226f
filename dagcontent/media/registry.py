"""Turn a kind and a local model into its implementation. Knows no parameter.

Modules are imported when their implementation runs first: a plan needs none of them, and Pillow and PyAV take 0.1 to
0.4 s.
"""

from __future__ import annotations

import importlib
from typing import Final

from dagcontent.media.call import Call, Implementation, Made, Registry

__all__ = ["local_registry"]

_PLACES: Final = {
    ("text.generate", "outline"): ("outline", "generate"),
    ("text.generate", "smollm"): ("smollm", "generate"),
    ("text.translate", "outline"): ("translated", "translate"),
    ("image.generate", "card"): ("card", "generate"),
    ("image.edit", "card"): ("retouch", "edit"),
    ("image.upscale", "lanczos"): ("retouch", "upscale"),
    ("image.remove_background", "key"): ("retouch", "remove_background"),
    ("image.describe", "measure"): ("measured", "describe_picture"),
    ("media.measure", ""): ("rating", "measure"),
    ("image.resize", ""): ("sheet", "resize"),
    ("document.pages", ""): ("pdf", "pages"),
    ("document.text", ""): ("pdf", "text"),
    ("image.crop", ""): ("cut", "crop"),
    ("image.split", ""): ("cut", "split"),
    ("image.convert", ""): ("encoded", "convert"),
    ("image.compose", ""): ("layers", "compose"),
    ("image.caption", ""): ("sheet", "caption"),
    ("image.grid", ""): ("sheet", "grid"),
    ("speech.generate", "espeak"): ("speech", "generate"),
    ("speech.generate", "piper"): ("piper", "generate"),
    ("speech.dialogue", "espeak"): ("respoken", "dialogue"),
    ("speech.convert", "pitch"): ("respoken", "convert"),
    ("speech.dub", "label"): ("rework", "dub"),
    ("audio.transcribe", "alignment"): ("transcribed", "transcribe"),
    ("sound.generate", "tone"): ("tone", "generate"),
    ("music.generate", "tone"): ("tone", "generate"),
    ("audio.concat", ""): ("sound", "concat"),
    ("audio.trim", ""): ("reshaped", "trim"),
    ("audio.fade", ""): ("reshaped", "fade"),
    ("audio.normalize", ""): ("loudness", "normalize"),
    ("audio.fit", ""): ("reshaped", "fit"),
    ("audio.convert", ""): ("reshaped", "convert"),
    ("audio.mix", ""): ("mixed", "mix"),
    ("audio.place", ""): ("mixed", "place"),
    ("video.generate", "kenburns"): ("still", "generate"),
    ("video.edit", "tint"): ("rework", "edit"),
    ("video.extend", "hold"): ("rework", "extend"),
    ("video.upscale", "lanczos"): ("rework", "upscale"),
    ("video.avatar", "kenburns"): ("rework", "avatar"),
    ("video.lipsync", "mux"): ("rework", "lipsync"),
    ("video.soundtrack", "tone"): ("tone", "soundtrack"),
    ("video.describe", "measure"): ("measured", "describe_video"),
    ("video.from_still", ""): ("still", "from_still"),
    ("video.concat", ""): ("film", "concat"),
    ("video.mux", ""): ("mux", "mux"),
    ("video.trim", ""): ("recut", "trim"),
    ("video.speed", ""): ("recut", "speed"),
    ("video.frame", ""): ("recut", "frame"),
    ("video.resize", ""): ("reshape", "resize"),
    ("video.reframe", ""): ("reshape", "reframe"),
    ("video.overlay", ""): ("reshape", "overlay"),
    ("video.convert", ""): ("convert", "convert"),
    ("media.check", ""): ("checked", "check"),
    ("metadata.write", ""): ("tagged", "write"),
    ("subtitles.build", ""): ("subtitles", "build"),
    ("subtitles.burn", ""): ("burn", "burn"),
}


def local_registry() -> Registry:
    """Return every local implementation of this version."""
    registry = Registry()
    for (kind, model), (module, function) in _PLACES.items():
        registry.add(kind, model, _late(module, function))
    return registry


def _late(module: str, function: str) -> Implementation:
    def implementation(call: Call) -> Made:
        found: Implementation = getattr(importlib.import_module(f"dagcontent.media.{module}"), function)
        return found(call)

    implementation.__name__ = implementation.__qualname__ = f"{module}.{function}"
    return implementation
