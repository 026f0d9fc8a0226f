from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagcontent.catalog import load
from dagcontent.catalog.effective import Effective, effective
from dagcontent.catalog.model import Model
from dagcontent.catalog.request import leaves
from dagcontent.errors import NodeError
from dagcontent.kinds.registry import KINDS
from dagcontent.values.value import UNKNOWN

ALIVE = [model for model in load.models() if not model.gone(None)]
CLIPS = [model for model in ALIVE if "video.generate" in model.kinds]
DURABLE = [
    model for model in CLIPS if any(slot.param == "duration" for slot in model.slots["video.generate"])
]  # fmt: skip
KLING = "fal/fal-ai/kling-video/v2.1/standard/image-to-video"


def attempted(step: Callable[[], Effective]) -> Effective | NodeError:
    try:
        return step()
    except NodeError as error:
        return error


def ask(model: str, kind: str, params: dict[str, Any], options: Any = None, **more: Any) -> Effective:
    return effective(model, KINDS[kind], params, options, **more)


@pytest.mark.parametrize("vendor", load.VENDORS)
def test_what_a_request_becomes_stays_as_it_is(vendor: str, simple: Any) -> None:
    """The key is made of effective parameters, and the request is made of them once more when it is sent."""
    for model in (model for model in ALIVE if model.provider == vendor):
        for kind in model.kinds:
            first = effective(model.id, KINDS[kind], simple(model, kind), None, 7)
            again = effective(model.id, KINDS[kind], first.params, None, 7)
            assert (again.params, again.fields) == (first.params, first.fields), model.id
            assert (again.quote.high, again.operation) == (first.quote.high, first.operation), model.id


@given(st.sampled_from(DURABLE), st.floats(0.1, 40), st.sampled_from([None, "up", "down", "nearest", "error"]))
def test_a_snapped_duration_is_one_that_the_model_allows(model: Model, seconds: float, snap: str | None) -> None:
    """Anything else would be refused by the vendor, or silently be another length than what was priced."""
    slot = next(slot for slot in model.slots["video.generate"] if slot.param == "duration")
    params: dict[str, Any] = {"prompt": "a lantern", "duration": seconds}
    for other in model.slots["video.generate"]:
        if other.required:
            params[other.param] = params.get(other.param, UNKNOWN)
    found = attempted(lambda: effective(model.id, KINDS["video.generate"], params, snap=snap))
    if isinstance(found, NodeError):
        assert found.hint
        top = max(slot.values) if slot.values else slot.maximum or 0
        low = min(slot.values) if slot.values else slot.minimum or 0
        assert seconds > top if snap in {None, "up"} else snap == "error" or (snap == "down" and seconds < low)
        return
    made = found.params["duration"]
    assert made in slot.values if slot.values else slot.minimum <= made <= slot.maximum
    if snap in {None, "up"}:
        assert made >= seconds - 1e-6
    if snap == "down":
        assert made <= seconds + 1e-6
    again = effective(model.id, KINDS["video.generate"], {**params, "duration": made}, snap="error")
    assert again.params == found.params
    assert again.fields == found.fields


def _nested(model: Model, kind: str, name: str, value: Any) -> dict[str, Any]:
    for part in reversed(name.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("vendor", load.VENDORS)
def test_options_never_override_what_is_ours(vendor: str, simple: Any) -> None:
    """What was keyed, priced and shown would not be what is sent."""
    for model in (model for model in ALIVE if model.provider == vendor):
        for kind in model.kinds:
            params = simple(model, kind)
            ours = {field for slot in model.slots[kind] if slot.field for field in slot.field.split("|")}
            ours |= set(model.refuse) | ({model.canvas.field} if model.canvas else set())
            ours |= {model.seed.field} if model.seed else set()
            for field in sorted(ours):
                with pytest.raises(NodeError, match="may not set"):
                    effective(model.id, KINDS[kind], params, _nested(model, kind, field, 1))


@pytest.mark.parametrize("vendor", load.VENDORS)
def test_options_arrive_and_leave_the_rest_alone(vendor: str, simple: Any) -> None:
    """They are for what the catalog does not know; a table of theirs must not wipe out one of ours."""
    for model in (model for model in ALIVE if model.provider == vendor):
        for kind in model.kinds:
            params = simple(model, kind)
            plain = effective(model.id, KINDS[kind], params).fields
            found = effective(model.id, KINDS[kind], params, {"own": {"word": 1}}).fields
            assert found == {**plain, "own": {"word": 1}}


def test_options_join_a_table_of_ours() -> None:
    """Beside a speed of ours, a setting that only this vendor has is sent in the same table."""
    params = {"text": "Hello.", "voice": "Rachel", "stability": 0.4}
    found = ask(
        "elevenlabs/eleven_multilingual_v2", "speech.generate", params, {"voice_settings": {"use_speaker_boost": True}}
    )
    assert found.fields["voice_settings"] == {"stability": 0.4, "use_speaker_boost": True}
    again = ask("elevenlabs/eleven_multilingual_v2", "speech.generate", params)
    assert again.fields["voice_settings"] == {"stability": 0.4}


def test_what_is_always_sent_may_be_replaced_and_is_not_changed_for_others() -> None:
    """A constant of the catalog is a proposal; writing into it would reach every later request."""
    first = ask("fal/fal-ai/flux/dev", "image.generate", {"prompt": "x"}, {"output_format": "jpeg"})
    second = ask("fal/fal-ai/flux/dev", "image.generate", {"prompt": "x"})
    assert (first.fields["output_format"], second.fields["output_format"]) == ("jpeg", "png")


def test_a_knob_takes_what_is_priced_and_nothing_else() -> None:
    """The bound follows the quality; one that has no price would have no bound."""
    low = ask("openai/gpt-image-2.6-flare", "image.generate", {"prompt": "x"}, {"quality": "low"})
    best = ask("openai/gpt-image-2.6-flare", "image.generate", {"prompt": "x"}, {"quality": "max"})
    assert low.quote.high is not None
    assert best.quote.high is not None
    assert low.quote.high < best.quote.high
    with pytest.raises(NodeError, match="takes low, medium"):
        ask("openai/gpt-image-2.6-flare", "image.generate", {"prompt": "x"}, {"quality": "auto"})


def test_snapping_is_said(media: Any) -> None:
    """A plan shows what will be bought when it is not what was written."""
    found = ask(KLING, "video.generate", {"prompt": "x", "start_image": media("image"), "duration": 5.2})
    assert found.notes == ("duration 5.2 s -> 10 s (what the model allows)",)
    assert found.fields["duration"] == "10"
    assert found.params["duration"] == 10


def test_too_long_is_never_shortened(media: Any) -> None:
    """Up has an end; a clip that is shorter than its narration is no answer to it."""
    with pytest.raises(NodeError, match=r"is 12 s, and fal/.* takes 5, 10 s") as caught:
        ask(KLING, "video.generate", {"prompt": "x", "start_image": media("image"), "duration": 12})
    assert caught.value.hint == "write one that it takes: the nearest is 10"
    found = ask(KLING, "video.generate", {"prompt": "x", "start_image": media("image"), "duration": 12}, snap="nearest")
    assert found.params["duration"] == 10


@pytest.mark.parametrize(
    ("model", "kind", "params", "says"),
    [
        ("fal/fal-ai/flux/dev", "image.generate", {"prompt": "x", "negative_prompt": "y"}, "takes no `negative_prompt`"),
        ("fal/fal-ai/flux/dev", "video.generate", {"prompt": "x"}, "does not make video.generate"),
        (KLING, "video.generate", {"prompt": "x"}, "needs `start_image`"),
        ("fal/fal-ai/veo3.1", "video.generate", {"prompt": "x", "aspect": "1:1"}, "`aspect` is 1:1"),
        ("fal/fal-ai/veo3.1/lite", "video.generate", {"prompt": "x", "resolution": "4k"}, "takes 720p, 1080p"),
        ("fal/fal-ai/recraft/v3/text-to-image", "image.generate", {"prompt": "x" * 1001}, "1001 characters"),
        ("fal/fal-ai/lyria2", "music.generate", {"prompt": "x", "duration": 60}, "is always 30 s"),
        ("google/gemini-omni-1.2-flash", "video.generate", {"prompt": "x", "sound": False}, "always has it true"),
        ("elevenlabs/eleven_v3", "speech.generate", {"text": "x", "voice": "R", "previous_text": "y"}, "takes no"),
        ("openai/gpt-6.1-sol", "text.generate", {"prompt": "x", "temperature": 1.0}, "takes no `temperature`"),
        ("openai/gpt-9-image", "image.generate", {"prompt": "x"}, "no model `openai/gpt-9-image` is known"),
        ("fal/flux", "image.generate", {"prompt": "x"}, "no model `fal/flux`"),
    ],
)  # fmt: skip
def test_what_a_model_cannot_do_is_said(model: str, kind: str, params: dict[str, Any], says: str) -> None:
    """Each is found before anything is spent, with what to do about it."""
    with pytest.raises(NodeError, match=says) as caught:
        ask(model, kind, params)
    assert caught.value.hint


def test_references_are_counted_together(media: Any) -> None:
    """The picture to be changed and its references go into one list, and the list has an end."""
    images = [media("image", name) for name in "abc"]
    found = ask("fal/fal-ai/flux-2/edit", "image.edit", {"prompt": "x", "image": media("image", "d"), "images": images})
    assert found.fields["image_urls"] == [media("image", "d"), *images]
    with pytest.raises(NodeError, match="takes 4 pictures in all, and these are 5"):
        ask(
            "fal/fal-ai/flux-2/edit", "image.edit",
            {"prompt": "x", "image": media("image", "d"), "images": [*images, media("image", "e")]},
        )  # fmt: skip


def test_a_recording_that_is_too_long_is_refused_before_it_is_uploaded(media: Any) -> None:
    """The vendor would cut it, and bill it."""
    params = {"image": media("image"), "audio": media("audio", duration_ms=70_000)}
    with pytest.raises(NodeError, match=r"is 70 s long, and .* takes 60 s") as caught:
        ask("fal/fal-ai/bytedance/omnihuman/v1.5", "video.avatar", params)
    assert caught.value.hint == "give it a shorter one"


def test_a_sound_track_is_as_long_as_its_clip(media: Any) -> None:
    """The model's own default of 8 s would leave the rest of a longer clip without sound."""
    found = ask(
        "fal/fal-ai/mmaudio-v2", "video.soundtrack", {"video": media("video", duration_ms=11_200), "prompt": "rain"}
    )
    assert found.fields["duration"] == 12


def test_media_go_to_the_field_for_their_type(media: Any) -> None:
    """One endpoint dubs recordings and films, and has a field for each."""
    for type_, field in (("audio", "audio_url"), ("video", "video_url")):
        found = ask("fal/fal-ai/elevenlabs/dubbing", "speech.dub", {"media": media(type_), "language": "de"})
        assert found.fields == {field: media(type_), "target_lang": "de"}


def test_a_seed_is_folded_into_what_the_model_takes() -> None:
    """Seeds are derived, and large; a model without one is sent none."""
    found = ask("fal/fal-ai/mmaudio-v2/text-to-audio", "sound.generate", {"prompt": "rain", "duration": 4}, seed=70_000)
    assert found.fields["seed"] == 70_000 - 65_536
    without = ask("fal/fal-ai/recraft/v3/text-to-image", "image.generate", {"prompt": "x"}, seed=5)
    assert "seed" not in without.fields


def test_a_fal_endpoint_that_is_not_catalogued_works() -> None:
    """Adding a model is writing its name; what it costs is unknown, which is not zero."""
    found = ask(
        "fal/someone/brand-new/image-to-video", "video.generate",
        {"prompt": "x", "duration": 5.0, "aspect": "9:16", "sound": True}, {"motion": 3}, seed=4,
    )  # fmt: skip
    assert found.fields == {
        "prompt": "x", "duration": 5, "aspect_ratio": "9:16", "generate_audio": True, "motion": 3, "seed": 4,
    }  # fmt: skip
    assert (found.quote.high, found.recovery, found.operation) == (None, "by-match", "queue")
    assert "not in the catalog" in found.notes[0]


def test_a_size_is_sent_by_convention_too() -> None:
    """Half of fal's picture endpoints take it so."""
    found = ask("fal/someone/brand-new", "image.generate", {"prompt": "x", "size": "1280x720"})
    assert found.fields == {"prompt": "x", "image_size": {"width": 1280, "height": 720}}
    with pytest.raises(NodeError, match="no size"):
        ask("fal/someone/brand-new", "image.generate", {"prompt": "x", "size": "large"})


def test_a_whole_number_of_seconds_is_asked_by_convention() -> None:
    """Most endpoints take nothing else, and a clip may be longer than its narration, not shorter."""
    found = ask("fal/someone/brand-new", "video.generate", {"prompt": "x", "duration": 5.2})
    assert found.fields["duration"] == 6


@pytest.mark.parametrize(("written", "sent"), [("de", "deu"), ("en-GB", "eng"), ("fil", "fil"), ("spa", "spa")])
def test_languages_have_three_letters_where_the_vendor_wants_three(written: str, sent: str, media: Any) -> None:
    """What has three already, or is not known, is the vendor's to judge."""
    name = "fal/fal-ai/elevenlabs/speech-to-text/scribe-v2"
    assert ask(name, "audio.transcribe", {"audio": media("audio"), "language": written}).fields["language_code"] == sent


def test_a_dialogue_has_an_end() -> None:
    """The vendor counts all lines together."""
    lines = [{"speaker": "anna", "text": "x" * 700}] * 3
    with pytest.raises(NodeError, match=r"have 2100 characters in all, and .* takes 2000"):
        ask("elevenlabs/eleven_v3", "speech.dialogue", {"lines": lines, "voices": {"anna": "Rachel"}})


def test_what_is_taken_and_not_sent_is_said() -> None:
    """A length that the model will not keep is a wish, and a plan tells so."""
    found = ask("fal/fal-ai/minimax-music/v2.6", "music.generate", {"prompt": "x", "duration": 60})
    assert "duration" not in found.fields
    assert "the model decides" in found.notes[0]


@pytest.mark.parametrize(
    ("model", "operation"),
    [("openai/gpt-9", "chat"), ("google/gemini-9", "generate"), ("openrouter/acme/words-1", "chat")],
)
def test_a_language_model_that_is_not_catalogued_works(model: str, operation: str) -> None:
    """Chat is the same for every model of a vendor; only its price is not known."""
    found = ask(model, "text.generate", {"prompt": "x", "max_tokens": 100})
    assert found.operation == operation
    assert found.quote.high is None
    assert 100 in found.fields.values()


def test_retirement_goes_by_the_day_that_is_given() -> None:
    """No clock is read: a build of the past is judged by its own day."""
    before, after = datetime.date(2026, 11, 30), datetime.date(2026, 12, 1)
    found = ask("openai/gpt-image-1.5", "image.generate", {"prompt": "x"}, today=before)
    assert found.notes == ("openai/gpt-image-1.5 ends on 2026-12-01; then openai/gpt-image-2.6-flare",)
    assert found == ask("openai/gpt-image-1.5", "image.generate", {"prompt": "x"})
    with pytest.raises(NodeError, match="was retired on 2026-12-01") as caught:
        ask("openai/gpt-image-1.5", "image.generate", {"prompt": "x"}, today=after)
    assert caught.value.hint == 'write model = "openai/gpt-image-2.6-flare"'
    with pytest.raises(NodeError, match="retired on 2026-09-24"):
        ask("fal/fal-ai/sora-2/text-to-video", "video.generate", {"prompt": "x"})


def test_what_is_not_known_yet_passes_and_is_bounded_by_the_most() -> None:
    """A plan is made before inputs are: it shows what they can cost at most."""
    found = ask(KLING, "video.generate", {"prompt": UNKNOWN, "start_image": UNKNOWN, "duration": UNKNOWN})
    assert found.fields["duration"] is UNKNOWN
    known = ask(KLING, "video.generate", {"prompt": "x", "start_image": UNKNOWN, "duration": 10})
    assert found.quote.high == known.quote.high
    sound = ask("fal/fal-ai/veo3.1", "video.generate", {"prompt": "x", "sound": UNKNOWN, "resolution": UNKNOWN})
    most = ask("fal/fal-ai/veo3.1", "video.generate", {"prompt": "x", "sound": True, "resolution": "4k"})
    assert sound.quote.high == most.quote.high


def test_leaves_are_dotted_paths() -> None:
    """Options are compared with fields leaf by leaf."""
    assert dict(leaves({"a": {"b": 1, "c": {}}, "d": [2]})) == {"a.b": 1, "a.c": {}, "d": [2]}
