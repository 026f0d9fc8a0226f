"""Turn an artifact into what is known of it: what was measured when it was made, else what is measured now. Knows no kind."""

from __future__ import annotations

from typing import Any

from dagcontent.media import probe
from dagcontent.media.call import Call
from dagcontent.values.value import Blob

__all__ = ["known_facts"]


def known_facts(call: Call, blob: Blob) -> dict[str, Any]:
    """Return an artifact's facts, measured now if they were not at commit."""
    if "duration_ms" in blob.facts:
        return blob.facts
    return {**probe.measure(call.path(blob), blob.type, blob.media_type), **blob.facts}
