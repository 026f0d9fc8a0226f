from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dagcontent.catalog.effective import effective
from dagcontent.kinds.registry import KINDS
from dagcontent.values.quote import Quote
from dagcontent.values.value import Blob

GOLDEN = Path(__file__).with_name("golden_requests.json")

IMAGE, IMAGES, AUDIO, VIDEO = "$image:a", ["$image:b", "$image:c"], "$audio:a", "$video:a"
CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("fal/fal-ai/flux/dev", "image.generate", {"prompt": "a lantern", "aspect": "16:9"}, {"seed": 7}),
    ("fal/fal-ai/flux/dev", "image.generate", {"prompt": "a lantern", "aspect": "21:9"}, {"options": {"guidance_scale": 3}}),
    ("fal/fal-ai/bytedance/seedream/v4.5/text-to-image", "image.generate", {"prompt": "a lantern", "aspect": "9:16"}, {}),
    ("fal/fal-ai/nano-banana-2/edit", "image.edit", {"prompt": "at night", "image": IMAGE, "images": IMAGES, "size": "2k"}, {}),
    ("fal/openai/gpt-image-2", "image.generate", {"prompt": "a lantern", "aspect": "3:2"}, {"options": {"quality": "high"}}),
    ("fal/fal-ai/luma-photon/flash/modify", "image.edit", {"prompt": "at night", "image": IMAGE}, {}),
    ("fal/fal-ai/topaz/upscale/image", "image.upscale", {"image": IMAGE, "factor": 4.0}, {}),
    ("fal/fal-ai/birefnet/v2", "image.remove_background", {"image": IMAGE}, {}),
    ("fal/fal-ai/kling-video/v3/pro/image-to-video", "video.generate", {"prompt": "push in", "start_image": IMAGE, "duration": 5.2}, {}),
    ("fal/fal-ai/veo3.1/fast", "video.generate", {"prompt": "push in", "duration": 5, "sound": False}, {"seed": 7}),
    ("fal/fal-ai/minimax/hailuo-02/standard/image-to-video", "video.generate", {"prompt": "push in", "start_image": IMAGE, "resolution": "512p"}, {}),
    ("fal/fal-ai/ltx-2.3/text-to-video", "video.generate", {"prompt": "push in", "fps": 25.0, "duration": 7}, {}),
    ("fal/fal-ai/wan/v2.7/edit-video", "video.edit", {"prompt": "make it snow", "video": VIDEO}, {}),
    ("fal/fal-ai/veo3.1/extend-video", "video.extend", {"prompt": "go on", "video": VIDEO, "seconds": 5}, {}),
    ("fal/veed/fabric-1.0", "video.avatar", {"image": IMAGE, "audio": AUDIO}, {"options": {"resolution": "480p"}}),
    ("fal/fal-ai/sync-lipsync/v2", "video.lipsync", {"video": VIDEO, "audio": AUDIO}, {}),
    ("fal/fal-ai/elevenlabs/text-to-dialogue/eleven-v3", "speech.dialogue", {"lines": [{"speaker": "anna", "text": "Hello."}], "voices": {"anna": "Rachel"}}, {}),
    ("fal/fal-ai/elevenlabs/speech-to-text/scribe-v2", "audio.transcribe", {"audio": AUDIO, "language": "de"}, {}),
    ("elevenlabs/eleven_multilingual_v2", "speech.generate", {"text": "Hello.", "voice": "Rachel", "speed": 1.1, "stability": 0.4, "format": "wav"}, {"seed": 7}),
    ("elevenlabs/music_v2", "music.generate", {"prompt": "warm piano", "duration": 22.5, "instrumental": True}, {}),
    ("elevenlabs/bytedance-seedance-v2", "video.generate", {"prompt": "push in", "start_image": IMAGE, "duration": 6}, {}),
    ("google/gemini-3.1-flash-image", "image.generate", {"prompt": "a lantern", "aspect": "16:9", "size": "2K"}, {"seed": 7}),
    ("google/gemini-omni-1.2-flash", "video.generate", {"prompt": "push in", "duration": 4.4, "resolution": "1080p"}, {}),
    ("google/gemini-3.8-flash", "text.generate", {"prompt": "Write.", "temperature": 0.3, "max_tokens": 500}, {}),
    ("openai/gpt-image-2.6-flare", "image.generate", {"prompt": "a lantern", "images": IMAGES, "size": "1536x1024"}, {}),
    ("openai/gpt-6.1-sol", "text.generate", {"prompt": "Write."}, {"options": {"reasoning": {"effort": "low"}}}),
    ("openai/gpt-4o-mini-tts", "speech.generate", {"text": "Hello.", "voice": "Marin"}, {}),
    ("openrouter/anthropic/claude-sonnet-5.5", "text.generate", {"prompt": "Write.", "max_tokens": 800}, {}),
    ("openrouter/kwaivgi/kling-v3.0-pro", "video.generate", {"prompt": "push in", "start_image": IMAGE, "duration": 5}, {}),
]  # fmt: skip


def _given(value: Any, media: Any) -> Any:
    """Put artifacts where a case names them: "$image:a"."""
    if isinstance(value, str) and value.startswith("$"):
        type_, _, name = value[1:].partition(":")
        return media(type_, name)
    if isinstance(value, list):
        return [_given(item, media) for item in value]
    return {key: _given(item, media) for key, item in value.items()} if isinstance(value, dict) else value


def _shown(value: Any) -> Any:
    if isinstance(value, Blob):
        return f"${value.type}:{value.digest[0]}"
    if isinstance(value, Quote):
        return [value.low, value.expected, value.high]
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return {key: _shown(item) for key, item in value.items()} if isinstance(value, dict) else value


def test_requests_are_as_recorded(media: Any, golden: bool) -> None:
    """A field's name or form is what a vendor reads: a change of it is a change to look at (--golden records anew)."""
    made = []
    for model, kind, params, more in CASES:
        found = effective(model, KINDS[kind], _given(params, media), more.get("options"), more.get("seed"))
        asked = {"model": model, "kind": kind, "asked": params, **more}
        made.append(
            {**asked, **{key: _shown(value) for key, value in msgspec.structs.asdict(found).items() if key != "model"}}
        )
    written = json.loads(json.dumps(made))
    if golden:
        GOLDEN.write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    recorded = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert len(recorded) == len(written)
    for one, other in zip(written, recorded, strict=True):
        assert one == other


@pytest.mark.parametrize("vendor", ["fal", "elevenlabs", "google", "openai", "openrouter"])
def test_every_vendor_has_a_recorded_request(vendor: str) -> None:
    """What nobody looks at may change unseen."""
    assert any(model.startswith(f"{vendor}/") for model, _, _, _ in CASES)
