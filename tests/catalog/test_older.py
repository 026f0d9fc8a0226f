from __future__ import annotations

import pytest

from dagcontent.catalog import load

OLDER = {
    # pictures from words
    "flux_dev": "fal/fal-ai/flux/dev image.generate",
    "flux_schnell": "fal/fal-ai/flux/schnell image.generate",
    "imagen4": "fal/fal-ai/imagen4/preview image.generate",
    "seedream_v3": "fal/fal-ai/bytedance/seedream/v3/text-to-image image.generate",
    "nano_banana_pro": "fal/fal-ai/nano-banana-pro image.generate",
    "gpt_image_1_5": "fal/fal-ai/gpt-image-1.5 image.generate",
    # pictures edited
    "photon_flash": "fal/fal-ai/luma-photon/flash/modify image.edit",
    "photon_flash with aspect_ratio": "fal/fal-ai/luma-photon/flash/reframe image.edit",
    "photon_base": "fal/fal-ai/luma-photon/modify image.edit",
    "photon_base with aspect_ratio": "fal/fal-ai/luma-photon/reframe image.edit",
    "flux_kontext": "fal/fal-ai/flux-kontext/dev image.edit",
    "flux_kontext_multi": "fal/fal-ai/flux-pro/kontext/max/multi image.edit",
    "seededit_v3": "fal/fal-ai/bytedance/seededit/v3/edit-image image.edit",
    "clarity_upscaler": "fal/fal-ai/clarity-upscaler image.upscale",
    "nano_banana_pro_edit": "fal/fal-ai/nano-banana-pro/edit image.edit",
    "gpt_image_1_5_edit": "fal/fal-ai/gpt-image-1.5/edit image.edit",
    "nano_banana_2_edit": "fal/fal-ai/nano-banana-2/edit image.edit",
    # clips from pictures
    "hailuo": "fal/fal-ai/minimax/hailuo-02/standard/image-to-video video.generate",
    "kling_2_1": "fal/fal-ai/kling-video/v2.1/standard/image-to-video video.generate",
    "kling_2_6_pro": "fal/fal-ai/kling-video/v2.6/pro/image-to-video video.generate",
    "kling_3_standard": "fal/fal-ai/kling-video/v3/standard/image-to-video video.generate",
    "kling_3_pro": "fal/fal-ai/kling-video/v3/pro/image-to-video video.generate",
    "kling_o3_standard_i2v": "fal/fal-ai/kling-video/o3/standard/image-to-video video.generate",
    "kling_o3_pro_i2v": "fal/fal-ai/kling-video/o3/pro/image-to-video video.generate",
    "kling_o3_standard_ref": "fal/fal-ai/kling-video/o3/standard/reference-to-video video.generate",
    "kling_o3_pro_ref": "fal/fal-ai/kling-video/o3/pro/reference-to-video video.generate",
    "seedance_1_5_pro": "fal/fal-ai/bytedance/seedance/v1.5/pro/image-to-video video.generate",
    "veo_3_1_fast": "fal/fal-ai/veo3.1/fast/image-to-video video.generate",
    "wan_2_6": "fal/wan/v2.6/image-to-video video.generate",
    "sora_2 i2v": "fal/fal-ai/sora-2/image-to-video video.generate",
    "sora_2_pro i2v": "fal/fal-ai/sora-2/image-to-video/pro video.generate",
    "grok_imagine": "fal/xai/grok-imagine-video/image-to-video video.generate",
    # clips from words
    "hailuo_pro": "fal/fal-ai/minimax/hailuo-02/pro/text-to-video video.generate",
    "veo3": "fal/fal-ai/veo3 video.generate",
    "veo3_fast": "fal/fal-ai/veo3/fast video.generate",
    "veo2": "fal/fal-ai/veo2 video.generate",
    "kling_2_6_pro t2v": "fal/fal-ai/kling-video/v2.6/pro/text-to-video video.generate",
    "kling_3_standard t2v": "fal/fal-ai/kling-video/v3/standard/text-to-video video.generate",
    "kling_3_pro t2v": "fal/fal-ai/kling-video/v3/pro/text-to-video video.generate",
    "kling_o3_pro_t2v": "fal/fal-ai/kling-video/o3/pro/text-to-video video.generate",
    "sora_2": "fal/fal-ai/sora-2/text-to-video video.generate",
    "sora_2_pro": "fal/fal-ai/sora-2/text-to-video/pro video.generate",
    "grok_imagine t2v": "fal/xai/grok-imagine-video/text-to-video video.generate",
    # speech and listening
    "elevenlabs": "elevenlabs/eleven_turbo_v2_5 speech.generate",
    "elevenlabs_turbo": "elevenlabs/eleven_turbo_v2_5 speech.generate",
    "elevenlabs_v3": "elevenlabs/eleven_v3 speech.generate",
    "scribe_v2": "fal/fal-ai/elevenlabs/speech-to-text/scribe-v2 audio.transcribe",
    # looking and writing
    "gemini_*": "google/gemini-2.0-flash image.describe",
    "gemini-direct": "google/gemini-2.0-flash-exp video.describe",
    "gemini-3-pro": "google/gemini-3-pro video.describe",
    "gemini-2.5-pro": "google/gemini-2.5-pro video.describe",
    "gemini-2.5-flash": "google/gemini-2.5-flash video.describe",
    "openrouter_*": "openrouter/google/gemini-2.0-flash-001 text.generate",
    # clips worked on
    "thinksound": "fal/fal-ai/thinksound video.soundtrack",
    "topaz": "fal/fal-ai/topaz/upscale/video video.upscale",
    "upscale_image": "fal/fal-ai/seedvr/upscale/image image.upscale",
    "omnihuman_v1_5": "fal/fal-ai/bytedance/omnihuman/v1.5 video.avatar",
    "fabric": "fal/veed/fabric-1.0 video.avatar",
    "fabric fast": "fal/veed/fabric-1.0/fast video.avatar",
    "kling_v2v_reference": "fal/fal-ai/kling-video/o1/video-to-video/reference video.edit",
    "kling_v2v_edit": "fal/fal-ai/kling-video/o1/video-to-video/edit video.edit",
    "kling_o3_standard_edit": "fal/fal-ai/kling-video/o3/standard/video-to-video/edit video.edit",
    "kling_o3_pro_edit": "fal/fal-ai/kling-video/o3/pro/video-to-video/edit video.edit",
    "kling_o3_standard_v2v_ref": "fal/fal-ai/kling-video/o3/standard/video-to-video/reference video.edit",
    "kling_o3_pro_v2v_ref": "fal/fal-ai/kling-video/o3/pro/video-to-video/reference video.edit",
    "grok video edit": "fal/xai/grok-imagine-video/edit-video video.edit",
    # Vertex, by a script of theirs
    "veo-2.0-generate-001": "google/veo-2.0-generate-001 video.generate",
    "veo-3.0-generate-preview": "google/veo-3.0-generate-preview video.generate",
}
"""Every model of the older format -> its entry here, and the kind it stood for.

Not there, because no kind takes what they take: ai-avatar/multi and MultiTalk (two recordings), fabric /text (a text for
a voice), Kling's motion control (a picture and a clip to move it by). Replicate is no provider of ours: seedream3, gen4.
"""


@pytest.mark.parametrize("older", OLDER)
def test_models_of_the_older_format_are_there_or_name_who_follows(older: str) -> None:
    """The floor of what must be reachable: a graph that comes from there finds each of its models, or its successor."""
    name, kind = OLDER[older].split()
    model = load.find(name)
    assert model is not None
    assert kind in model.kinds
    if model.gone(None):
        successor = load.find(f"{model.provider}/{model.successor}")
        assert successor is not None
        assert kind in successor.kinds
        assert not successor.gone(None)
