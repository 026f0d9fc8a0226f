"""What stands in for models that cost money: the type, length and size that were asked for, and visibly a draft."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageChops

from dagcontent.catalog.load import models
from dagcontent.errors import NodeError
from dagcontent.media import speech, still, tone
from dagcontent.media.card import PRESETS, card_size
from dagcontent.media.voices import choose
from dagcontent.values.value import Blob

if TYPE_CHECKING:
    from conftest import Studio


def frame(blob: Blob) -> float:
    """Return the length of a picture of a clip in ms."""
    over, under = blob.facts["fps"]
    return 1000 * under / over


def opened(studio: Studio, blob: Blob) -> Image.Image:
    """Return a picture that was made."""
    image = Image.open(studio.path(blob))
    image.load()
    return image


def test_an_edit_changes_where_it_may_and_keeps_the_size(studio: Studio, card: Blob) -> None:
    """A mask is the part that somebody cares for: the rest of the picture is untouched, but for the plate."""
    mask = Image.new("L", (160, 90), 0)
    mask.paste(255, (80, 45, 160, 90))
    mask.save(studio.root / "mask.png")
    where = studio.put("mask2.png", (studio.root / "mask.png").read_bytes(), "image", "image/png")
    made = studio.make("image.edit", "card", image=card, prompt="Red light at dawn", mask=where, strength=1.0)
    assert (made.facts["width"], made.facts["height"]) == (160, 90)
    box = ImageChops.difference(opened(studio, card), opened(studio, made)).crop((0, 30, 160, 90)).getbbox()
    assert box is not None
    assert (box[0], box[1] + 30) >= (80, 45)
    wide = studio.make("image.edit", "card", image=card, prompt="wider", aspect="21:9")
    assert abs(wide.facts["width"] / wide.facts["height"] - 21 / 9) < 0.4
    other = studio.make("image.edit", "card", image=card, prompt="Red light at dawn", size="64x96")
    assert (other.facts["width"], other.facts["height"]) == (64, 96)
    assert (
        other.digest == studio.make("image.edit", "card", image=card, prompt="Red light at dawn", size="64x96").digest
    )


@pytest.mark.parametrize(("given", "factor"), [({}, 2), ({"factor": 3.0}, 3)])
def test_upscaled_is_as_many_times_as_large(given: dict[str, Any], factor: int, studio: Studio, card: Blob) -> None:
    """What is placed into the picture later is placed by its size."""
    made = studio.make("image.upscale", "lanczos", image=card, **given)
    assert (made.facts["width"], made.facts["height"]) == (160 * factor, 90 * factor)


@pytest.mark.parametrize("plain", [False, True])
def test_a_background_goes_and_something_stays(plain: bool, studio: Studio, card: Blob) -> None:
    """A cut-out that is empty, or whole, would prove nothing of what it is laid over."""
    image = card
    if plain:
        Image.new("RGB", (60, 40), (9, 90, 9)).save(studio.root / "plain.png")
        image = studio.put("plain2.png", (studio.root / "plain.png").read_bytes(), "image", "image/png")
    alpha = opened(studio, studio.make("image.remove_background", "key", image=image)).getchannel("A")
    assert alpha.getextrema() == (0, 255)


def test_a_description_is_true_and_says_that_it_is_a_draft(studio: Studio, card: Blob) -> None:
    """Made-up content that looks real is the one thing a draft must not give."""
    said = studio.make("image.describe", "measure", image=card, prompt="the mood")
    assert "160x90 px" in said
    assert "draft" in said
    formed = studio.make("image.describe", "measure", images=[card, card], returns={"title": "text", "tags": ["text"]})
    assert set(formed) == {"title", "tags"}
    with pytest.raises(NodeError, match="nothing to look at"):
        studio.make("image.describe", "measure")


def test_a_translation_keeps_lines_and_words_of_the_glossary(studio: Studio) -> None:
    """What comes after it splits the text: it has as many paragraphs as the original."""
    text = "The Lantern shines.\n\n  Buy a lantern now."
    made = studio.make("text.translate", "outline", text=text, language="de", glossary={"lantern": "Laterne"})
    assert made == "[de] The Laterne shines.\n\n[de]   Buy a Laterne now."
    short = studio.make("text.translate", "outline", text="one two three four five six", language="fr", max_seconds=1.0)
    assert short == "[fr] one two"


def test_a_dialogue_is_its_lines_with_gaps(studio: Studio) -> None:
    """Subtitles of a dialogue come of its words: they are where they are heard."""
    lines = [{"speaker": "anna", "text": "Hello you."}, {"speaker": "ben", "text": "Good day."}]
    voices = {"anna": "Rachel", "ben": "Adam"}
    near = studio.make("speech.dialogue", "espeak", lines=lines, voices=voices)
    far = studio.make("speech.dialogue", "espeak", lines=lines, voices=voices, gap=0.5)
    assert far.facts["duration_ms"] - near.facts["duration_ms"] == 500
    words = far.facts["alignment"]
    assert [word["text"] for word in words] == ["Hello", "you.", "Good", "day."]
    assert abs(words[2]["start"] - near.facts["alignment"][2]["start"] - 0.5) < 0.002
    for wrong in ([], "Hello", [{"speaker": "anna"}]):
        with pytest.raises(NodeError, match="not of its form"):
            studio.make("speech.dialogue", "espeak", lines=wrong, voices=voices)


@pytest.mark.parametrize(
    ("kind", "model", "name", "given"),
    [("speech.convert", "pitch", "audio", {"voice": "Adam"}), ("speech.dub", "label", "media", {"language": "de"})],
)
def test_speech_of_another_kind_is_as_long_and_keeps_its_words(
    kind: str, model: str, name: str, given: dict[str, str], studio: Studio, voice: Blob
) -> None:
    """Pictures were made for the original's length."""
    made = studio.make(kind, model, **{name: voice}, **given)
    assert made.facts["duration_ms"] == voice.facts["duration_ms"]
    assert made.facts["alignment"] == voice.facts["alignment"]
    assert made.facts["content"] != voice.facts["content"]
    assert studio.plays(made)


def test_a_transcript_is_what_was_said_or_says_that_nobody_knows(studio: Studio, voice: Blob) -> None:
    """Words that were spoken here are known; invented ones would be believed."""
    made = studio.make("audio.transcribe", "alignment", audio=voice, diarize=True)
    assert made["text"] == "Hello there. Good day!"
    assert [segment["text"] for segment in made["segments"]] == ["Hello there.", "Good day!"]
    assert made["words"] == voice.facts["alignment"]
    assert {segment["speaker"] for segment in made["segments"]} == {"A"}
    bed = studio.make("sound.generate", "tone", prompt="rain", duration=11.0)
    silent = studio.make("audio.transcribe", "alignment", audio=bed)
    assert len(silent["segments"]) == 2
    assert silent["segments"][-1]["end"] == silent["words"][-1]["end"] == 11.0
    assert all("not transcribed" in segment["text"] for segment in silent["segments"])


@pytest.mark.parametrize(("kind", "seconds"), [("sound.generate", 0.35), ("music.generate", 2.0)])
def test_a_bed_has_its_length_and_is_quiet(kind: str, seconds: float, studio: Studio) -> None:
    """It lies under speech, and for as long as it was asked to."""
    made = studio.make(kind, "tone", prompt="a calm piano", duration=seconds)
    assert made.facts["duration_ms"] == round(seconds * 1000)
    with wave.open(str(studio.path(made)), "rb") as file:
        samples = memoryview(file.readframes(file.getnframes())).cast("h")
    assert 500 < max(map(abs, samples)) < 4000
    assert made.digest == studio.make(kind, "tone", prompt="a calm piano", duration=seconds).digest
    assert made.digest != studio.make(kind, "tone", prompt="a wild piano", duration=seconds).digest


def test_a_loop_goes_on_into_its_beginning() -> None:
    """Every tone of it goes through a whole number of waves; only what does not loop is faded."""
    assert "afade" not in tone.bed("x", "", 2.5, 1000, loop=True)
    assert "afade" in tone.bed("x", "", 2.5, 1000, loop=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made_by", "given", "longer_ms", "times"),
    [
        ("video.edit tint", {"prompt": "as oil", "strength": 0.4}, 0, 1), ("video.edit tint", {}, 0, 1),
        ("video.extend hold", {"seconds": 0.5, "prompt": "on it goes"}, 500, 1),
        ("video.upscale lanczos", {"factor": 1.5}, 0, 1.5), ("video.soundtrack tone", {"prompt": "waves"}, 0, 1),
        ("speech.dub label", {"language": "de"}, 0, 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sounds", [True, False])
def test_a_clip_becomes_another_of_the_length_and_size_asked_for(
    made_by: str, given: dict[str, Any], longer_ms: int, times: float, sounds: bool, studio: Studio,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    """With sound and without: what is joined to it later goes by its facts."""
    source: Blob = request.getfixturevalue("clip" if sounds else "silent")
    kind, model = made_by.split()
    made = studio.make(kind, model, **{"media" if kind == "speech.dub" else "video": source}, **given)
    assert abs(made.facts["duration_ms"] - source.facts["duration_ms"] - longer_ms) <= frame(made) + 1
    assert abs(made.facts["width"] - source.facts["width"] * times) <= 1
    assert abs(made.facts["height"] - source.facts["height"] * times) <= 1
    assert ("sample_rate" in made.facts) == (sounds or kind == "video.soundtrack")
    assert made.facts["content"] != source.facts["content"]
    assert studio.plays(made)


@pytest.mark.slow
def test_who_speaks_is_seen_for_as_long_as_they_speak(studio: Studio, card: Blob, voice: Blob, clip: Blob) -> None:
    """A shorter clip is held, a longer one cut: the lips follow the recording."""
    short = studio.make("sound.generate", "tone", prompt="x", duration=0.5)
    long = studio.make("sound.generate", "tone", prompt="x", duration=3.0)
    for made, sound in (
        (studio.make("video.avatar", "kenburns", image=card, audio=voice), voice),
        (studio.make("video.lipsync", "mux", video=clip, audio=short), short),
        (studio.make("video.lipsync", "mux", video=clip, audio=long), long),
    ):
        assert abs(made.facts["duration_ms"] - sound.facts["duration_ms"]) <= frame(made) + 1


def test_a_clip_is_described_by_its_facts(studio: Studio, silent: Blob) -> None:
    """Length and size are measured, all else is left to those who look."""
    said = studio.make("video.describe", "measure", video=silent, prompt="what happens")
    assert "0.8 s and 96x128 px, without sound" in said


def test_every_word_of_a_vendor_is_one_here(studio: Studio) -> None:
    """A draft must not stop at a word that only the paid model needed: 2K, auto, square_hd, 19.5:9, 768P."""
    known: dict[str, set[str]] = {"size": {*PRESETS}, "aspect": set(), "resolution": set()}
    for model in models():
        known["size"].update(model.canvas.words if model.canvas is not None else ())
        for kind in {"image.generate", "image.edit", "video.generate"} & set(model.slots):
            for slot in model.slots[kind]:
                if slot.param in known:
                    known[slot.param].update(str(value) for value in slot.values)
    assert all(len(words) > 8 for words in known.values())
    for word in sorted(known["size"]):
        assert min(card_size(studio.call("image.generate", "card", prompt="x", size=word, aspect="16:9"))) >= 16, word
    for word in sorted(known["aspect"]):
        assert min(card_size(studio.call("image.generate", "card", prompt="x", aspect=word))) >= 16, word
    for word in sorted(known["resolution"]):
        assert still._shorter(studio.call("video.generate", "kenburns", prompt="x", resolution=word)), word
    assert card_size(studio.call("image.generate", "card", prompt="x", size="2K", aspect="1:1")) == (2048, 2048)
    assert card_size(studio.call("image.generate", "card", prompt="x", size="auto")) == (1280, 720)
    with pytest.raises(NodeError):
        card_size(studio.call("image.generate", "card", prompt="x", size="large"))


@pytest.mark.parametrize(
    "language",
    "ar cs da de el en es fi fil fr hi hu id it ja ko ms nb nl no gl ceb ps so jv pl pt-BR ro ru sk sv ta tr uk vi zh zh-CN".split(),
)
def test_every_language_that_vendors_speak_is_spoken_here(language: str) -> None:
    """A draft in another language must not stop at its code."""
    _, data = speech._library()
    assert choose("Rachel", language, data).name
