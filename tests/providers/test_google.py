from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagcontent.catalog.effective import effective
from dagcontent.catalog.load import find, names
from dagcontent.catalog.model import Model
from dagcontent.errors import NodeError, ProviderError
from dagcontent.kinds.registry import KINDS
from dagcontent.media.probe import measure
from dagcontent.providers import google
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.fetch import fetch
from dagcontent.providers.google_answers import read
from dagcontent.providers.google_jobs import interaction, operation
from dagcontent.providers.google_requests import generated
from dagcontent.providers.once import Gates
from dagcontent.providers.port import Answer, Call, ErrorClass, Failure, Recovery, Result, Waiting
from dagcontent.providers.secret import Secret, host_of
from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.client import BOUNDS, FakeVendors
from dagcontent.testing.vendors.google import camel
from dagcontent.values.attempt import Handle
from tests.providers.loopback import Inputs, Sent, call, sent

FLASH, IMAGE, TTS, HEAR = "gemini-3.8-flash", "gemini-3.1-flash-image", "gemini-3.8-flash-tts", "gemini-3.5-transcribe"
OMNI, VEO = "gemini-omni-1.2-flash", "veo-3.1-fast-generate-001"
NOTHING = Inputs()
SHORT = {"resolution": "360p", "duration": "3s", "aspect_ratio": "16:9"}
FORM = {
    "type": "object", "required": ["title", "scenes"], "additionalProperties": False,
    "properties": {"title": {"type": "string"}, "scenes": {"type": "array", "items": {"type": "string"}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def program() -> Iterator[FakeVendors]:
    """One program of fake vendors for all of this module."""
    with FakeVendors() as vendors:
        yield vendors


@pytest.fixture
def vendors(program: FakeVendors) -> Iterator[FakeVendors]:
    """The program as at its start. What fails in the program itself fails the test."""
    program.reset()
    yield program
    assert program.errors() == []


def configured(vendors: FakeVendors, **more: Any) -> ProviderConfig:
    base = vendors.base_urls["google"]
    given: dict[str, Any] = {
        "base_url": base, "key": Secret(vendors.key("google"), "FAKE_GOOGLE_KEY", [host_of(base)]),
        "bounds": {**BOUNDS, "answer_s": 20.0}, "project": "films",
    }  # fmt: skip
    return ProviderConfig(name="google", **{**given, **more})


def with_adapter(vendors: FakeVendors, body: Callable[[Any], Awaitable[Any]], **more: Any) -> Any:
    """Run a body with a fresh adapter, its own gates and its own event loop."""

    async def run() -> Any:
        gates = Gates()
        adapter = google.adapter(configured(vendors, **more), gates)
        try:
            return await body(adapter)
        finally:
            await adapter.close()
            await gates.aclose()

    return asyncio.run(run())


def made(vendors: FakeVendors, one: Call, files: Any = NOTHING) -> tuple[Any, Sent]:
    """Return what an answer that was sent for means, and the sending."""

    async def body(adapter: Any) -> tuple[Any, Sent]:
        whole = await sent(adapter, one, files)
        return adapter.read(one, whole.answer), whole

    outcome: tuple[Any, Sent] = with_adapter(vendors, body)
    return outcome


async def ended(adapter: Any, one: Call, handle: Handle) -> Any:
    for _ in range(2_000):
        state = await adapter.poll(one, handle)
        if not isinstance(state, Waiting):
            return state
        await asyncio.sleep(0.01)
    raise AssertionError("the job does not end")


def film(vendors: FakeVendors, one: Call, files: Any = NOTHING) -> tuple[Any, Handle]:
    """Send in one adapter, poll in another, as after a crash."""
    handle, _ = made(vendors, one, files)
    assert isinstance(handle, Handle), handle
    copied = msgspec.json.decode(msgspec.json.encode(handle), type=Handle)
    return with_adapter(vendors, lambda adapter: ended(adapter, one, copied)), handle


def facts(folder: Path, data: bytes, kind: str, media_type: str) -> dict[str, Any]:
    path = folder / "artifact"
    path.write_bytes(data)
    return measure(path, kind, media_type)


def body_of(vendors: FakeVendors, number: int) -> Any:
    """Return a request's body. The package writes some names in the one form and some in the other, and Google takes both."""
    return camel(vendors.requests("google")[number]["json"])


def text(prompt: str = "A harbor at dawn.", **more: Any) -> Call:
    return call("generate", "text.generate", FLASH, "text", {}, {"prompt": prompt, **more})


# -- one answer -----------------------------------------------------------------------------------------------------


def test_text_is_written_and_its_tokens_are_told(vendors: FakeVendors) -> None:
    """Text comes of one POST; the cost is the tokens that the ledger charged, with their parts beside."""
    result, whole = made(vendors, text(system="Be short."))
    (charge,) = vendors.charges("google")
    assert isinstance(result, Result)
    assert result.value.endswith(".")
    assert (result.cost.units, result.cost.unit) == (charge.units, "token")
    usage = result.extras["usage"]
    assert usage["input_tokens"] + usage["output_tokens"] == charge.units
    assert usage["output_by"] == {"text": usage["output_tokens"]}
    (request,) = vendors.requests("google")
    assert request["path"] == f"/google/v1/models/{FLASH}:generateContent"
    assert request["json"]["systemInstruction"]["parts"] == [{"text": "Be short."}]
    assert whole.sending.sent
    assert whole.sending.complete


@pytest.mark.parametrize("asked", [{"schema": FORM}, {"returns": {"title": "text", "scenes": ["text"]}}])
def test_json_is_of_the_form_that_was_asked_for(vendors: FakeVendors, asked: dict[str, Any]) -> None:
    """A schema, or the short form of one, goes to Google, and what comes back is data and no text."""
    one = call("generate", "text.generate", FLASH, "{...}", {}, {"prompt": "Two scenes.", **asked})
    result, _ = made(vendors, one)
    assert set(result.value) == {"title", "scenes"}
    assert isinstance(result.value["scenes"], list)
    assert body_of(vendors, 0)["generationConfig"]["responseJsonSchema"] == FORM


def test_fields_become_configuration_and_what_is_unknown_goes_along(vendors: FakeVendors) -> None:
    """The vendor's fields stand in generationConfig under its names; a field newer than the package is Google's to refuse."""
    fields = {"temperature": 0.2, "max_output_tokens": 40, "thinking_level": "low", "seed": 7}
    result, _ = made(vendors, call("generate", "text.generate", FLASH, "text", fields, {"prompt": "x"}))
    config = body_of(vendors, 0)["generationConfig"]
    assert isinstance(result, Result)
    assert (config["temperature"], config["seed"]) == (0.2, 7)
    assert config["maxOutputTokens"] == 40
    assert config["thinkingConfig"] == {"thinkingLevel": "LOW"}
    refused, _ = made(vendors, call("generate", "text.generate", FLASH, "text", {"warmth": 3}, {"prompt": "x"}))
    assert isinstance(refused, Failure)
    assert refused.error_class is ErrorClass.INVALID
    assert refused.billed is False
    assert body_of(vendors, 1)["generationConfig"] == {"warmth": 3}


def test_a_translation_says_how(vendors: FakeVendors) -> None:
    """Language, glossary and tone stand above the text, which stands alone."""
    params = {"text": "The lantern.", "language": "de", "glossary": {"lantern": "Laterne"}, "tone": "calm"}
    result, _ = made(vendors, call("generate", "text.translate", FLASH, "text", {}, params))
    body = body_of(vendors, 0)
    system = body["systemInstruction"]["parts"][0]["text"]
    assert isinstance(result, Result)
    assert body["contents"][0]["parts"] == [{"text": "The lantern."}]
    assert all(word in system for word in ("into de", "lantern = Laterne", "calm"))


@pytest.mark.parametrize(
    ("kind", "param", "type_", "media_type", "data"),
    [
        ("image.describe", "image", "image", "image/png", media.picture(64, 48, "png", "a")),
        ("text.generate", "audio", "audio", "audio/wav", media.recording(1.0, "wav", "a")),
        ("video.describe", "video", "video", "video/mp4", media.clip(64, 48, 12, 1.0, "a")),
    ],
)
def test_pictures_recordings_and_films_are_looked_at(
    vendors: FakeVendors, kind: str, param: str, type_: str, media_type: str, data: bytes
) -> None:
    """A small file goes within the request, byte for byte, before the question."""
    files = Inputs(f=data)
    value: Any = files.blob("f", type_, media_type)
    one = call(
        "generate", kind, FLASH, "text", {}, {"prompt": "What is it?", param: [value] if param == "audio" else value}
    )
    result, _ = made(vendors, one, files)
    parts = body_of(vendors, 0)["contents"][0]["parts"]
    assert isinstance(result, Result)
    assert len(vendors.charges("google")) == 1
    assert not files.uploads
    assert parts[0]["inlineData"]["mimeType"] == media_type
    assert parts[1] == {"text": "What is it?"}
    assert base64.b64decode(parts[0]["inlineData"]["data"], b"-_") == data


def test_large_files_are_uploaded_before_the_intent(vendors: FakeVendors, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large for a request is uploaded for nothing, below our own address, and waited for until it is usable."""
    monkeypatch.setattr(google, "_INLINE_BYTES_MAX", 1000)
    files = Inputs(f=media.clip(64, 48, 12, 1.0, "b"))
    one = call("generate", "video.describe", FLASH, "text", {}, {"video": files.blob("f", "video", "video/mp4")})
    result, whole = made(vendors, one, files)
    ((uri, until_ms),) = files.uploads
    assert isinstance(result, Result)
    assert len(vendors.charges("google")) == 1
    assert [r["operation"] for r in vendors.requests("google")] == [
        "files.start",
        "files.upload",
        "files.get",
        "generate",
    ]
    assert whole.payload["parts"][0]["file_data"] == {"file_uri": uri, "mime_type": "video/mp4"}
    assert 46 * 3_600_000 < until_ms - vendors.requests("google")[0]["at"] < 48 * 3_600_000


def test_a_picture_has_the_shape_that_was_asked_for(vendors: FakeVendors, tmp_path: Path) -> None:
    """A picture comes whole within the answer, in its ratio, and costs its tokens."""
    fields = {"aspect_ratio": "16:9", "image_size": "512"}
    one = call("generate.image", "image.generate", IMAGE, "image", fields, {"prompt": "A harbor.", "style": "ink"})
    result, _ = made(vendors, one)
    measured = facts(tmp_path, result.value.data, "image", result.value.media_type)
    assert (measured["width"], measured["height"]) == (688, 384)
    body = body_of(vendors, 0)
    assert body["generationConfig"]["imageConfig"] == {"aspectRatio": "16:9", "imageSize": "512"}
    assert body["generationConfig"]["responseModalities"] == ["IMAGE"]
    assert "Style: ink" in body["contents"][0]["parts"][0]["text"]
    assert result.cost.units == vendors.charges("google")[0].units
    assert result.extras["usage"]["output_by"] == {"image": 1120}


def test_pictures_to_change_go_first_in_their_order(vendors: FakeVendors) -> None:
    """An edit sends the picture, then those it refers to, then what to do."""
    files = Inputs(a=media.picture(32, 32, "png", "a"), b=media.picture(32, 32, "jpeg", "b"))
    a, b = files.blob("a", "image", "image/png"), files.blob("b", "image", "image/jpeg")
    fields = {"image_config.aspect_ratio": None, "image_config": {"aspect_ratio": "1:1"}}
    one = call(
        "generate.image", "image.edit", IMAGE, "image", fields, {"images": [b], "prompt": "Make it snow.", "image": a}
    )
    result, whole = made(vendors, one, files)
    kinds = [part.get("inline_data", {}).get("mime_type") for part in whole.payload["parts"]]
    assert isinstance(result, Result)
    assert kinds == ["image/png", "image/jpeg", None]


@pytest.mark.parametrize("model", [TTS, "gemini-3.1-flash-tts-preview"])
def test_speech_becomes_a_file_that_can_be_played(vendors: FakeVendors, tmp_path: Path, model: str) -> None:
    """Bare samples get a header with the rate of their media type."""
    fields = {"voice": "Kore", "style": "warmly"}
    one = call(
        "generate.speech", "speech.generate", model, "audio", fields, {"text": "The lamp is lit.", "voice": "Kore"}
    )
    result, _ = made(vendors, one)
    measured = facts(tmp_path, result.value.data, "audio", result.value.media_type)
    assert result.value.media_type == "audio/wav"
    assert measured["sample_rate"] == 24_000
    assert measured["duration_ms"] / 1000 == pytest.approx(media.speech_length_s("The lamp is lit."), abs=0.6)
    (part,) = body_of(vendors, 0)["contents"][0]["parts"]
    said = {"text": "warmly: The lamp is lit."}
    assert part == (said if "3.1" in model else {"text": "The lamp is lit.", "speechMetadata": {"style": "warmly"}})


def test_two_speak_in_one_dialogue_and_three_do_not(vendors: FakeVendors) -> None:
    """Each of two speakers has its voice; a third is refused before anything is sent."""
    lines = [
        {"speaker": "anna", "text": "Now?"},
        {"speaker": "ben", "text": "Soon."},
        {"speaker": "anna", "text": "Good."},
    ]
    params = {"lines": lines, "voices": {"anna": "Kore", "ben": "Puck", "cleo": "Zephyr"}}
    result, _ = made(vendors, call("generate.speech", "speech.dialogue", TTS, "audio", {}, params))
    body = body_of(vendors, 0)
    rows = body["generationConfig"]["speechConfig"]["multiSpeakerVoiceConfig"]["speakerVoiceConfigs"]
    assert isinstance(result, Result)
    assert [row["speaker"] for row in rows] == ["anna", "ben"]
    assert [p["speechMetadata"]["speaker"] for p in body["contents"][0]["parts"]] == ["anna", "ben", "anna"]
    third = {**params, "lines": [*lines, {"speaker": "cleo", "text": "Wait."}]}
    with pytest.raises(NodeError, match="there are 3"):
        made(vendors, call("generate.speech", "speech.dialogue", TTS, "audio", {}, third))
    assert len(vendors.requests("google")) == 1


def test_a_transcript_has_its_words_times_and_speakers(vendors: FakeVendors) -> None:
    """Words carry their times, in seconds; sentences are made of them."""
    files = Inputs(f=media.recording(3.0, "wav", "c"))
    params = {"audio": files.blob("f", "audio", "audio/wav"), "diarize": True, "language": "en"}
    result, _ = made(vendors, call("generate.transcribe", "audio.transcribe", HEAR, "json", {}, params), files)
    value = result.value
    assert value["text"] == "A hum is heard. It says nothing."
    assert value["language"] == "en"
    assert [row["text"] for row in value["segments"]] == ["A hum is heard.", "It says nothing."]
    assert value["segments"][0]["speaker"] == "spk_1"
    assert value["words"][-1]["end"] == pytest.approx(3.0, abs=0.1)


# -- films ----------------------------------------------------------------------------------------------------------


def test_a_film_is_an_interaction_asked_for_by_its_id(vendors: FakeVendors, tmp_path: Path) -> None:
    """One POST gives an id; another adapter polls it, and the file is fetched below our own address, with its key."""
    one = call("interactions.video", "video.generate", OMNI, "video", SHORT, {"prompt": "A boat leaves."})
    result, handle = film(vendors, one)
    (charge,) = vendors.charges("google")
    body = vendors.requests("google", "interactions.video")[0]["json"]
    assert handle.ids == {"interaction": charge.job}
    assert result.cost.units == charge.units
    assert (body["background"], body["store"], body["response_format"]["delivery"]) == (True, True, "uri")
    assert body["generation_config"]["video_config"] == {"task": "text_to_video"}
    assert result.extras["usage"]["output_by"]["video"] > 10_000
    data = bytearray()
    hosts = google.Google.result_hosts
    asyncio.run(fetch(result.value, data.extend, config=configured(vendors), result_hosts=hosts))
    assert facts(tmp_path, bytes(data), "video", "video/mp4")["height"] == 360


def test_a_film_within_the_answer_is_taken_from_it(vendors: FakeVendors, tmp_path: Path) -> None:
    """Delivered inline, a film begins with the picture that was given and is as long as was asked."""
    files = Inputs(f=media.picture(64, 36, "png", "f"))
    fields = {**SHORT, "response_format": {"delivery": "inline"}}
    params = {"prompt": "It moves.", "start_image": files.blob("f", "image", "image/png")}
    result, _ = film(vendors, call("interactions.video", "video.generate", OMNI, "video", fields, params), files)
    measured = facts(tmp_path, result.value.data, "video", result.value.media_type)
    assert measured["duration_ms"] / 1000 == pytest.approx(3.0, abs=0.2)
    assert measured["height"] == 360
    body = vendors.requests("google", "interactions.video")[0]["json"]
    assert body["generation_config"]["video_config"] == {"task": "image_to_video"}
    assert [row["type"] for row in body["input"][0]["content"]] == ["image", "text"]


@pytest.mark.parametrize(
    ("fault", "error_class", "billed"),
    [("moderation", ErrorClass.BLOCKED, True), ("job_error", ErrorClass.UNKNOWN, None)],
)
def test_a_film_that_fails_says_why(vendors: FakeVendors, fault: str, error_class: ErrorClass, billed: Any) -> None:
    """A blocked film counts as charged; of one that failed otherwise nobody can say."""
    vendors.set_faults([{"fault": fault, "vendor": "google", "operation": "interactions.video"}])
    failure, _ = film(vendors, call("interactions.video", "video.generate", OMNI, "video", SHORT, {"prompt": "x"}))
    assert (failure.error_class, failure.billed) == (error_class, billed)
    assert "Google: failed" in failure.message


@pytest.mark.parametrize("operation_", ["interactions.video", "vertex.video"])
def test_a_job_that_is_kept_no_longer_is_gone(vendors: FakeVendors, operation_: str) -> None:
    """A job that Google does not know any more is told apart from one that failed."""
    names = {
        "interactions.video": {"interaction": "ia_1"},
        "vertex.video": {
            "operation": f"projects/films/locations/us-central1/publishers/google/models/{VEO}/operations/1"
        },
    }
    one = call(operation_, "video.generate", VEO, "video", {}, {"prompt": "x"})
    failure = with_adapter(vendors, lambda adapter: adapter.poll(one, Handle(names[operation_])))
    assert isinstance(failure, Failure)
    assert failure.error_class is ErrorClass.GONE


def test_veo_is_asked_through_vertex_by_its_operation(vendors: FakeVendors, tmp_path: Path) -> None:
    """The name of the operation is the handle; another adapter fetches the film by it."""
    files = Inputs(a=media.picture(64, 36, "png", "a"), b=media.picture(64, 36, "png", "b"))
    params = {
        "prompt": "A boat leaves.", "start_image": files.blob("a", "image", "image/png"),
        "end_image": files.blob("b", "image", "image/png"),
    }  # fmt: skip
    fields = {"duration_seconds": 4, "aspect_ratio": "16:9", "resolution": "720p", "generate_audio": False, "seed": 3}
    result, handle = film(vendors, call("vertex.video", "video.generate", VEO, "video", fields, params), files)
    (charge,) = vendors.charges("google")
    request = vendors.requests("google", "vertex.video")[0]
    assert handle.ids == {"operation": charge.job}
    assert result.cost.units is None
    assert request["path"].startswith("/google/v1/projects/films/locations/us-central1/publishers/google/models/")
    assert request["json"]["parameters"]["seed"] == 3
    assert "lastFrame" in request["json"]["instances"][0]
    measured = facts(tmp_path, result.value.data, "video", result.value.media_type)
    assert measured["duration_ms"] / 1000 == pytest.approx(4.0, abs=0.2)
    assert measured["height"] == 720
    assert len(vendors.requests("google", "vertex.poll")) >= 1
    headers = request["headers"]
    assert "x-goog-api-key" not in headers
    assert "authorization" not in headers


def test_veo_says_what_it_filtered(vendors: FakeVendors) -> None:
    """A film that was filtered is blocked, with the reasons that were given."""
    vendors.set_faults([{"fault": "moderation", "vendor": "google", "operation": "vertex.video"}])
    one = call("vertex.video", "video.generate", VEO, "video", {"duration_seconds": 4}, {"prompt": "x"})
    failure, _ = film(vendors, one)
    assert failure.error_class is ErrorClass.BLOCKED
    assert "safety filters" in failure.message


def test_credentials_of_the_caller_are_used_for_vertex(vendors: FakeVendors) -> None:
    """Given credentials take the place of those of the machine, and are asked for a token once it is needed."""
    from google.auth.credentials import Credentials

    class Once(Credentials):
        refreshed = 0

        def refresh(self, request: Any) -> None:
            # Through the gate like everything else.
            said = request(url=f"{vendors.base_urls['google']}/v1/files/none", method="GET")
            assert said.status in (401, 403)
            self.token, self.refreshed = vendors.key("google"), self.refreshed + 1

    async def body() -> Any:
        gates, own = Gates(), Once()  # type: ignore[no-untyped-call]
        adapter = google.Google(configured(vendors), gates, own)
        one = call("vertex.video", "video.generate", VEO, "video", {"duration_seconds": 4}, {"prompt": "x"})
        whole = await sent(adapter, one, NOTHING)
        await adapter.close()
        await gates.aclose()
        return adapter.read(one, whole.answer), own.refreshed

    handle, refreshed = asyncio.run(body())
    assert isinstance(handle, Handle)
    assert refreshed == 1


# -- what Google refuses --------------------------------------------------------------------------------------------


def answered(status: int, body: Any, **headers: str) -> Answer:
    return Answer(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def refused(status: int, word: str = "", *details: Any, **headers: str) -> Failure:
    body = {"error": {"code": status, "message": "so it is", "status": word, "details": list(details)}}
    outcome = read(text(), answered(status, body, **headers))
    assert isinstance(outcome, Failure)
    return outcome


DAILY = {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}
A_MINUTE = {"violations": [{"quotaId": "GenerateContentInputTokensPerModelPerMinute"}]}


@pytest.mark.parametrize(
    ("status", "word", "details", "error_class", "billed"),
    [
        (400, "INVALID_ARGUMENT", [], ErrorClass.INVALID, False),
        (400, "INVALID_ARGUMENT", [{"reason": "API_KEY_INVALID"}], ErrorClass.AUTH, False),
        (400, "FAILED_PRECONDITION", [], ErrorClass.QUOTA, False),
        (401, "UNAUTHENTICATED", [], ErrorClass.AUTH, False),
        (403, "PERMISSION_DENIED", [], ErrorClass.AUTH, False),
        (403, "PERMISSION_DENIED", [{"reason": "BILLING_DISABLED"}], ErrorClass.QUOTA, False),
        (404, "NOT_FOUND", [], ErrorClass.NOT_FOUND, False),
        (413, "", [], ErrorClass.INVALID, False),
        (429, "RESOURCE_EXHAUSTED", [], ErrorClass.RATE_LIMIT, False),
        (429, "RESOURCE_EXHAUSTED", [A_MINUTE], ErrorClass.RATE_LIMIT, False),
        (429, "RESOURCE_EXHAUSTED", [A_MINUTE, DAILY], ErrorClass.QUOTA, False),
        (408, "", [], ErrorClass.TRANSIENT, None),
        (409, "ABORTED", [], ErrorClass.UNKNOWN, None),
        (418, "", [], ErrorClass.UNKNOWN, None),
        (307, "", [], ErrorClass.UNKNOWN, None),
        (500, "INTERNAL", [], ErrorClass.TRANSIENT, None),
        (503, "UNAVAILABLE", [], ErrorClass.TRANSIENT, None),
        (504, "DEADLINE_EXCEEDED", [], ErrorClass.TRANSIENT, None),
    ],
)
def test_each_refusal_has_its_class(
    status: int, word: str, details: list[Any], error_class: ErrorClass, billed: bool | None
) -> None:
    """Only statuses of the table are unbilled; what may have been worked on is left open."""
    failure = refused(status, word, *details)
    assert (failure.error_class, failure.billed) == (error_class, billed)
    assert failure.message == "Google: so it is"
    assert failure.answer["status"] == status


@pytest.mark.parametrize("body", [b"", b"<html>Error</html>", b"[]", b"null", b'{"error": "no"}', b'{"error": {}}'])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
def test_a_refusal_in_a_form_that_is_not_googles_leaves_the_charge_open(status: int, body: bytes) -> None:
    """A proxy's page says nothing of what Google did."""
    failure = read(text(), answered(status, body))
    assert isinstance(failure, Failure)
    assert failure.billed is None


def test_how_long_to_wait_is_read_from_the_details_and_else_from_the_headers() -> None:
    """RetryInfo is Google's own word; a header stands in where there is none."""
    assert refused(429, "RESOURCE_EXHAUSTED", {"retryDelay": "27.5s"}, **{"retry-after": "3"}).retry_after_s == 27.5
    assert refused(429, "RESOURCE_EXHAUSTED", {"retryDelay": "soon"}, **{"retry-after": "3"}).retry_after_s == 3.0
    assert refused(429, "RESOURCE_EXHAUSTED").retry_after_s is None


def test_an_error_within_a_list_is_read_as_one() -> None:
    """Some front ends put the error into a list."""
    body = [{"error": {"code": 404, "message": "no such model", "status": "NOT_FOUND"}}]
    outcome = read(text(), answered(404, body))
    assert isinstance(outcome, Failure)
    assert (outcome.error_class, outcome.billed) == (ErrorClass.NOT_FOUND, False)


@pytest.mark.parametrize(
    ("body", "error_class"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}}, ErrorClass.BLOCKED),
        ({"promptFeedback": {"blockReason": "OTHER"}}, ErrorClass.UNKNOWN),
        ({"candidates": [{"finishReason": "PROHIBITED_CONTENT"}]}, ErrorClass.BLOCKED),
        ({"candidates": [{"finishReason": "SAFETY", "content": {"parts": [{"text": "Half"}]}}]}, ErrorClass.BLOCKED),
        ({"candidates": [{"finishReason": "RECITATION"}]}, ErrorClass.BLOCKED),
        ({"candidates": [{"finishReason": "MALFORMED_RESPONSE"}]}, ErrorClass.UNKNOWN),
        (
            {"candidates": [{"finishReason": "CONTINUATION", "content": {"parts": [{"text": "Half"}]}}]},
            ErrorClass.UNKNOWN,
        ),
        ({"candidates": [{"finishReason": "MAX_TOKENS", "content": {}}]}, ErrorClass.UNKNOWN),
        (
            {"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": "…", "thought": True}]}}]},
            ErrorClass.UNKNOWN,
        ),
        ({"candidates": []}, ErrorClass.UNKNOWN),
        ({}, ErrorClass.UNKNOWN),
    ],
)
def test_a_whole_answer_without_a_result_was_charged(body: Any, error_class: ErrorClass) -> None:
    """It was worked on: the failure stays under its key, and its answer is kept."""
    failure = read(text(), answered(200, body))
    assert isinstance(failure, Failure)
    assert (failure.error_class, failure.billed) == (error_class, True)


@pytest.mark.parametrize("operation_", ["generate.speech", "generate.transcribe"])
def test_half_of_what_is_said_or_heard_is_no_result(operation_: str) -> None:
    """A recording or a transcript that was cut at its longest length is a failure that was charged."""
    inline = {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}
    body = {
        "candidates": [{"finishReason": "MAX_TOKENS", "content": {"parts": [{"inlineData": inline, "text": "Half"}]}}]
    }
    outcome = read(call(operation_, "x", TTS, "audio", {}, {}), answered(200, body))
    assert isinstance(outcome, Failure)
    assert outcome.billed is True


@pytest.mark.parametrize("reason", ["STOP", "OTHER", "MAX_TOKENS", "SOMETHING_NEW"])
def test_a_picture_that_is_there_is_taken_whatever_word_ends_it(reason: str) -> None:
    """It was paid for; what it is, its bytes decide. Both alphabets of base64 are read, padded or not."""
    inline = {"mimeType": "image/png", "data": "-_-_-w"}
    body = {"candidates": [{"finishReason": reason, "content": {"parts": [{"text": "Here."}, {"inlineData": inline}]}}]}
    outcome = read(call("generate.image", "image.generate", IMAGE, "image", {}, {}), answered(200, body))
    assert isinstance(outcome, Result)
    assert outcome.value.data == b"\xfb\xff\xbf\xfb"


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        (
            "https://generativelanguage.googleapis.com/v1beta/files/abc:download?alt=media",
            "v1beta/files/abc:download?alt=media",
        ),
        ("https://other.example/deep/v1/files/abc", "v1/files/abc:download?alt=media"),
        ("files/abc", "v1/files/abc:download?alt=media"),
        ("https://storage.googleapis.com/bucket/film.mp4", None),
        ("gs://bucket/film.mp4", None),
        ("https://other.example/?x=v1/files/abc", None),
        ("https://other.example/files/../secret", None),
    ],
)
def test_a_films_file_is_looked_for_below_our_own_address(uri: str, path: str | None) -> None:
    """A file of Google's is fetched by its name; any other address is left to the rules of fetching."""
    content = [{"type": "video", "mime_type": "video/mp4", "uri": uri}]
    done = interaction({"status": "completed", "steps": [{"type": "model_output", "content": content}]}, "v1")
    assert isinstance(done, Result)
    assert (done.value.path, done.value.url) == (path, None if path else uri)


def test_json_that_was_cut_is_a_failure_and_text_that_was_cut_is_text() -> None:
    """Half of a text is what its longest length asked for; half of a JSON object is nothing."""
    body = {"candidates": [{"finishReason": "MAX_TOKENS", "content": {"parts": [{"text": '{"title": "The'}]}}]}
    whole = read(text(), answered(200, body))
    assert isinstance(whole, Result)
    assert whole.extras["cut"] is True
    half = read(call("generate", "text.generate", FLASH, "json", {}, {"schema": FORM}), answered(200, body))
    assert isinstance(half, Failure)
    assert half.billed is True
    assert "cut" in half.message


@pytest.mark.parametrize(
    ("fault", "error_class", "billed"),
    [
        ({"fault": "status", "status": 429}, ErrorClass.RATE_LIMIT, False),
        ({"fault": "status", "status": 429, "code": "daily"}, ErrorClass.QUOTA, False),
        ({"fault": "status", "status": 400, "code": "API_KEY_INVALID"}, ErrorClass.AUTH, False),
        ({"fault": "status", "status": 503}, ErrorClass.TRANSIENT, None),
        ({"fault": "status", "status": 502}, ErrorClass.TRANSIENT, None),
        ({"fault": "redirect", "status": 307}, ErrorClass.UNKNOWN, None),
    ],
)
@pytest.mark.parametrize("operation_", ["generate", "interactions.video", "vertex.video"])
def test_over_the_wire_each_refusal_is_one_request(
    vendors: FakeVendors, operation_: str, fault: dict[str, Any], error_class: ErrorClass, billed: bool | None
) -> None:
    """Whatever Google answers, the package sends once and no more, and the answer in the spool says what it was."""
    vendors.set_faults([{"vendor": "google", "operation": operation_, **fault}])
    one = {
        "generate": text(),
        "interactions.video": call("interactions.video", "video.generate", OMNI, "video", SHORT, {"prompt": "x"}),
        "vertex.video": call("vertex.video", "video.generate", VEO, "video", {"duration_seconds": 4}, {"prompt": "x"}),
    }[operation_]
    failure, _ = made(vendors, one)
    assert isinstance(failure, Failure)
    assert (failure.error_class, failure.billed) == (error_class, billed)
    assert len(vendors.requests("google", operation_)) == 1
    assert not vendors.charges("google")


def test_a_blocked_prompt_is_a_failure_that_stays(vendors: FakeVendors) -> None:
    """Google answers 200 to a prompt that it will not take; the answer is kept."""
    vendors.set_faults([{"vendor": "google", "operation": "generate", "fault": "moderation"}])
    failure, _ = made(vendors, text())
    assert (failure.error_class, failure.billed) == (ErrorClass.BLOCKED, True)
    assert "PROHIBITED_CONTENT" in failure.message


@pytest.mark.parametrize("fault", ["drop", "truncated", "reset", "silent"])
@pytest.mark.parametrize("operation_", ["generate", "interactions.video", "vertex.video"])
def test_a_lost_answer_is_one_charge(vendors: FakeVendors, operation_: str, fault: str) -> None:
    """When the answer is lost on its way, nothing is sent again by anybody."""
    vendors.set_faults([{"fault": fault, "vendor": "google", "operation": operation_, "part": "headers"}])
    fields = {"interactions.video": SHORT, "vertex.video": {"duration_seconds": 4}}.get(operation_, {})
    model = {"interactions.video": OMNI, "vertex.video": VEO}.get(operation_, FLASH)
    kind, output = ("text.generate", "text") if operation_ == "generate" else ("video.generate", "video")
    one = call(operation_, kind, model, output, fields, {"prompt": "x"})

    async def body(adapter: Any) -> None:
        try:
            await sent(adapter, one, NOTHING)
        except AssertionError:
            return

    with_adapter(vendors, body, bounds={**BOUNDS, "answer_s": 0.5})
    assert len(vendors.wait_charges(1, vendor="google")) == 1
    assert len(vendors.requests("google", operation_)) == 1


def test_polls_that_fail_say_what_they_mean(vendors: FakeVendors) -> None:
    """A poll's refusal or lost connection is raised, and `fault` knows its class; it is never the job's end."""
    handle, _ = made(vendors, call("interactions.video", "video.generate", OMNI, "video", SHORT, {"prompt": "x"}))
    one = call("interactions.video", "video.generate", OMNI, "video", SHORT, {"prompt": "x"})
    for fault, error_class in (
        ({"fault": "status", "status": 503}, ErrorClass.TRANSIENT),
        ({"fault": "status", "status": 429, "code": "daily"}, ErrorClass.QUOTA),
        ({"fault": "drop"}, ErrorClass.TRANSIENT),
    ):
        vendors.set_faults([{"vendor": "google", "operation": "interactions.get", **fault}])

        async def body(adapter: Any) -> Any:
            try:
                return await adapter.poll(one, handle)
            except Exception as error:  # noqa: BLE001 - what it is, is asked of the adapter
                return adapter.fault(error)

        failure = with_adapter(vendors, body)
        assert isinstance(failure, Failure)
        assert failure.error_class is error_class
    vendors.set_faults([{"vendor": "google", "operation": "interactions.get", "fault": "bad_json"}])
    with pytest.raises(ProviderError):
        with_adapter(vendors, lambda adapter: adapter.poll(one, handle))


# -- keys and forms -------------------------------------------------------------------------------------------------


def test_a_key_of_the_environment_goes_nowhere(vendors: FakeVendors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package reads keys, modes and addresses from the environment; ours come from the configuration alone."""
    monkeypatch.setenv("GOOGLE_API_KEY", "fake-key-environment")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v9")
    monkeypatch.setenv("GOOGLE_GENAI_CLIENT_MODE", "replay")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "another")
    result, whole = made(vendors, text())
    assert isinstance(result, Result)
    assert whole.answer.status == 200
    (keyless, _) = with_keyless(vendors)
    assert isinstance(keyless, Failure)
    assert keyless.error_class is ErrorClass.AUTH
    assert not vendors.charges("google")[1:]


def with_keyless(vendors: FakeVendors) -> tuple[Any, Any]:
    async def body(adapter: Any) -> Any:
        whole = await sent(adapter, text(), NOTHING)
        return adapter.read(text(), whole.answer), whole

    outcome: tuple[Any, Any] = with_adapter(vendors, body, key=None, keyless=True)
    return outcome


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (call("videos", "video.generate", OMNI, "video", {}, {}), "no operation"),
        (call("generate", "text.generate", FLASH, "text", {}, {}), "nothing to ask for"),
        (call("generate", "text.generate", FLASH, "text", {"candidate_count": 2}, {"prompt": "x"}), "one artifact"),
        (call("generate.speech", "speech.generate", TTS, "audio", {}, {"text": "Hi."}), "no voice"),
        (call("generate.speech", "speech.generate", TTS, "audio", {}, {"voice": "Kore"}), "nothing to say"),
        (call("generate.speech", "speech.dialogue", TTS, "audio", {}, {"lines": [{"text": "Hi."}]}), "no lines"),
        (call("interactions.video", "video.generate", OMNI, "video", {}, {}), "nothing to film"),
        (call("vertex.video", "video.generate", VEO, "video", {"number_of_videos": 2}, {"prompt": "x"}), "one film"),
        (call("vertex.video", "video.generate", VEO, "video", {"output_gcs_uri": "gs://b"}, {"prompt": "x"}), "bucket"),
    ],
)
def test_what_cannot_be_asked_for_is_said_before_anything_is_sent(vendors: FakeVendors, one: Call, says: str) -> None:
    """A call that cannot be made is the graph's to mend: no request goes out."""
    with pytest.raises(NodeError, match=says):
        made(vendors, one)
    assert not vendors.requests("google")


def known(name: str) -> Model:
    model = find(name)
    assert model is not None
    return model


PICTURE, SOUND, CLIP = (
    media.picture(64, 64, "png", "p"),
    media.recording(2.0, "wav", "s"),
    media.clip(64, 48, 12, 3.0, "c"),
)
FILES = Inputs(picture=PICTURE, sound=SOUND, clip=CLIP)
PICTURE_IN, SOUND_IN, CLIP_IN = (
    FILES.blob("picture", "image", "image/png"), FILES.blob("sound", "audio", "audio/wav"),
    FILES.blob("clip", "video", "video/mp4"),
)  # fmt: skip
LINES = [{"speaker": "anna", "text": "Now?"}, {"speaker": "ben", "text": "Soon."}]
GIVEN: dict[str, dict[str, Any]] = {
    "text.generate": {"prompt": "x", "system": "Be short.", "images": [PICTURE_IN], "audio": [SOUND_IN], "max_tokens": 50},
    "text.translate": {"text": "The lamp.", "language": "de", "max_seconds": 2},
    "image.describe": {"image": PICTURE_IN, "returns": {"what": "text", "colors": ["text"]}},
    "video.describe": {"video": CLIP_IN, "prompt": "What happens?"},
    "image.generate": {"prompt": "A harbor.", "aspect": "16:9", "negative_prompt": "people", "images": [PICTURE_IN]},
    "image.edit": {"image": PICTURE_IN, "prompt": "Make it snow."},
    "speech.generate": {"text": "The lamp is lit.", "voice": "Kore"},
    "speech.dialogue": {"lines": LINES, "voices": {"anna": "Kore", "ben": "Puck"}},
    "audio.transcribe": {"audio": SOUND_IN, "diarize": True},
    "video.generate": {"prompt": "A boat leaves.", "start_image": PICTURE_IN, "duration": 4},
    "video.edit": {"video": CLIP_IN, "prompt": "At night."},
    "video.extend": {"video": CLIP_IN, "prompt": "It goes on.", "seconds": 3},
}  # fmt: skip
LISTED = {
    (kind, repr(model.slots[kind]), model.operations[kind]): (model.id, kind)
    for model in (known(f"google/{name}") for name in names("google"))
    if model.retired is None
    for kind in model.kinds
}
"""Of models that are asked in the same way, one."""


@pytest.mark.parametrize(("name", "kind"), LISTED.values())
def test_what_the_catalog_makes_of_a_node_is_taken(vendors: FakeVendors, name: str, kind: str) -> None:
    """Models of the catalog are asked for every kind they make, with the fields that the catalog writes."""
    fit = effective(name, KINDS[kind], GIVEN[kind], None, 7)
    form = KINDS[kind].output_type(fit.params)
    output = str(form) if str(form) in ("text", "image", "audio", "video") else "json"
    one = call(fit.operation, kind, fit.model, output, fit.fields, fit.params, seed=7)
    outcome, _ = made(vendors, one, FILES)
    assert not isinstance(outcome, Failure)
    assert len(vendors.charges("google")) == 1


@pytest.mark.parametrize("fields", [{"temperature": "hot"}, {"model_armor_config": {"prompt_template_name": "a"}}])
def test_what_the_package_does_not_take_is_the_graphs_to_mend(vendors: FakeVendors, fields: dict[str, Any]) -> None:
    """The package checks types, and what only Vertex knows, before it sends: an error with words, and no request."""

    async def body(adapter: Any) -> None:
        one = call("generate", "text.generate", FLASH, "text", fields, {"prompt": "x"})
        await adapter.send(one, await adapter.prepare(one, NOTHING))

    with pytest.raises(NodeError, match="does not take this"):
        with_adapter(vendors, body)
    assert not vendors.requests("google")


def test_a_field_of_veo_that_is_newer_than_the_package_goes_along(vendors: FakeVendors) -> None:
    """It stands among the parameters, under its own name."""
    fields = {"duration_seconds": 4, "mood": "calm"}
    handle, _ = made(vendors, call("vertex.video", "video.generate", VEO, "video", fields, {"prompt": "x"}))
    assert isinstance(handle, Handle)
    assert vendors.requests("google", "vertex.video")[0]["json"]["parameters"]["mood"] == "calm"


def test_every_operation_says_that_a_person_decides() -> None:
    """Google lists nothing, so no lost answer is ever looked for; only jobs have a handle."""
    assert all(one.recovery is Recovery.ASK and one.window for one in google.OPERATIONS.values())
    assert [name for name, one in google.OPERATIONS.items() if one.handle] == ["interactions.video", "vertex.video"]


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_vertex_has_a_host_for_each_place(location: str, host: str) -> None:
    """Regions, continents and the whole world have hosts of their own."""
    assert google._vertex_host(location) == host


def test_the_same_call_has_the_same_payload() -> None:
    """Nothing in a payload changes from one time to the next."""
    one = call("generate", "text.generate", FLASH, "text", {"temperature": 1}, {"prompt": "x"})
    assert generated(one, {}) == generated(one, {})


# -- what Google could answer ---------------------------------------------------------------------------------------

NAMES = st.sampled_from([
    "candidates", "content", "parts", "text", "inlineData", "mimeType", "data", "finishReason", "promptFeedback",
    "blockReason", "usageMetadata", "totalTokenCount", "promptTokensDetails", "modality", "tokenCount", "error", "details",
    "status", "message", "reason", "retryDelay", "violations", "quotaId", "id", "name", "steps", "type", "uri", "usage",
    "total_tokens", "errors", "code", "done", "response", "videos", "bytesBase64Encoded", "raiMediaFilteredReasons",
    "audioTranscription", "words", "word", "startOffset", "endOffset", "speakerLabel", "mime_type", "thought",
])  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8),
    st.sampled_from([
        "STOP", "SAFETY", "completed", "failed", "model_output", "video", "audio/L16;rate=24000;channels=2", "image/png",
        "AAAA", "1.5s", "-1s", "1e999s", "files/abc", "gs://b/c", "projects/p/locations/l/publishers/google/models/m/operations/1",
    ]),
)  # fmt: skip
ANSWERS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6), max_leaves=25
)
CALLS = [
    text(), call("generate", "text.generate", FLASH, "json", {}, {"schema": FORM}),
    call("generate.image", "image.generate", IMAGE, "image", {}, {}),
    call("generate.speech", "speech.generate", TTS, "audio", {}, {}),
    call("generate.transcribe", "audio.transcribe", HEAR, "json", {}, {}),
    call("interactions.video", "video.generate", OMNI, "video", {}, {}),
    call("vertex.video", "video.generate", VEO, "video", {}, {}),
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    data=ANSWERS,
    rest=st.dictionaries(NAMES, ANSWERS, max_size=5),
    status=st.sampled_from([200, 200, 200, 400, 429, 500]),
)
def test_whatever_is_answered_is_understood_or_refused_in_our_own_words(
    data: Any, rest: dict[str, Any], status: int
) -> None:
    """No answer, however odd, raises anything but ProviderError; the same bytes mean the same twice."""
    parts = {"candidates": [{"finishReason": "STOP", "content": {"parts": [rest, data]}}], "usageMetadata": data}
    for body in (rest, data, parts, {"error": {"details": [data, rest], **rest}}):
        whole = Answer(status, {"content-type": "application/json"}, msgspec.json.encode(body))
        for one in CALLS:
            assert outcome_of(lambda one=one, whole=whole: read(one, whole)) == outcome_of(  # type: ignore[misc]
                lambda one=one, whole=whole: read(one, whole)  # type: ignore[misc]
            )
        if isinstance(body, dict):
            outcome_of(lambda body=body: interaction({"status": "completed", **body}, "v1"))  # type: ignore[misc]
            outcome_of(lambda body=body: operation({"done": True, **body}))  # type: ignore[misc]


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=60), status=st.integers(100, 599))
def test_bytes_that_are_no_json_are_refused_in_our_own_words(body: bytes, status: int) -> None:
    """So are bytes of any kind under any status."""
    for one in CALLS:
        outcome_of(lambda one=one: read(one, Answer(status, {}, body)))  # type: ignore[misc]


def outcome_of(doing: Callable[[], Any]) -> Any:
    try:
        return doing()
    except ProviderError as error:
        return str(error)


def test_nesting_beyond_all_measure_is_refused() -> None:
    """A million of brackets are no answer, and no crash."""
    for body in (b"[" * 1_000_000, b'{"candidates":' * 100_000):
        for one in CALLS:
            with pytest.raises(ProviderError):
                read(one, Answer(200, {}, body))
            assert isinstance(read(one, Answer(500, {}, body)), Failure)
