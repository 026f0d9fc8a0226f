"""ElevenLabs' adapter, its own package and the real gate, against the fake program."""

from __future__ import annotations

import asyncio
import io
import urllib.request
import wave
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from elevenlabs.core.api_error import ApiError
from providers.loopback import Inputs, call, sent

from dagcontent.errors import NodeError, ProviderError
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.elevenlabs import OPERATIONS, adapter
from dagcontent.providers.once import Gates, Sending, sending
from dagcontent.providers.port import Call, Cost, ErrorClass, Failure, Part, Recovery, Result, Waiting
from dagcontent.providers.secret import Secret
from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.values.attempt import Handle

RACHEL = "21m00Tcm4TlvDq8ikWAM"
ADAM = "pNInz6obpgDQGcFmaJgB"
TEXT = "Good morning. The kettle sings."
SPEECH = call(
    "speech", "speech.generate", "eleven_multilingual_v2", "audio",
    {"text": TEXT, "voice": "Rachel", "voice_settings": {"stability": 0.4}, "output_format": "mp3_44100_64"},
)  # fmt: skip
LINES = [{"speaker": "anna", "text": "Are you there?"}, {"speaker": "ben", "text": "[whispers] Always."}]
DIALOGUE = call(
    "dialogue", "speech.dialogue", "eleven_v3", "audio",
    {"lines": LINES, "voices": {"anna": "Rachel", "ben": ADAM}},
)  # fmt: skip
SOUND = call(
    "sound", "sound.generate", "eleven_text_to_sound_v2", "audio",
    {"text": "a door", "duration_seconds": 1.5, "output_format": "pcm_16000"},
)  # fmt: skip
MUSIC = call("music", "music.generate", "music_v1", "audio", {"prompt": "a waltz", "music_length_ms": 3000})
PICTURE = call("flows.image", "image.generate", "gpt-image-2", "image", {"prompt": "a hare"})
YEARS = 4_102_444_800_000


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors) -> Iterator[FakeVendors]:
    program.reset()
    yield program
    assert program.errors() == []


def elevenlabs(vendors: FakeVendors, gates: Gates, key: str = "") -> Any:
    base = vendors.base_urls["elevenlabs"]
    secret = Secret(key or vendors.key("elevenlabs"), "FAKE_KEY", [urlsplit(base).netloc])
    return adapter(ProviderConfig(name="elevenlabs", base_url=base, key=secret, bounds={"answer_s": 5.0}), gates)


def run(vendors: FakeVendors, body: Callable[[Any], Awaitable[Any]], key: str = "") -> Any:
    """Run `body(adapter)`, with an adapter and gates of its own."""

    async def inside() -> Any:
        gates = Gates()
        one = elevenlabs(vendors, gates, key)
        try:
            return await body(one)
        finally:
            await one.close()
            await gates.aclose()

    return asyncio.run(inside())


def made(vendors: FakeVendors, one: Call, files: Any = None, key: str = "") -> Any:
    """Return what an answer to a send is read as."""

    async def body(it: Any) -> Any:
        return it.read(one, (await sent(it, one, files or Inputs())).answer)

    return run(vendors, body, key)


async def polled(it: Any, one: Call, handle: Handle) -> Any:
    for _ in range(2000):
        if not isinstance(found := await it.poll(one, handle), Waiting):
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("the job has no end")


def followed(vendors: FakeVendors, one: Call, files: Any = None) -> tuple[Handle, Any]:
    """Send with one adapter, and poll with another: only the handle's ids go from one to the other."""
    handle = made(vendors, one, files)
    assert isinstance(handle, Handle), handle
    return handle, run(vendors, lambda it: polled(it, one, Handle(dict(handle.ids))))


def lost(vendors: FakeVendors, one: Call, files: Any = None) -> None:
    """Send, and lose the answer."""

    async def body(it: Any) -> None:
        async def nothing(*_: Any) -> None: ...

        payload = await it.prepare(one, files or Inputs())
        passage = Sending(commit=nothing, on_headers=nothing, sink=lambda _: None)
        with pytest.raises(Exception), sending(passage):  # noqa: B017, PT011 - each library has its own
            await it.send(one, payload)
        assert passage.sent

    vendors.set_faults([{"fault": "drop", "vendor": "elevenlabs", "operation": one.operation, "nth": 1}])
    run(vendors, body)
    vendors.wait_charges(1)


def found(vendors: FakeVendors, one: Call) -> Any:
    return run(vendors, lambda it: it.find(one, "", 0, YEARS))


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - a URL of the fake program
        return bytes(answer.read())


# -- one answer -------------------------------------------------------------------------------------------------------


def test_speech_comes_with_the_time_of_every_word(vendors: FakeVendors) -> None:
    """The recording can be heard, its words are those of the text, in order and within its length; the cost is told."""
    result = made(vendors, SPEECH)
    assert isinstance(result, Result)
    part: Part = result.value
    assert part.media_type == "audio/mpeg"
    assert part.data is not None
    length = media.sound_length_s(part.data)
    rows = part.facts["alignment"]
    assert [row["text"] for row in rows] == TEXT.split()
    assert [row["start"] for row in rows] == sorted(row["start"] for row in rows)
    assert rows[-1]["end"] <= length + 0.1
    assert result.cost == Cost(units=float(len(TEXT)), unit="credit")
    assert len(result.extras["request_id"]) == 32
    (charge,) = vendors.charges()
    assert (charge.model, charge.units, charge.unit) == ("eleven_multilingual_v2", len(TEXT), "credit")


def test_a_voice_is_sent_as_its_id_and_asked_for_once(vendors: FakeVendors) -> None:
    """Names become ids by an exact match, once a build; the request has the vendor's fields."""

    async def body(it: Any) -> None:
        for _ in range(2):
            await sent(it, SPEECH, Inputs())

    run(vendors, body)
    assert len(vendors.requests(operation="voices")) == 1
    post, _ = vendors.requests(operation="speech")
    assert post["path"].endswith(f"/v1/text-to-speech/{RACHEL}/with-timestamps")
    assert post["query"] == {"output_format": "mp3_44100_64"}
    assert post["json"] == {"text": TEXT, "model_id": "eleven_multilingual_v2", "voice_settings": {"stability": 0.4}}


@pytest.mark.parametrize(("voice", "said"), [("Rachels", "no voice"), ("Echo", "2 voices")])
def test_a_name_that_is_not_one_voices_is_refused_before_a_send(vendors: FakeVendors, voice: str, said: str) -> None:
    """The loose search also finds names like it: those are told, and not taken."""
    with pytest.raises(NodeError, match=said) as caught:
        made(vendors, call("speech", "speech.generate", "eleven_v3", "audio", {"text": "Hm.", "voice": voice}))
    assert caught.value.hint
    assert vendors.charges() == []


def test_an_id_of_a_voice_is_not_looked_up(vendors: FakeVendors) -> None:
    """Twenty letters and digits are an id: no request is made for it."""
    result = made(vendors, call("speech", "speech.generate", "eleven_v3", "audio", {"text": "Hm.", "voice": ADAM}))
    assert isinstance(result, Result)
    assert vendors.requests(operation="voices") == []


def test_what_directs_a_voice_is_no_word(vendors: FakeVendors) -> None:
    """Tags in brackets and marks in angles are not said, so no subtitle shows them."""
    text = '[whispers] Come <break time="1.0s" /> in.'
    for model, words in (("eleven_v3", ["Come", "in."]), ("eleven_flash_v2_5", ["[whispers]", "Come", "in."])):
        result = made(vendors, call("speech", "speech.generate", model, "audio", {"text": text, "voice": ADAM}))
        assert [row["text"] for row in result.value.facts["alignment"]] == words


def test_fields_that_the_package_does_not_know_reach_the_vendor(vendors: FakeVendors) -> None:
    """The package may be older than the vendor; refusing is the vendor's part."""
    made(
        vendors, call("speech", "speech.generate", "eleven_v4", "audio", {"text": "Hm.", "voice": ADAM, "mood": "calm"})
    )
    assert vendors.requests(operation="speech")[0]["json"]["mood"] == "calm"


def test_a_dialogue_keeps_the_words_of_its_lines_apart(vendors: FakeVendors) -> None:
    """Lines follow each other without a space, and a word still ends with its line."""
    result = made(vendors, DIALOGUE)
    assert [row["text"] for row in result.value.facts["alignment"]] == ["Are", "you", "there?", "Always."]
    (post,) = vendors.requests(operation="dialogue")
    assert post["json"]["inputs"] == [
        {"text": LINES[0]["text"], "voice_id": RACHEL}, {"text": LINES[1]["text"], "voice_id": ADAM},
    ]  # fmt: skip
    assert set(post["json"]) == {"inputs", "model_id"}


def test_a_dialogue_without_a_voice_for_a_speaker_is_refused_here(vendors: FakeVendors) -> None:
    """A speaker who has no voice is named, and nothing is sent."""
    fields = {"lines": LINES, "voices": {"anna": "Rachel"}}
    with pytest.raises(NodeError, match="'ben' has no voice"):
        made(vendors, call("dialogue", "speech.dialogue", "eleven_v3", "audio", fields))
    assert vendors.requests() == []


def test_bare_samples_become_a_file(vendors: FakeVendors) -> None:
    """PCM has no header of its own: it comes back as WAV of the rate and length that were asked for."""
    result = made(vendors, SOUND)
    assert result.value.media_type == "audio/wav"
    with wave.open(io.BytesIO(result.value.data)) as file:
        assert (file.getframerate(), file.getnframes(), file.getsampwidth()) == (16_000, 24_000, 2)
    assert result.cost == Cost(units=30.0, unit="credit")


def test_music_is_as_long_as_it_was_ordered(vendors: FakeVendors) -> None:
    """A streamed answer is read to its end."""
    result = made(vendors, MUSIC)
    assert media.sound_length_s(result.value.data) == pytest.approx(3.0, abs=0.1)
    assert result.cost.units == 75.0


def test_a_voice_is_changed_in_a_recording(vendors: FakeVendors) -> None:
    """The file is sent in the request, settings as the text of JSON; the length stays."""
    files = Inputs(hum=media.recording(1.2, "wav", "hum"))
    fields = {
        "audio": files.blob("hum", "audio", "audio/wav"), "voice": "Adam", "voice_settings": {"stability": 1},
        "remove_background_noise": True,
    }  # fmt: skip
    result = made(vendors, call("convert", "speech.convert", "eleven_multilingual_sts_v2", "audio", fields), files)
    assert media.sound_length_s(result.value.data) == pytest.approx(1.2, abs=0.1)
    (post,) = vendors.requests(operation="convert")
    rows = {row["name"]: row.get("text", row.get("file")) for row in post["form"]}
    assert rows == {
        "audio": "input.wav", "voice_settings": '{"stability": 1}', "model_id": "eleven_multilingual_sts_v2",
        "remove_background_noise": "true",
    }  # fmt: skip


def test_a_transcript_says_what_was_spoken(vendors: FakeVendors) -> None:
    """Speech made here is heard again: sentences become segments, words have times, and the speaker is told."""
    spoken = made(vendors, SPEECH).value.data
    files = Inputs(spoken=spoken)
    fields = {"file": files.blob("spoken", "audio", "audio/mpeg"), "diarize": True}
    result = made(vendors, call("transcribe", "audio.transcribe", "scribe_v2", "json", fields), files)
    heard = result.value
    assert heard["text"] == TEXT
    assert heard["language"] == "eng"
    assert [(row["text"], row["speaker"]) for row in heard["segments"]] == [
        ("Good morning.", "speaker_0"), ("The kettle sings.", "speaker_0"),
    ]  # fmt: skip
    assert [word["text"] for word in heard["words"]] == TEXT.split()
    assert result.extras["transcription_id"]


def test_a_call_takes_one_file(vendors: FakeVendors) -> None:
    """Without a recording nothing is sent."""
    with pytest.raises(NodeError, match="0 files"):
        made(vendors, call("transcribe", "audio.transcribe", "scribe_v2", "json", {"diarize": True}))
    assert vendors.requests() == []


def test_every_answer_of_a_2xx_that_is_damaged_is_an_error_of_the_vendor(vendors: FakeVendors) -> None:
    """Cut JSON, an empty body and a page in the place of a recording are not read as results."""
    for one, fault in ((SPEECH, "bad_json"), (SPEECH, "empty"), (SOUND, "empty"), (SOUND, "content_type")):
        vendors.set_faults([{"fault": fault, "vendor": "elevenlabs", "operation": one.operation}])
        with pytest.raises(ProviderError, match="ElevenLabs answered"):
            made(vendors, one)


# -- refusals ---------------------------------------------------------------------------------------------------------

REFUSALS = [
    (401, "", ErrorClass.AUTH, False),
    (401, "quota_exceeded", ErrorClass.QUOTA, False),
    (402, "", ErrorClass.QUOTA, False),
    (403, "", ErrorClass.AUTH, False),
    (400, "", ErrorClass.INVALID, False),
    (400, "content_against_policy", ErrorClass.BLOCKED, False),
    (404, "voice_not_found", ErrorClass.NOT_FOUND, False),
    (422, "", ErrorClass.INVALID, False),
    (429, "rate_limit_exceeded", ErrorClass.RATE_LIMIT, False),
    (429, "system_busy", ErrorClass.RATE_LIMIT, False),
    (429, "concurrent_limit_exceeded", ErrorClass.CONCURRENCY, False),
    (429, "something_new", ErrorClass.RATE_LIMIT, None),
    (409, "", ErrorClass.UNKNOWN, None),
    (425, "", ErrorClass.UNKNOWN, None),
    (408, "", ErrorClass.UNKNOWN, None),
    (500, "", ErrorClass.TRANSIENT, None),
    (502, "", ErrorClass.TRANSIENT, None),
    (503, "system_busy", ErrorClass.TRANSIENT, None),
]


@pytest.mark.parametrize(("status", "code", "what", "billed"), REFUSALS)
def test_refusals_are_told_apart(
    vendors: FakeVendors, status: int, code: str, what: ErrorClass, billed: bool | None
) -> None:
    """What the table names is refused and unbilled; whatever else fails may have been charged. One POST either way."""
    rule = {"fault": "status", "vendor": "elevenlabs", "operation": "speech", "status": status, "code": code}
    vendors.set_faults([rule | {"retry_after": 7.0}])
    failure = made(vendors, SPEECH)
    assert isinstance(failure, Failure)
    assert (failure.error_class, failure.billed) == (what, billed)
    assert failure.retry_after_s == 7.0
    assert failure.answer["status"] == status
    assert len(vendors.requests(operation="speech")) == 1


def test_the_limit_of_an_account_is_kept_of_a_refusal(vendors: FakeVendors) -> None:
    """Too many at once: the answer's headers say how many there may be."""
    rule = {"fault": "status", "vendor": "elevenlabs", "status": 429, "code": "concurrent_limit_exceeded"}
    vendors.set_faults([rule | {"operation": "sound"}])
    failure = made(vendors, SOUND)
    assert failure.answer["headers"]["maximum-concurrent-requests"] == "5"
    assert failure.answer["headers"]["current-concurrent-requests"] == "5"


def test_a_wrong_key_is_said_by_the_vendor(vendors: FakeVendors) -> None:
    """The key goes out in its header, and nowhere into what is kept."""
    failure = made(vendors, SOUND, key="another-key-0123456789")
    assert failure.error_class is ErrorClass.AUTH
    assert "another-key" not in repr(failure)


@pytest.mark.parametrize("fault", ["drop", "silent", "reset"])
def test_a_lost_answer_is_not_asked_for_again(vendors: FakeVendors, fault: str) -> None:
    """The package's own retries are off: one POST, one charge, whatever becomes of the answer."""

    async def body(it: Any) -> None:
        async def nothing(*_: Any) -> None: ...

        payload = await it.prepare(MUSIC, Inputs())
        passage = Sending(commit=nothing, on_headers=nothing, sink=lambda _: None)
        with sending(passage):
            sends = asyncio.ensure_future(it.send(MUSIC, payload))
            done, _ = await asyncio.wait([sends], timeout=0.3)
            if not done:
                sends.cancel()
            assert isinstance((await asyncio.gather(sends, return_exceptions=True))[0], BaseException)
        assert passage.sent
        assert not passage.complete

    vendors.set_faults([{"fault": fault, "vendor": "elevenlabs", "operation": "music"}])
    run(vendors, body)
    assert len(vendors.requests(operation="music")) == 1
    assert len(vendors.wait_charges(1)) == 1


@pytest.mark.parametrize("one", [SPEECH, DIALOGUE, SOUND, PICTURE], ids=lambda one: one.operation)
def test_the_package_sends_no_second_time_and_hides_nothing(vendors: FakeVendors, one: Call) -> None:
    """Its retries are off on every call: what surfaces is the vendor's own error, not the gate's refusal of a second POST."""

    async def body(it: Any) -> None:
        async def nothing(*_: Any) -> None: ...

        payload = await it.prepare(one, Inputs())
        passage = Sending(commit=nothing, on_headers=nothing, sink=lambda _: None)
        with sending(passage), pytest.raises(ApiError):
            await it.send(one, payload)

    vendors.set_faults([{"fault": "status", "operation": one.operation, "status": 503}])
    run(vendors, body)
    assert len(vendors.requests(operation=one.operation)) == 1


# -- jobs -------------------------------------------------------------------------------------------------------------


def test_a_picture_is_made_of_uploaded_ones(vendors: FakeVendors) -> None:
    """Inputs become assets, wherever they stand among the fields; a new adapter finds the job by its id."""
    files = Inputs(hare=media.picture(64, 64, "png", "hare"))
    blob = files.blob("hare", "image", "image/png")
    fields = {"prompt": "the hare, in oil", "images": [blob], "resolution": "512", "aspect_ratio": "16:9"}
    handle, result = followed(
        vendors, call("flows.image", "image.generate", "gemini-3-pro-image", "image", fields), files
    )
    assert set(handle.ids) == {"id"}
    assert result.value.media_type == "image/png"
    assert media.picture_size(fetched(result.value.url)) == (512, 288)
    (post,) = vendors.requests(operation="flows.image")
    assert post["json"]["images"] == [{"type": "asset", "asset_id": files.uploads[0][0]}]
    assert len(vendors.charges()) == 1


def test_a_face_speaks_a_recording(vendors: FakeVendors) -> None:
    """The avatar takes picture and sound; the clip is as long as the sound."""
    files = Inputs(face=media.picture(64, 64, "png", "face"), voice=media.recording(1.0, "wav", "voice"))
    fields = {
        "image": files.blob("face", "image", "image/png"), "audio": files.blob("voice", "audio", "audio/wav"),
        "resolution": "480p",
    }  # fmt: skip
    _, result = followed(vendors, call("flows.video", "video.avatar", "creatify-aurora", "video", fields), files)
    assert result.value.media_type == "video/mp4"
    assert media.sound_length_s(fetched(result.value.url)) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(
    ("fault", "what", "billed"),
    [
        ({"fault": "moderation"}, ErrorClass.BLOCKED, False),
        ({"fault": "job_error", "code": "charging_failed"}, ErrorClass.QUOTA, False),
        ({"fault": "job_error", "code": "model_error"}, ErrorClass.TRANSIENT, False),
        ({"fault": "job_error", "code": "something_new"}, ErrorClass.UNKNOWN, None),
    ],
)
def test_a_job_of_flows_that_fails_says_why(vendors: FakeVendors, fault: Any, what: ErrorClass, billed: Any) -> None:
    """Reasons that are described are not charged; one that nobody has described might be."""
    vendors.set_faults([{**fault, "vendor": "elevenlabs", "operation": "flows.image", "when": "before"}])
    _, failure = followed(vendors, call("flows.image", "image.generate", "gpt-image-2", "image", {"prompt": "x"}))
    assert (failure.error_class, failure.billed) == (what, billed)


def test_a_job_that_is_kept_no_longer_is_gone(vendors: FakeVendors) -> None:
    """404 to a poll is the job's end, and no fault of the request."""
    one = call("flows.image", "image.generate", "gpt-image-2", "image", {"prompt": "x"})
    failure = run(vendors, lambda it: it.poll(one, Handle({"id": "a" * 32})))
    assert failure.error_class is ErrorClass.GONE


def test_an_error_of_a_poll_is_raised_and_can_be_explained(vendors: FakeVendors) -> None:
    """A poll may fail and succeed later: `fault` says of which kind the error is."""
    one = call("flows.image", "image.generate", "gpt-image-2", "image", {"prompt": "x"})

    async def body(it: Any) -> Any:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is not ours to say
            await it.poll(one, Handle({"id": "a" * 32}))
        return it.fault(caught.value)

    for status, what in ((503, ErrorClass.TRANSIENT), (401, ErrorClass.AUTH), (429, ErrorClass.RATE_LIMIT)):
        vendors.set_faults([{"fault": "status", "operation": "flows.image.get", "status": status}])
        assert run(vendors, body).error_class is what
    vendors.set_faults([{"fault": "drop", "operation": "flows.image.get"}])
    assert run(vendors, body).error_class is ErrorClass.TRANSIENT


def dub(files: Inputs, model: str, name: str, kind: str, media_type: str, output: str) -> Call:
    fields = {"media": files.blob(name, kind, media_type), "target_lang": "de"}
    return call("dubbing", "speech.dub", model, output, fields)


@pytest.mark.parametrize("model", ["dubbing_v2", "dubbing"])
def test_a_dub_is_followed_to_its_sound(vendors: FakeVendors, model: str) -> None:
    """Both kinds of dubbing give a recording of the same length; the older one's is below the vendor's own address."""
    files = Inputs(talk=media.recording(1.5, "wav", "talk"))
    handle, result = followed(vendors, dub(files, model, "talk", "audio", "audio/wav", "audio"), files)
    if model == "dubbing":
        assert result.value.path == f"v1/dubbing/{handle.ids['dubbing_id']}/audio/de"
    else:
        assert set(handle.ids) == {"project_id", "language_id"}
        assert result.value.media_type == "audio/flac"
        assert media.sound_length_s(fetched(result.value.url)) == pytest.approx(1.5, abs=0.1)
    assert len(vendors.charges()) == 1


def test_a_film_is_not_dubbed_by_what_gives_sound_only(vendors: FakeVendors) -> None:
    """Projects have no dubbed film: that is said before anything is paid."""
    files = Inputs(talk=b"x")
    with pytest.raises(NodeError, match="sound only"):
        made(vendors, dub(files, "dubbing_v2", "talk", "video", "video/mp4", "video"), files)
    assert vendors.charges() == []


# -- what is found again ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", [SPEECH, DIALOGUE], ids=["speech", "dialogue"])
def test_lost_speech_is_found_in_the_history(vendors: FakeVendors, one: Call) -> None:
    """The entry with the same text, voice and model is the answer that was lost: the same bytes, and nothing more to pay."""
    lost(vendors, one)
    (listed,) = found(vendors, one)
    assert not listed.exact
    result = run(vendors, lambda it: it.poll(one, Handle(dict(listed.handle.ids))))
    (charge,) = vendors.charges()
    assert result.value.data == made(vendors, one).value.data
    assert result.cost == Cost(units=charge.units, unit="credit")
    if one is SPEECH:
        assert [row["text"] for row in result.value.facts["alignment"]] == TEXT.split()


def test_a_lost_change_of_voice_is_found_in_the_history(vendors: FakeVendors) -> None:
    """It has no text: voice, model and time must do."""
    files = Inputs(hum=media.recording(1.0, "wav", "hum"))
    fields = {"audio": files.blob("hum", "audio", "audio/wav"), "voice": "Adam"}
    one = call("convert", "speech.convert", "eleven_multilingual_sts_v2", "audio", fields)
    lost(vendors, one, files)
    assert len(found(vendors, one)) == 1


def test_only_what_agrees_with_the_call_is_found(vendors: FakeVendors) -> None:
    """Another text, voice, model, format, setting or time is another call; the same call twice is found twice."""
    made(vendors, SPEECH)
    assert len(found(vendors, SPEECH)) == 1
    for field, value in (
        ("text", "Good evening."), ("voice", "Adam"), ("output_format", "mp3_22050_32"),
        ("voice_settings", {"stability": 0.5}),
    ):  # fmt: skip
        other = call("speech", "speech.generate", SPEECH.model, "audio", {**SPEECH.fields, field: value})
        assert found(vendors, other) == [], field
    assert found(vendors, call("speech", "speech.generate", "eleven_v3", "audio", SPEECH.fields)) == []
    assert run(vendors, lambda it: it.find(SPEECH, "", 0, 1_000_000)) == []
    made(vendors, SPEECH)
    assert len(found(vendors, SPEECH)) == 2


def test_an_entry_tells_whose_answer_it_was(vendors: FakeVendors) -> None:
    """Its request's id is the one in the header of the answer: what another attempt received is not taken for a lost one."""
    received = made(vendors, SPEECH).extras["request_id"]
    (listed,) = found(vendors, SPEECH)
    assert listed.handle.ids["request_id"] == received


def test_the_silence_of_an_account_without_a_history_proves_nothing(vendors: FakeVendors) -> None:
    """No entry at all, or a call that was not to be kept: it is not concluded that nothing was made."""

    async def body(it: Any) -> Any:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - an error that only `fault` explains
            await it.find(one, "", 0, YEARS)
        return it.fault(caught.value)

    one = SPEECH
    assert run(vendors, body).error_class is ErrorClass.GONE
    made(vendors, DIALOGUE)
    assert found(vendors, SPEECH) == []
    one = call("speech", "speech.generate", SPEECH.model, "audio", {**SPEECH.fields, "enable_logging": False})
    assert run(vendors, body).error_class is ErrorClass.GONE


@pytest.mark.parametrize("model", ["dubbing_v2", "dubbing"])
def test_a_lost_dub_is_found_by_our_marker(vendors: FakeVendors, model: str) -> None:
    """The reference, or the name, is the attempt's marker: one dub has it, and no other call's is taken."""
    files = Inputs(talk=media.recording(1.0, "wav", "talk"))
    one = dub(files, model, "talk", "audio", "audio/wav", "audio")
    lost(vendors, one, files)
    (listed,) = found(vendors, one)
    assert listed.exact
    result = run(vendors, lambda it: polled(it, one, listed.handle))
    assert isinstance(result, Result)
    other = Call(**{name: getattr(one, name) for name in one.__struct_fields__} | {"marker": "f" * 32})
    assert found(vendors, other) == []


def test_what_cannot_be_found_is_declared_so() -> None:
    """Sounds, music, transcripts and Flows leave the answer to a person; each window has its sentence."""
    asks = {name for name, operation in OPERATIONS.items() if operation.recovery is Recovery.ASK}
    assert asks == {"sound", "music", "transcribe", "flows.image", "flows.video"}
    assert all(operation.window for operation in OPERATIONS.values())
