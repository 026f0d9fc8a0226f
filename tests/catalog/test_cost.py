from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.catalog.effective import Effective, effective
from dagcontent.kinds.registry import KINDS
from dagcontent.values.value import UNKNOWN


def ask(model: str, kind: str, params: dict[str, Any], options: Any = None, **more: Any) -> Effective:
    return effective(model, KINDS[kind], params, options, **more)


@pytest.mark.parametrize(
    ("model", "kind", "params", "usd"),
    [
        ("fal/fal-ai/flux/dev", "image.generate", {"prompt": "x"}, 0.025),
        ("fal/fal-ai/flux/dev", "image.generate", {"prompt": "x", "size": "2048x1024"}, 0.05),
        ("fal/fal-ai/flux-2-pro", "image.generate", {"prompt": "x", "size": "1024x1024"}, 0.03),
        ("fal/fal-ai/flux-2-pro", "image.generate", {"prompt": "x", "size": "2048x2048"}, 0.075),
        ("fal/fal-ai/nano-banana-pro", "image.generate", {"prompt": "x", "size": "4K"}, 0.30),
        ("fal/fal-ai/veo3.1", "video.generate", {"prompt": "x", "duration": 4, "sound": False}, 0.80),
        ("fal/fal-ai/kling-video/v3/pro/text-to-video", "video.generate", {"prompt": "x", "duration": 5, "sound": False}, 0.56),
        ("fal/fal-ai/bytedance/seedance/v1.5/pro/text-to-video", "video.generate", {"prompt": "x", "duration": 5}, 0.26),
        ("fal/fal-ai/minimax/hailuo-2.3/standard/text-to-video", "video.generate", {"prompt": "x", "duration": 10}, 0.56),
        ("fal/fal-ai/kokoro/american-english", "speech.generate", {"text": "x" * 500, "voice": "af_heart"}, 0.01),
        ("elevenlabs/eleven_multilingual_v2", "speech.generate", {"text": "x" * 1000, "voice": "Rachel"}, 0.08),
        ("elevenlabs/music_v2", "music.generate", {"prompt": "x", "duration": 30}, 0.075),
        ("google/veo-3.1-generate-001", "video.generate", {"prompt": "x", "resolution": "4k"}, 4.80),
    ],
)  # fmt: skip
def test_list_prices_are_those_that_were_found(model: str, kind: str, params: dict[str, Any], usd: float) -> None:
    """Worked out by hand from the vendors' lists."""
    found = ask(model, kind, params)
    assert found.quote.expected is not None
    assert found.quote.expected == pytest.approx(usd * 1e6, rel=0.005)
    assert found.quote.high is not None
    assert found.quote.high >= found.quote.expected


def test_length_of_what_is_given_is_measured(media: Any) -> None:
    """An avatar is as long as its recording, a transcript is billed by the hour, lip sync by five seconds begun."""
    avatar = ask(
        "fal/fal-ai/bytedance/omnihuman/v1.5", "video.avatar",
        {"image": media("image"), "audio": media("audio", duration_ms=10_000)},
    )  # fmt: skip
    assert avatar.quote.expected == 1_600_000
    heard = ask("elevenlabs/scribe_v2", "audio.transcribe", {"audio": media("audio", duration_ms=3_600_000)})
    assert heard.quote.expected == 220_000
    lips = ask(
        "fal/fal-ai/kling-video/lipsync/audio-to-video", "video.lipsync",
        {"video": media("video", duration_ms=6_000), "audio": media("audio", duration_ms=4_000)},
    )  # fmt: skip
    assert lips.quote.expected == 140_000


def test_what_cannot_be_measured_is_taken_at_its_most(media: Any) -> None:
    """The bound holds for every recording that the model takes; the list price is not guessed."""
    image, audio = media("image"), media("audio")
    audio.facts.clear()
    found = ask("fal/fal-ai/bytedance/omnihuman/v1.5", "video.avatar", {"image": image, "audio": audio})
    assert found.quote.high == 60 * 200_000
    assert found.quote.expected is None
    unbounded = ask("elevenlabs/scribe_v2", "audio.transcribe", {"audio": audio})
    assert unbounded.quote.high is None
    text = ask("fal/fal-ai/dia-tts", "speech.generate", {"text": UNKNOWN, "voice": "default"})
    assert text.quote.high is None


def test_an_enlarged_picture_is_billed_by_what_it_becomes(media: Any) -> None:
    """Twice the sides are four times the megapixels."""
    found = ask("fal/fal-ai/clarity-upscaler", "image.upscale", {"image": media("image"), "factor": 2})
    assert found.quote.expected == 4 * 30_000
    image = media("image")
    image.facts.clear()
    assert ask("fal/fal-ai/clarity-upscaler", "image.upscale", {"image": image, "factor": 2}).quote.high is None


def test_prices_change_on_their_day_and_bounds_hold_on_every_day() -> None:
    """What is reserved before new year must suffice after it."""
    params = {"prompt": "x" * 1000, "max_tokens": 1000}
    old = ask("google/gemini-3.8-flash", "text.generate", params, today=datetime.date(2026, 12, 31))
    new = ask("google/gemini-3.8-flash", "text.generate", params, today=datetime.date(2027, 1, 1))
    assert old.quote.expected is not None
    assert new.quote.expected == pytest.approx(2 * old.quote.expected, abs=1)  # rounded up
    assert old.quote.high == new.quote.high
    assert new.quote.high is not None
    assert new.quote.expected is not None
    assert new.quote.high >= new.quote.expected
    assert ask("google/gemini-3.8-flash", "text.generate", params) == old


@given(st.text(max_size=300), st.integers(16, 128_000))
def test_tokens_are_bounded_by_bytes(prompt: str, longest: int) -> None:
    """No tokenizer makes more tokens of a text than it has bytes, and an answer ends where it is told to."""
    found = ask("openai/gpt-6.1-sol", "text.generate", {"prompt": prompt or "x", "max_tokens": longest})
    assert found.fields["max_output_tokens"] == longest
    assert found.quote.high is not None
    assert found.quote.high >= (len(prompt.encode()) * 2 + longest * 10)


def test_long_inputs_cost_more_of_everything() -> None:
    """Beyond a limit the whole request is dearer, not only what lies beyond."""
    short = ask("openai/gpt-6.1-sol", "text.generate", {"prompt": "x" * 1_000_000, "max_tokens": 100})
    long = ask("openai/gpt-6.1-sol", "text.generate", {"prompt": "x" * 2_000_000, "max_tokens": 100})
    assert short.quote.expected is not None
    assert long.quote.expected is not None
    assert long.quote.expected > 3.9 * short.quote.expected


def test_a_bound_grows_with_what_is_asked() -> None:
    """Longer, sharper and louder never have a lower bound."""
    bounds = [
        ask("fal/fal-ai/veo3.1", "video.generate", {"prompt": "x", "duration": d, "resolution": r, "sound": s}).quote.high
        for d, r, s in [(4, "720p", False), (6, "720p", False), (6, "720p", True), (6, "4k", True), (8, "4k", True)]
    ]  # fmt: skip
    assert bounds == sorted(bounds, key=lambda bound: bound or 0)
    assert len(set(bounds)) == len(bounds)


def test_a_prompt_still_to_be_written_prices_no_picture(media: Any) -> None:
    """What counts pictures and seconds looks at pictures and recordings: one still to be made is one, a text is none."""
    asked = {"prompt": UNKNOWN, "duration": 6, "resolution": "720p"}
    words = ask("fal/xai/grok-imagine-video/text-to-video", "video.generate", asked).quote
    known = ask("fal/xai/grok-imagine-video/text-to-video", "video.generate", {**asked, "prompt": "x"}).quote
    assert (words.expected, words.high) == (known.expected, known.high)
    assert known.high is not None
    made, still = (
        ask("fal/xai/grok-imagine-video/image-to-video", "video.generate", {**asked, "start_image": image}).quote
        for image in (media("image"), UNKNOWN)
    )
    assert (made.expected, made.high) == (still.expected, still.high)
