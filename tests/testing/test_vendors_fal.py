from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import fal_client
import httpx
import pytest

from dagcontent.catalog.load import models
from dagcontent.media.probe import measure
from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.client import FakeVendors
from dagcontent.testing.vendors.fal_results import asked


class Queue:
    """fal as it is to be called: submissions by hand, the SDK's handle for the rest, URLs from the id alone."""

    def __init__(self, http: httpx.AsyncClient, base: str) -> None:
        self.http = http
        self.base = base

    async def submit(self, app: str, payload: dict[str, Any]) -> httpx.Response:
        """Send one submission."""
        return await self.http.post(f"{self.base}/{app}", json=payload, headers={"X-Fal-Store-IO": "1"})

    def handle(self, app: str, request_id: str) -> fal_client.AsyncRequestHandle:
        """Return the SDK's handle of an id."""
        url = f"{self.base}/{'/'.join(app.split('/')[:2])}/requests/{request_id}"
        return fal_client.AsyncRequestHandle(
            request_id=request_id, response_url=url, status_url=f"{url}/status", cancel_url=f"{url}/cancel",
            client=self.http,
        )  # fmt: skip

    async def run(self, app: str, **payload: Any) -> Any:
        """Submit, wait and return the result."""
        answer = (await self.submit(app, payload)).raise_for_status().json()
        return await self.handle(app, answer["request_id"]).get(interval=0.01)


def call(vendors: FakeVendors, body: Callable[[Queue], Awaitable[Any]]) -> Any:
    """Run a body with a queue of the program."""

    async def run() -> Any:
        async with httpx.AsyncClient(headers={"Authorization": f"Key {vendors.key('fal')}"}) as http:
            return await body(Queue(http, vendors.base_urls["fal"]))

    return asyncio.run(run())


def facts(folder: Path, data: bytes, kind: str, media_type: str) -> dict[str, Any]:
    """Return what the engine's own measuring says of an artifact."""
    path = folder / "artifact"
    path.write_bytes(data)
    return measure(path, kind, media_type)


def test_pictures_come_through_the_queue(vendors: FakeVendors, tmp_path: Path) -> None:
    """A submission becomes a job, the job a result, the result files of the size asked for; one charge, its units told."""
    vendors.set(queued_s=0.2)

    async def body(queue: Queue) -> Any:
        asked = {"prompt": "a lantern", "image_size": {"width": 640, "height": 480}, "num_images": 2}
        answer = (await queue.submit("fal-ai/flux/dev", asked)).json()
        handle = queue.handle("fal-ai/flux/dev", answer["request_id"])
        states = [type(state).__name__ async for state in handle.iter_events(interval=0.001)]
        whole = await queue.http.get(answer["response_url"])
        files = [(await queue.http.get(one["url"])).content for one in whole.json()["images"]]
        return answer, states, whole, files

    answer, states, whole, files = call(vendors, body)
    assert states[0] == "Queued"
    assert states[-1] == "Completed"
    assert answer["response_url"].startswith(vendors.base_urls["fal"] + "/fal-ai/flux/requests/")
    assert whole.headers["x-fal-billable-units"] == "2"
    for data in files:
        seen = facts(tmp_path, data, "image", "image/jpeg")
        assert (seen["width"], seen["height"]) == (640, 480)
    (charge,) = vendors.charges()
    assert (charge.job, charge.units, charge.model) == (answer["request_id"], 2.0, "fal-ai/flux/dev")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("app", "payload", "kind", "expected"),
    [
        ("fal-ai/veo3.1", {"prompt": "x", "duration": "4s", "aspect_ratio": "9:16"}, "video", (720, 1280, 4000)),
        ("fal-ai/kling-video/v3/pro/image-to-video", {"prompt": "x", "duration": "3"}, "video", (1280, 720, 3000)),
        ("fal-ai/wan/v2.7/text-to-video", {"prompt": "x", "duration": 2, "resolution": "480p"}, "video", (854, 480, 2000)),
        ("fal-ai/elevenlabs/sound-effects/v2", {"text": "rain", "duration_seconds": 1.5}, "audio", (1500,)),
        ("fal-ai/elevenlabs/music", {"prompt": "x", "music_length_ms": 3000}, "audio", (3000,)),
        ("fal-ai/kokoro/american-english", {"prompt": "Fifteen letters."}, "audio", (1070,)),
    ],
)  # fmt: skip
def test_clips_and_sound_are_as_long_as_asked(
    vendors: FakeVendors, tmp_path: Path, app: str, payload: dict[str, Any], kind: str, expected: tuple[int, ...]
) -> None:
    """Width, height and length, measured by decoding, are those of the request, whatever form its family asks them in."""

    async def body(queue: Queue) -> Any:
        file = (await queue.run(app, **payload))[kind]
        return file, (await queue.http.get(file["url"])).content

    file, data = call(vendors, body)
    seen = facts(tmp_path, data, kind, file["content_type"])
    measured = [seen[name] for name in ("width", "height") if name in seen] + [seen["duration_ms"]]
    assert measured == pytest.approx(list(expected), abs=60)
    assert file["file_size"] == len(data)


@pytest.mark.parametrize(
    ("app", "keys"),
    [
        ("fal-ai/birefnet/v2", {"image"}),
        ("clarityai/crystal-upscaler", {"images"}),
        ("fal-ai/stable-audio", {"audio_file"}),
        ("bria/video/background-removal", {"video"}),
        ("fal-ai/whisper", {"text", "chunks"}),
        ("fal-ai/elevenlabs/speech-to-text/scribe-v2", {"text", "words"}),
        ("fal-ai/minimax/speech-02-hd", {"audio"}),
        ("fal-ai/nano-banana-2/edit", {"images"}),
    ],
)  # fmt: skip
def test_each_family_answers_in_its_own_fields(vendors: FakeVendors, app: str, keys: set[str]) -> None:
    """An endpoint's result holds what its family's does."""
    result = call(vendors, lambda queue: queue.run(app, text="x", duration=1))
    assert keys <= set(result)
    assert app != "bria/video/background-removal" or isinstance(result["video"], list)


def test_files_are_uploaded_and_come_back_whole_or_in_part(vendors: FakeVendors) -> None:
    """A token, a file, its address on this server; a range of it; and a job that takes it as its input."""
    data = media.picture(32, 32, "png", "x")

    async def body(queue: Queue) -> Any:
        token = (await queue.http.post(f"{queue.base}/storage/auth/token?storage_type=fal-cdn-v3", json={})).json()
        headers = {"Authorization": f"{token['token_type']} {token['token']}", "X-Fal-File-Name": "in.png"}
        up = await queue.http.post(f"{token['base_url']}/files/upload", content=data, headers=headers)
        url = up.json()["access_url"]
        part = await queue.http.get(url, headers={"Range": "bytes=10-19"})
        late = await queue.http.get(url, headers={"Range": f"bytes={len(data)}-"})
        await queue.run("fal-ai/birefnet/v2", image_url=url)
        lost = await queue.submit("fal-ai/birefnet/v2", {"image_url": url.replace("/files/", "/files/0")})
        return url, (await queue.http.get(url)).content, part, late.status_code, lost.status_code

    url, whole, part, late, lost = call(vendors, body)
    assert url.startswith(vendors.base_urls["fal"])
    assert whole == data
    assert (part.status_code, part.content) == (206, data[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(data)}"
    assert (late, lost, len(vendors.charges())) == (416, 422, 1)


def test_inputs_say_how_large_and_long_results_are(vendors: FakeVendors) -> None:
    """An upscaled picture is a multiple of its input, a talking face lasts as long as its sound, words lie within it."""
    import base64

    def data_url(media_type: str, data: bytes) -> str:
        return f"data:{media_type};base64,{base64.b64encode(data).decode()}"

    picture = data_url("image/png", media.picture(48, 32, "png", "x"))
    sound = data_url("audio/wav", media.recording(1.2, "wav", "x"))

    async def body(queue: Queue) -> Any:
        larger = await queue.run("fal-ai/esrgan", image_url=picture, scale=4)
        face = await queue.run("veed/fabric-1.0", image_url=picture, audio_url=sound, resolution="480p")
        words = await queue.run("fal-ai/whisper", audio_url=sound, chunk_level="word")
        clip = (await queue.http.get(face["video"]["url"])).content
        bad = await queue.submit("fal-ai/esrgan", {"image_url": data_url("image/png", b"no picture")})
        return larger, clip, words, bad.status_code

    larger, clip, words, bad = call(vendors, body)
    assert (larger["image"]["width"], larger["image"]["height"]) == (192, 128)
    assert media.sound_length_s(clip) == pytest.approx(1.2, abs=0.05)
    assert words["chunks"][-1]["timestamp"][1] == pytest.approx(1.2)
    assert (bad, len(vendors.charges())) == (422, 3)


def test_what_was_sent_is_found_in_the_list_with_its_payload(vendors: FakeVendors) -> None:
    """An endpoint's requests are listed newest first, page by page, between two times, with payloads where asked."""

    async def body(queue: Queue) -> Any:
        for number in range(3):
            await queue.run("fal-ai/flux/dev", prompt=f"number {number}")
        await queue.run("fal-ai/flux/schnell", prompt="of another endpoint")
        asked: dict[str, Any] = {"endpoint_id": "fal-ai/flux/dev", "expand": "payloads", "limit": 2}
        url = f"{queue.base}/v1/models/requests/by-endpoint"
        first = (await queue.http.get(url, params={**asked, "start": "2020-01-01T00:00:00Z"})).json()
        rest = (await queue.http.get(url, params={**asked, "cursor": first["next_cursor"]})).json()
        none = (await queue.http.get(url, params={**asked, "end": "2020-01-01T00:00:00Z"})).json()
        return first, rest, none

    first, rest, none = call(vendors, body)
    items = first["items"] + rest["items"]
    assert [item["json_input"]["prompt"] for item in items] == ["number 2", "number 1", "number 0"]
    assert (first["has_more"], rest["has_more"], none["items"]) == (True, False, [])
    assert {item["request_id"] for item in items} == {charge.job for charge in vendors.charges()[:3]}


def test_a_schema_is_published_of_every_endpoint(vendors: FakeVendors) -> None:
    """It names the endpoint, its input and its output; what is no endpoint is not found."""

    async def body(queue: Queue) -> Any:
        url = f"{queue.base}/api/openapi/queue/openapi.json"
        found = await queue.http.get(url, params={"endpoint_id": "fal-ai/veo3.1"})
        return found.json(), (await queue.http.get(url, params={"endpoint_id": "nothing"})).status_code

    schema, missing = call(vendors, body)
    assert "/fal-ai/veo3.1" in schema["paths"]
    assert "video" in schema["components"]["schemas"]["Output"]["properties"]
    assert missing == 404


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"prompt": "x", "image_size": "huge"}, "presets"),
        ({"prompt": None}, "valid string"),
        ({"prompt": "x", "image_url": "a.png"}, "valid URL"),
        ({"prompt": "x", "num_images": 99}, "integer"),
    ],
)
def test_wrong_inputs_are_refused_and_not_charged(vendors: FakeVendors, payload: dict[str, Any], said: str) -> None:
    """A wrong field is a 422 with its finding, before anything is charged."""
    answer = call(vendors, lambda queue: queue.submit("fal-ai/flux/dev", payload))
    assert answer.status_code == 422
    assert said in answer.json()["detail"][0]["msg"]
    assert vendors.charges() == []


def test_a_failed_job_is_completed_and_its_result_is_the_error(vendors: FakeVendors) -> None:
    """Moderation and faults of a runner show in the status and as the result's error, as the SDK reads them."""
    vendors.set_faults(
        [
            {"fault": "moderation", "operation": "submit", "nth": 1},
            {"fault": "job_error", "operation": "submit", "nth": 2, "status": 504, "when": "before"},
        ]
    )

    async def body(queue: Queue) -> Any:
        found = []
        for _ in range(2):
            answer = (await queue.submit("fal-ai/flux/dev", {"prompt": "x"})).json()
            handle = queue.handle("fal-ai/flux/dev", answer["request_id"])
            with pytest.raises(fal_client.FalClientHTTPError) as caught:
                await handle.get(interval=0.01)
            state: Any = await handle.status()
            found.append((caught.value.status_code, caught.value.response.json()["detail"], state.error_type))
        return found

    (blocked, detail, kind), (failed, _, other) = call(vendors, body)
    assert (blocked, detail[0]["type"], kind) == (422, "content_policy_violation", "content_policy_violation")
    assert (failed, other) == (504, "runner_server_error")
    assert len(vendors.charges()) == 1


def test_a_job_is_cancelled_while_it_waits_and_not_when_it_is_done(vendors: FakeVendors) -> None:
    """Cancelling is taken once; a job that is done says so."""

    async def body(queue: Queue) -> Any:
        answer = (await queue.submit("fal-ai/flux/dev", {"prompt": "x"})).json()
        await queue.handle("fal-ai/flux/dev", answer["request_id"]).get(interval=0.01)
        late = await queue.http.put(answer["cancel_url"])
        vendors.set(queued_s=60)
        other = (await queue.submit("fal-ai/flux/dev", {"prompt": "x"})).json()
        await queue.handle("fal-ai/flux/dev", other["request_id"]).cancel()
        state: Any = await queue.handle("fal-ai/flux/dev", other["request_id"]).status()
        return late, state.error_type

    late, kind = call(vendors, body)
    assert (late.status_code, late.json()["status"], kind) == (400, "ALREADY_COMPLETED", "request_cancelled")


def test_results_are_not_kept_for_ever(vendors: FakeVendors) -> None:
    """When the time that results are kept is over, the result is not found; the charge stays."""

    async def body(queue: Queue) -> Any:
        answer = (await queue.submit("fal-ai/flux/dev", {"prompt": "x"})).json()
        await queue.handle("fal-ai/flux/dev", answer["request_id"]).get(interval=0.01)
        kept = await queue.http.get(answer["response_url"])
        vendors.set(kept_s=-60)
        return kept.status_code, (await queue.http.get(answer["response_url"])).status_code

    assert call(vendors, body) == (200, 404)
    assert len(vendors.charges()) == 1


def test_no_answer_names_another_host(vendors: FakeVendors) -> None:
    """Every URL of every answer is of this server: nothing leads a client to a vendor."""
    import re

    async def body(queue: Queue) -> str:
        answer = await queue.submit("fal-ai/flux/dev", {"prompt": "x"})
        await queue.handle("fal-ai/flux/dev", answer.json()["request_id"]).get(interval=0.01)
        texts = [answer.text, (await queue.http.get(answer.json()["status_url"] + "?logs=1")).text]
        texts.append((await queue.http.get(answer.json()["response_url"])).text)
        texts.append((await queue.http.post(f"{queue.base}/storage/auth/token")).text)
        return " ".join(texts)

    hosts = set(re.findall(r"https?://[^/\"]+", call(vendors, body)))
    assert hosts == {f"http://127.0.0.1:{vendors.port}"}


def test_every_endpoint_of_the_catalog_makes_what_its_kinds_are() -> None:
    """No model that the engine knows is answered with a result of another sort: a test against it would prove nothing."""
    sorts = {
        "image": {"images", "image"}, "video": {"video", "videos"}, "speech": {"audio"},
        "music": {"audio", "audio_file"}, "sound": {"audio", "audio_file"}, "audio": {"transcript"},
    }  # fmt: skip
    found = models("fal")
    assert len(found) > 100
    wrong = [
        (model.name, kind) for model in found for kind in model.kinds
        if asked(model.name, {}).makes not in sorts[kind.partition(".")[0]]
    ]  # fmt: skip
    assert wrong == []
