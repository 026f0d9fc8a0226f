"""The fake ElevenLabs by itself: what it refuses, what it lists, and that its own package understands it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from elevenlabs.client import ElevenLabs
from elevenlabs.core.api_error import ApiError

from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.testing.vendors.elevenlabs import VOICES

ADAM = dict(VOICES)["Adam"]


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors) -> Iterator[FakeVendors]:
    program.reset()
    yield program
    assert program.errors() == []


@pytest.fixture
def client(vendors: FakeVendors) -> Iterator[ElevenLabs]:
    with httpx.Client(trust_env=False) as http:
        yield ElevenLabs(base_url=vendors.base_urls["elevenlabs"], api_key=vendors.key("elevenlabs"), httpx_client=http)


def refused(call: Any, *args: Any, **fields: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        call(*args, **fields, request_options={"max_retries": 0})
    return caught.value


def test_a_history_is_read_page_by_page(client: ElevenLabs) -> None:
    """Newest first, each entry once, whatever the size of a page; its audio is what was answered."""
    for text in ("One.", "Two.", "Three."):
        client.text_to_speech.convert_with_timestamps(ADAM, text=text, model_id="eleven_v3")
    seen: list[Any] = []
    after = None
    while True:
        page = client.history.list(page_size=2, start_after_history_item_id=after, source="TTS")
        seen += page.history
        after = page.last_history_item_id
        if not page.has_more:
            break
    assert [item.text for item in seen] == ["Three.", "Two.", "One."]
    data = b"".join(client.history.get_audio(seen[0].history_item_id))
    assert media.sound_length_s(data) == pytest.approx(media.speech_length_s("Three."), abs=0.1)
    assert client.history.list(date_before_unix=seen[0].date_unix - 5).history == []


def test_an_entry_may_be_listed_late(client: ElevenLabs, vendors: FakeVendors) -> None:
    """A list that lags is what the settle rule waits for."""
    vendors.set(listing_s=600.0)
    client.text_to_speech.convert_with_timestamps(ADAM, text="One.")
    assert client.history.list().history == []
    assert len(vendors.charges()) == 1


def test_sounds_and_music_are_in_no_history(client: ElevenLabs, vendors: FakeVendors) -> None:
    """As at the vendor: they are charged, and cannot be found."""
    assert b"".join(client.text_to_sound_effects.convert(text="a door"))
    assert b"".join(client.music.compose(prompt="a waltz", music_length_ms=3000))
    assert client.history.list().history == []
    assert [charge.units for charge in vendors.charges()] == [100, 75]


def test_voices_are_searched_loosely_and_in_pages(client: ElevenLabs) -> None:
    """A name finds others that hold it; a page says whether there are more."""
    assert [voice.name for voice in client.voices.search(search="rachel").voices] == ["Rachel", "Rachel Whispers"]
    first = client.voices.search(page_size=3)
    assert first.has_more
    second = client.voices.search(page_size=100, next_page_token=first.next_page_token)
    assert len(first.voices) + len(second.voices) == len(VOICES)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"model_id": "gpt-image-2", "prompt": "x", "mood": "calm"}, "Extra inputs"),
        ({"model_id": "dall-e-2", "prompt": "x"}, "expected tags"),
        (
            {"model_id": "gpt-image-2", "prompt": "x", "images": [{"type": "asset", "asset_id": "none"}]},
            "no such asset",
        ),
    ],
)
def test_flows_refuse_what_they_do_not_know(client: ElevenLabs, vendors: FakeVendors, request_: Any, said: str) -> None:
    """Unknown fields, models and assets are refused, and nothing is charged."""
    assert said in str(refused(client.flows.image.create, request=request_).body)
    assert vendors.charges() == []


def test_bad_requests_are_refused_before_a_charge(client: ElevenLabs, vendors: FakeVendors) -> None:
    """No text, no such voice, a length out of bounds, a file that is none, an unknown format."""
    speak = client.text_to_speech.convert_with_timestamps
    assert refused(speak, ADAM, text=" ").status_code == 422
    assert refused(speak, "Adam", text="Hm.").status_code == 404
    assert refused(speak, ADAM, text="Hm.", output_format="flac_1").status_code == 400
    assert refused(client.speech_to_text.convert, model_id="scribe_v2", file=("x.wav", b"no sound")).status_code == 400
    for error in (
        refused(lambda **fields: list(client.music.compose(**fields)), prompt="x", music_length_ms=10),
        refused(lambda **fields: list(client.text_to_sound_effects.convert(**fields)), text="x", duration_seconds=99),
    ):
        assert error.status_code == 422
    assert vendors.charges() == []


def test_a_film_is_dubbed_into_a_film(client: ElevenLabs) -> None:
    """The older kind of dubbing gives back what it was given: a clip of the same length, listed by its name."""
    film = media.clip(64, 64, 10, 1.0, "talk")
    dub = client.dubbing.create(file=("talk.mp4", film, "video/mp4"), target_lang="de", name="mark")
    for _ in range(2000):
        if client.dubbing.get(dub.dubbing_id).status == "dubbed":
            break
    assert b"".join(client.dubbing.audio.get(dub.dubbing_id, "de")) == film
    assert [row.name for row in client.dubbing.list().dubs] == ["mark"]


@pytest.mark.parametrize("form", ["mp3_22050_32", "mp3_44100_192", "opus_48000_64", "wav_16000"])
def test_recordings_are_in_the_format_that_was_asked_for(client: ElevenLabs, form: str) -> None:
    """They can be decoded, and last as long as was asked."""
    data = b"".join(client.text_to_sound_effects.convert(text="a door", duration_seconds=1.0, output_format=form))
    assert media.sound_length_s(data) == pytest.approx(1.0, abs=0.15)
