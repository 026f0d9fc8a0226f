from __future__ import annotations

import asyncio
import http.client
import io
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from google import genai
from google.auth.credentials import AnonymousCredentials
from google.genai import errors, types

from dagcontent.media.probe import measure
from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.client import FakeVendors

FLASH, IMAGE, TTS, OMNI = "gemini-3.8-flash", "gemini-3.1-flash-image", "gemini-3.8-flash-tts", "gemini-omni-1.2-flash"
VEO = "veo-3.1-fast-generate-001"
FILM = {"type": "video", "duration": "3s", "resolution": "360p", "delivery": "uri"}


def sdk(vendors: FakeVendors, body: Callable[[Any], Awaitable[Any]], *, version: str = "v1", key: str = "") -> Any:
    """Run a body with the real package against the program, its own retries off."""

    async def run() -> Any:
        async with httpx2.AsyncClient() as http:
            options = types.HttpOptions(
                base_url=vendors.base_urls["google"],
                api_version=version,
                httpx_async_client=http,
                retry_options=types.HttpRetryOptions(attempts=1),
            )
            key_ = key or vendors.key("google")
            return await body(genai.Client(vertexai=False, api_key=key_, http_options=options).aio)

    return asyncio.run(run())


def plain(vendors: FakeVendors, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Send one request without any package; return status and body, read as JSON where it is."""
    where = urlsplit(vendors.base_urls["google"])
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=10)
    try:
        data = None if body is None else json.dumps(body)
        own = {"x-goog-api-key": vendors.key("google"), "Content-Type": "application/json", **headers}
        connection.request(method, where.path + path, data, own)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    return answer.status, json.loads(said) if "json" in (answer.getheader("content-type") or "") else said


def asked(text: str = "A harbor.", **config: Any) -> dict[str, Any]:
    return {
        "contents": [{"role": "user", "parts": [{"text": text}]}],
        **({"generationConfig": config} if config else {}),
    }


def facts(folder: Path, data: bytes, kind: str, media_type: str) -> dict[str, Any]:
    path = folder / "artifact"
    path.write_bytes(data)
    return measure(path, kind, media_type)


async def ended(client: Any, name: str) -> Any:
    for _ in range(2_000):
        state = await client.interactions.get(id=name)
        if state.status not in ("queued", "in_progress"):
            return state
        await asyncio.sleep(0.01)
    raise AssertionError("the interaction does not end")


@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_both_versions_of_the_api_answer(vendors: FakeVendors, version: str) -> None:
    """The version stands in the path; what was charged is what the answer says was used."""
    answer = sdk(vendors, lambda c: c.models.generate_content(model=FLASH, contents="A harbor."), version=version)
    (charge,) = vendors.charges("google")
    assert answer.text.endswith(".")
    assert (answer.usage_metadata.total_token_count, "token") == (charge.units, charge.unit)
    assert vendors.requests("google")[0]["path"] == f"/google/{version}/models/{FLASH}:generateContent"
    assert plain(vendors, "POST", f"/v7/models/{FLASH}:generateContent", asked())[0] == 404


def test_the_same_is_answered_alike_and_another_not(vendors: FakeVendors) -> None:
    """What is made depends on what was asked, and on nothing else."""
    one, again, other = (
        plain(vendors, "POST", f"/v1/models/{FLASH}:generateContent", asked(text))[1]["candidates"]
        for text in ("A harbor.", "A harbor.", "A river.")
    )
    assert one == again
    assert one != other


def test_names_of_fields_are_taken_in_both_forms(vendors: FakeVendors) -> None:
    """snake_case and camelCase mean the same; a name that there is not is refused, uncharged."""
    schema = {"type": "object", "properties": {"a_b": {"type": "integer"}}, "required": ["a_b"]}
    path = f"/v1/models/{FLASH}:generateContent"
    configs: tuple[dict[str, Any], ...] = (
        {"responseMimeType": "application/json", "responseJsonSchema": schema},
        {"response_mime_type": "application/json", "response_json_schema": schema},
    )
    for config in configs:
        _, answer = plain(vendors, "POST", path, asked(**config))
        assert list(json.loads(answer["candidates"][0]["content"]["parts"][0]["text"])) == ["a_b"]
    status, refusal = plain(vendors, "POST", path, asked(warmth=3))
    assert (status, refusal["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert len(vendors.charges("google")) == 2


@pytest.mark.parametrize(
    ("aspect", "size", "width", "height"),
    [("1:1", "512", 512, 512), ("16:9", "1K", 1360, 768), ("9:16", "512", 384, 688)],
)
def test_pictures_have_the_shape_that_was_asked_for(
    vendors: FakeVendors, tmp_path: Path, aspect: str, size: str, width: int, height: int
) -> None:
    """They are real pictures, and cost their tokens."""
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"], image_config=types.ImageConfig(aspect_ratio=aspect, image_size=size)
    )
    answer = sdk(vendors, lambda c: c.models.generate_content(model=IMAGE, contents="A harbor.", config=config))
    inline = answer.candidates[0].content.parts[0].inline_data
    measured = facts(tmp_path, inline.data, "image", inline.mime_type)
    assert (measured["width"], measured["height"]) == (width, height)
    assert answer.usage_metadata.candidates_token_count == 1120


def test_speech_is_bare_samples_that_name_their_rate(vendors: FakeVendors) -> None:
    """As the real models answer: 16 bits, 24 kHz, no header."""
    voice = types.SpeechConfig.model_validate({"voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}})
    config = types.GenerateContentConfig(response_modalities=["AUDIO"], speech_config=voice)
    answer = sdk(vendors, lambda c: c.models.generate_content(model=TTS, contents="The lamp is lit.", config=config))
    inline = answer.candidates[0].content.parts[0].inline_data
    assert inline.mime_type == "audio/L16;codec=pcm;rate=24000"
    assert len(inline.data) == round(media.speech_length_s("The lamp is lit.") * 24_000) * 2
    status, _ = plain(vendors, "POST", f"/v1/models/{TTS}:generateContent", asked(responseModalities=["AUDIO"]))
    assert status == 400


def test_a_file_is_uploaded_in_two_requests_and_ready_at_the_next_look(vendors: FakeVendors) -> None:
    """The address of the second names Google's own host; nothing is charged; what is not there is forbidden."""

    async def body(client: Any) -> tuple[Any, Any]:
        options = types.HttpOptions(base_url=vendors.base_urls["google"])
        config = types.UploadFileConfig(mime_type="image/png", http_options=options)
        file = await client.files.upload(file=io.BytesIO(media.picture(32, 32, "png", "u")), config=config)
        return file, await client.files.get(name=file.name)

    first, then = sdk(vendors, body)
    assert (first.state.name, then.state.name) == ("PROCESSING", "ACTIVE")
    assert first.uri.startswith("https://generativelanguage.googleapis.com/v1/files/")
    assert not vendors.charges("google")
    part = {"fileData": {"fileUri": "https://x/v1/files/none", "mimeType": "image/png"}}
    contents = {"contents": [{"role": "user", "parts": [part]}]}
    assert plain(vendors, "POST", f"/v1/models/{FLASH}:generateContent", contents)[0] == 403


@pytest.mark.parametrize("data", [b"no picture", b""])
def test_what_is_no_picture_is_refused_uncharged(vendors: FakeVendors, data: bytes) -> None:
    """Files are looked at before anything is made."""
    import base64

    part = {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(data).decode()}}
    contents = {"contents": [{"role": "user", "parts": [part]}]}
    assert plain(vendors, "POST", f"/v1/models/{FLASH}:generateContent", contents)[0] == 400
    assert not vendors.charges("google")


def test_a_film_is_charged_at_once_and_downloaded_by_its_name(vendors: FakeVendors, tmp_path: Path) -> None:
    """An interaction in the background answers with an id; its film lies among the files, whole or in ranges."""

    async def body(client: Any) -> tuple[Any, Any]:
        given = await client.interactions.create(
            model=OMNI, input="A boat leaves.", background=True, store=True, response_format=FILM
        )
        assert len(vendors.charges("google")) == 1
        return given, await ended(client, given.id)

    given, done = sdk(vendors, body)
    assert given.status in ("queued", "in_progress")
    name = re.search(r"/files/(\w+):download", str(done.output_video.uri))
    assert name is not None
    path = f"/v1/files/{name[1]}:download?alt=media"
    _, data = plain(vendors, "GET", path)
    measured = facts(tmp_path, data, "video", "video/mp4")
    assert measured["height"] == 360
    assert measured["duration_ms"] == pytest.approx(3000, abs=200)
    status, part = plain(vendors, "GET", path, Range="bytes=0-9")
    assert (status, part) == (206, data[:10])
    assert done.usage.total_tokens == vendors.charges("google")[0].units


def test_an_interaction_that_is_not_stored_cannot_be_asked_for(vendors: FakeVendors) -> None:
    """It is charged all the same."""
    body = {"model": OMNI, "input": "A boat.", "background": True, "store": False, "response_format": FILM}
    _, given = plain(vendors, "POST", "/v1/interactions", body)
    assert plain(vendors, "GET", f"/v1/interactions/{given['id']}")[0] == 404
    assert len(vendors.charges("google")) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"model": FLASH}, {"input": None}, {"warmth": 3}, {"response_format": {**FILM, "duration": "99s"}},
        {"response_format": {**FILM, "resolution": "8k"}}, {"response_format": {"type": "text"}},
        {"input": [{"type": "user_input", "content": [{"type": "smell"}]}]},
    ],
)  # fmt: skip
def test_a_film_that_cannot_be_made_is_refused_uncharged(vendors: FakeVendors, change: dict[str, Any]) -> None:
    """Whatever is wrong is said before the charge."""
    body = {"model": OMNI, "input": "A boat.", "background": True, "store": True, "response_format": FILM, **change}
    status, refusal = plain(vendors, "POST", "/v1/interactions", body)
    assert status in (400, 404)
    assert refusal["error"]["message"]
    assert not vendors.charges("google")


def test_veo_gives_an_operation_that_is_asked_for_on_its_model(vendors: FakeVendors) -> None:
    """Submitted, polled and read by the real package in its other mode, with a token in the place of a key."""

    async def run() -> Any:
        async with httpx2.AsyncClient() as http:
            options = types.HttpOptions(
                base_url=vendors.base_urls["google"], api_version="v1", httpx_async_client=http,
                retry_options=types.HttpRetryOptions(attempts=1),
            )  # fmt: skip
            credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
            credentials.token = vendors.key("google")
            client = genai.Client(
                vertexai=True, project="films", location="us-central1", credentials=credentials, http_options=options
            ).aio
            given = await client.models.generate_videos(
                model=VEO,
                source=types.GenerateVideosSource(prompt="A boat."),
                config=types.GenerateVideosConfig(duration_seconds=4, aspect_ratio="9:16", number_of_videos=1),
            )
            for _ in range(2_000):
                given = await client.operations.get(given)
                if given.done:
                    return given
                await asyncio.sleep(0.01)
            raise AssertionError("the operation does not end")

    done = asyncio.run(run())
    assert media.sound_length_s(done.response.generated_videos[0].video.video_bytes) == pytest.approx(4.0, abs=0.2)
    (charge,) = vendors.charges("google")
    assert (charge.job, charge.units, charge.unit) == (done.name, 4.0, "second")


@pytest.mark.parametrize("operation", ["interactions.video", "vertex.video"])
def test_a_job_that_fails_is_not_charged_and_one_that_fails_late_is(vendors: FakeVendors, operation: str) -> None:
    """The script says on which side of the charge a job fails."""
    model = f"/v1/projects/films/locations/us-central1/publishers/google/models/{VEO}"
    path, body = {
        "interactions.video": (
            "/v1/interactions",
            {"model": OMNI, "input": "x", "background": True, "store": True, "response_format": FILM},
        ),
        "vertex.video": (f"{model}:predictLongRunning", {"instances": [{"prompt": "x"}]}),
    }[operation]
    token = {"Authorization": f"Bearer {vendors.key('google')}"}
    for when, charges in (("before", 0), ("after", 1)):
        vendors.set_faults([{"fault": "job_error", "vendor": "google", "operation": operation, "when": when}])
        status, _ = plain(vendors, "POST", path, body, **token)
        assert (status, len(vendors.charges("google"))) == (200, charges)


def test_results_are_kept_as_long_as_the_settings_say(vendors: FakeVendors) -> None:
    """Afterwards the job is not found."""
    body = {"model": OMNI, "input": "x", "background": True, "store": True, "response_format": FILM}
    _, given = plain(vendors, "POST", "/v1/interactions", body)
    vendors.set(kept_s=-1.0)
    assert plain(vendors, "GET", f"/v1/interactions/{given['id']}")[0] == 404


def test_refusals_have_the_form_that_the_package_reads(vendors: FakeVendors) -> None:
    """Status, reason and pause stand where the real ones do; a key that is none is not let in."""
    with pytest.raises(errors.ClientError, match="UNAUTHENTICATED"):
        sdk(vendors, lambda c: c.models.generate_content(model=FLASH, contents="x"), key="AIza-no-fake-key")
    rule = {"fault": "status", "vendor": "google", "operation": "generate", "status": 429, "code": "daily"}
    vendors.set_faults([rule])
    _, refusal = plain(vendors, "POST", f"/v1/models/{FLASH}:generateContent", asked())
    assert "PerDay" in refusal["error"]["details"][0]["violations"][0]["quotaId"]
    assert refusal["error"]["details"][1]["retryDelay"] == "0.05s"
    vendors.set_faults([{**rule, "status": 502}])
    assert plain(vendors, "POST", f"/v1/models/{FLASH}:generateContent", asked())[1].startswith(b"<html>")
    assert not vendors.charges("google")


def test_more_is_charged_and_told_when_the_script_says_so(vendors: FakeVendors) -> None:
    """An overcharge is in the ledger and in the answer alike."""
    _, fair = plain(vendors, "POST", f"/v1/models/{FLASH}:generateContent", asked())
    vendors.set_faults([{"fault": "overcharge", "vendor": "google", "operation": "generate", "factor": 5.0}])
    _, dear = plain(vendors, "POST", f"/v1/models/{FLASH}:generateContent", asked())
    assert dear["usageMetadata"]["totalTokenCount"] == 5 * fair["usageMetadata"]["totalTokenCount"]
    assert [charge.units for charge in vendors.charges("google")] == [
        fair["usageMetadata"]["totalTokenCount"], dear["usageMetadata"]["totalTokenCount"],
    ]  # fmt: skip
