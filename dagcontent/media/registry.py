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
    ("image.generate", "card"): ("card", "generate"),
    ("image.resize", ""): ("sheet", "resize"),
    ("image.caption", ""): ("sheet", "caption"),
    ("image.grid", ""): ("sheet", "grid"),
    ("speech.generate", "espeak"): ("speech", "generate"),
    ("audio.concat", ""): ("sound", "concat"),
    ("video.generate", "kenburns"): ("still", "generate"),
    ("video.from_still", ""): ("still", "from_still"),
    ("video.concat", ""): ("film", "concat"),
    ("video.mux", ""): ("mux", "mux"),
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
