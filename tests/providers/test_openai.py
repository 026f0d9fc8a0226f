"""OpenAI's adapter: its own SDK over the real gate, against the fake vendor and against answers that a test wrote."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from providers.loopback import Asked, Inputs, Loopback, Said, call, mutated, sent

from dagcontent.catalog.load import find as find_model
from dagcontent.catalog.load import names as names_of
from dagcontent.errors import NodeError, ProviderError
from dagcontent.providers.answers import ListInDoubt
from dagcontent.providers.config import ProviderConfig
from dagcontent.providers.once import Gates
from dagcontent.providers.openai import adapter
from dagcontent.providers.openai_answers import read, read_response, refusal
from dagcontent.providers.port import Answer, Cost, ErrorClass, Failure, Part, Recovery, Result, Waiting
from dagcontent.providers.secret import Secret
from dagcontent.testing.vendors.client import BOUNDS, FakeVendors
from dagcontent.values.attempt import Handle
from dagcontent.values.value import Blob, Digest

KEY = "sk-openai-0123456789"
E = ErrorClass


def png(color: str = "red", size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def vendor() -> Iterator[Loopback]:
    with Loopback("/v1") as server:
        yield server


@pytest.fixture(scope="module")
def fakes() -> Iterator[FakeVendors]:
    with FakeVendors() as vendors:
        vendors.set(queued_s=0.0, job_s=0.02)
        yield vendors
        assert vendors.errors() == []


def run(base_url: str, body: Any, key: str = KEY) -> Any:
    """Run `body(adapter)` over real gates."""
    host = base_url.split("/")[2]

    async def inside() -> Any:
        gates = Gates(allow=lambda name: name == host)
        config = ProviderConfig(
            name="openai",
            base_url=base_url,
            key=Secret(key, "OPENAI_API_KEY", [host]),
            headers={"X-Team": "seven"},
            bounds=BOUNDS,
        )
        one = adapter(config, gates)
        try:
            return await body(one)
        finally:
            await one.close()
            await gates.aclose()

    return asyncio.run(inside())


def bought(fakes: FakeVendors, one_call: Any, files: Inputs | None = None) -> Any:
    """Send to the fake vendor, read, and poll in a fresh adapter; return the result. One charge, or the test fails."""
    before = len(fakes.charges("openai"))
    url, key = fakes.base_urls["openai"], fakes.key("openai")

    async def send(one: Any) -> Any:
        return one.read(one_call, (await sent(one, one_call, files or Inputs())).answer)

    async def follow(one: Any, handle: Handle) -> Any:
        for _ in range(500):
            found = await one.poll(one_call, handle)
            if not isinstance(found, Waiting):
                return found
            await asyncio.sleep(0.01)
        raise AssertionError("the job does not end")

    outcome = run(url, send, key)
    if isinstance(outcome, Handle):
        handle = outcome
        outcome = run(url, lambda one: follow(one, handle), key)
    assert len(fakes.charges("openai")) == before + 1
    return outcome


# -- every operation, against the fake vendor ---------------------------------------------------------------------


def test_text_is_made_and_its_tokens_counted(fakes: FakeVendors) -> None:
    """A completion becomes text; both directions' tokens are the cost."""
    made = bought(
        fakes,
        call(
            "chat",
            "text.generate",
            "gpt-6-sol",
            "text",
            {"max_completion_tokens": 50},
            {"prompt": "Say hello", "max_tokens": 50},
        ),
    )
    assert isinstance(made.value, str)
    assert made.cost.unit == "token"
    assert made.cost.units == sum(made.extras["usage"][name] for name in ("input_tokens", "output_tokens"))


def test_json_has_the_form_that_was_asked_for(fakes: FakeVendors) -> None:
    """A list at the root goes out wrapped and comes back bare."""
    made = bought(
        fakes,
        call(
            "chat",
            "text.generate",
            "gpt-6-sol",
            "json",
            {},
            {"prompt": "List", "returns": [{"title": "text", "note": "text?"}]},
        ),
    )
    assert isinstance(made.value, list)
    assert all(set(row) <= {"title", "note"} and isinstance(row["title"], str) for row in made.value)


def test_a_picture_is_described(fakes: FakeVendors) -> None:
    """A picture goes along within the message."""
    files = Inputs(d1=png())
    params = {"image": files.blob("d1", "image", "image/png"), "prompt": "What is this?"}
    assert isinstance(bought(fakes, call("chat", "image.describe", "gpt-6-sol", "text", {}, params), files).value, str)


def test_a_lost_completion_is_found_by_its_mark(fakes: FakeVendors) -> None:
    """Another process lists what is stored, finds the one with the mark, and reads the same text."""
    one_call = call("chat", "text.generate", "gpt-6-sol", "text", {}, {"prompt": "A lost one"}, seed=1)
    one_call = msgspec.structs.replace(one_call, marker="f" * 32)
    made = bought(fakes, one_call)
    bought(fakes, msgspec.structs.replace(one_call, marker="e" * 32))
    now = 4_000_000_000_000

    async def found(one: Any) -> Any:
        (listed,) = await one.find(one_call, "", 0, now)
        assert listed.exact
        never = await one.find(msgspec.structs.replace(one_call, marker="0" * 32), "", 0, now)
        return await one.poll(one_call, listed.handle), never

    again, never = run(fakes.base_urls["openai"], found, fakes.key("openai"))
    assert (again.value, never) == (made.value, [])


def test_pictures_come_as_bytes(fakes: FakeVendors) -> None:
    """A picture is decoded, and told for what it is."""
    fields = {"prompt": "a hare", "size": "1024x1024", "quality": "low", "output_format": "webp"}
    made = bought(fakes, call("images.generate", "image.generate", "gpt-image-2.6-flare", "image", fields))
    assert made.value.media_type == "image/webp"
    assert Image.open(io.BytesIO(made.value.data)).size == (1024, 1024)
    assert made.cost.units > 0


def test_pictures_are_edited_with_a_mask(fakes: FakeVendors) -> None:
    """Pictures and mask go as files of a form."""
    files = Inputs(d1=png(), d2=png("blue"), m=png("white"))
    fields = {
        "prompt": "more hares", "size": "1024x1024", "quality": "low",
        "image": [files.blob("d1", "image", "image/png"), files.blob("d2", "image", "image/png")], "mask": files.blob("m", "image", "image/png"),
    }  # fmt: skip
    made = bought(fakes, call("images.edit", "image.edit", "gpt-image-2.6-flare", "image", fields), files)
    assert Image.open(io.BytesIO(made.value.data)).format == "PNG"


def test_a_picture_in_the_background_is_a_job(fakes: FakeVendors) -> None:
    """The answer is an id, and a fresh adapter brings the picture by it."""
    files = Inputs(d1=png())
    fields = {
        "prompt": "a hare",
        "quality": "low",
        "size": "1024x1024",
        "responses_model": "gpt-6-sol",
        "image": files.blob("d1", "image", "image/png"),
    }
    made = bought(fakes, call("responses.image", "image.edit", "gpt-image-2.6-flare", "image", fields), files)
    assert Image.open(io.BytesIO(made.value.data)).format == "PNG"


def test_text_in_the_background_is_a_job(fakes: FakeVendors) -> None:
    """Responses are polled by id; their JSON is read like a completion's."""
    params = {"prompt": "List", "system": "be brief", "returns": {"title": "text"}}
    made = bought(fakes, call("responses", "text.generate", "gpt-6-sol", "json", {"max_output_tokens": 90}, params))
    assert set(made.value) == {"title"}


def test_speech_is_the_body(fakes: FakeVendors) -> None:
    """A recording is what was answered, byte for byte; nothing is told of its cost, and nothing is made up."""
    fields = {"input": "Hello there.", "voice": "alloy", "response_format": "wav"}
    made = bought(fakes, call("speech", "speech.generate", "gpt-4o-mini-tts", "audio", fields))
    assert made.value.media_type == "audio/wav"
    assert made.value.data.startswith(b"RIFF")
    assert made.cost == Cost()


@pytest.mark.parametrize("model", ["whisper-1", "gpt-transcribe"])
def test_a_recording_is_written_down(fakes: FakeVendors, model: str) -> None:
    """A transcript has our form; times come from the model that has them."""
    spoken = bought(
        fakes,
        call(
            "speech",
            "speech.generate",
            "gpt-4o-mini-tts",
            "audio",
            {"input": "One two three.", "voice": "alloy", "response_format": "wav"},
        ),
    )
    files = Inputs(a=spoken.value.data)
    made = bought(
        fakes,
        call("transcriptions", "audio.transcribe", model, "json", {}, {"audio": files.blob("a", "audio", "audio/wav")}),
        files,
    )
    assert set(made.value) == {"text", "language", "segments", "words"}
    assert bool(made.value["words"]) == (model == "whisper-1")
    assert made.cost.unit == "second"


@pytest.mark.parametrize(
    ("fault", "error_class", "billed"),
    [
        ({"fault": "status", "status": 401}, E.AUTH, False),
        ({"fault": "status", "status": 429, "retry_after": 3}, E.RATE_LIMIT, False),
        ({"fault": "status", "status": 429, "code": "insufficient_quota"}, E.QUOTA, False),
        ({"fault": "status", "status": 500}, E.TRANSIENT, None),
        ({"fault": "status", "status": 503, "code": "nginx"}, E.TRANSIENT, None),
        ({"fault": "status", "status": 409}, E.UNKNOWN, None),
        ({"fault": "redirect"}, E.UNKNOWN, None),
        ({"fault": "moderation"}, E.BLOCKED, True),
    ],
)
def test_a_refusal_is_sent_once_and_read(
    fakes: FakeVendors, fault: dict[str, Any], error_class: ErrorClass, billed: bool | None
) -> None:
    """Whatever the SDK would do again, there is one request; what it means is read from its bytes."""
    fakes.set_faults([{"vendor": "openai", "operation": "images.generate", **fault}])
    before = len(fakes.requests("openai", "images.generate"))
    one_call = call(
        "images.generate",
        "image.generate",
        "gpt-image-2.6-flare",
        "image",
        {"prompt": "x", "size": "1024x1024", "quality": "low"},
    )

    async def send(one: Any) -> Any:
        return one.read(one_call, (await sent(one, one_call, Inputs())).answer)

    try:
        failure = run(fakes.base_urls["openai"], send, fakes.key("openai"))
    finally:
        fakes.set_faults([])
    assert (failure.error_class, failure.billed) == (error_class, billed)
    assert len(fakes.requests("openai", "images.generate")) == before + 1
    assert failure.retry_after_s == (3.0 if "retry_after" in fault else None)


# -- the wire --------------------------------------------------------------------------------------------------------


def posted(vendor: Loopback, one_call: Any, files: Inputs | None = None) -> Asked:
    vendor.on("POST", ".*", Said({"id": "x"}))
    run(vendor.base_url, lambda one: sent(one, one_call, files or Inputs()))
    (post,) = vendor.posts()
    return post


def test_a_completion_is_stored_under_our_mark(vendor: Loopback) -> None:
    """The body is what the API documents; the mark, and storing, are always in it; options are kept."""
    files = Inputs(d1=b"\x89PNG", s=b"ID3")
    params = {
        "prompt": "Look", "system": "be brief", "returns": {"title": "text", "note": "text?"}, "temperature": 0.5,
        "images": [files.blob("d1", "image", "image/png")], "audio": [files.blob("s", "audio", "audio/mpeg")],
    }  # fmt: skip
    fields = {
        "temperature": 0.5,
        "max_output_tokens": 20,
        "reasoning": {"effort": "low"},
        "metadata": {"mine": "1"},
        "service_tier": "flex",
    }
    post = posted(vendor, call("chat", "text.generate", "gpt-6-sol", "json", fields, params), files)
    assert post.path == "/chat/completions"
    assert post.headers["Authorization"] == f"Bearer {KEY}"
    assert (post.headers["X-Team"], post.headers["OpenAI-Organization"]) == ("seven", None)
    assert post.json == {
        "model": "gpt-6-sol", "temperature": 0.5, "service_tier": "flex", "max_completion_tokens": 20, "reasoning_effort": "low",
        "store": True, "metadata": {"mine": "1", "dagcontent": "0123456789abcdef0123456789abcdef"},
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw==", "detail": "auto"}},
                {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
            ]},
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": {
            "type": "object", "required": ["title", "note"], "additionalProperties": False,
            "properties": {"title": {"type": "string"}, "note": {"type": ["string", "null"]}},
        }}},
    }  # fmt: skip


def test_a_translation_says_all_its_wishes(vendor: Loopback) -> None:
    """Language, tone, glossary, context and time are in the instructions; the text alone is the user's."""
    params = {
        "text": "Hello",
        "language": "de",
        "tone": "warm",
        "glossary": {"lantern": "Laterne"},
        "context": "a letter",
        "max_seconds": 5,
    }
    system, user = posted(vendor, call("chat", "text.translate", "gpt-6-luna", "text", {}, params)).json["messages"]
    assert user == {"role": "user", "content": "Hello"}
    for wish in ("de", "warm", "lantern = Laterne", "a letter", "5 seconds"):
        assert wish in system["content"]


def test_a_background_response_is_stored(vendor: Loopback) -> None:
    """Without `store` a background response may be gone after minutes."""
    post = posted(
        vendor,
        call(
            "responses",
            "text.generate",
            "gpt-6-sol",
            "text",
            {"max_tokens": 9, "reasoning_effort": "low"},
            {"prompt": "x", "system": "y"},
        ),
    )
    assert post.path == "/responses"
    assert post.json == {
        "model": "gpt-6-sol", "input": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}], "instructions": "y",
        "max_output_tokens": 9, "reasoning": {"effort": "low"}, "background": True, "store": True,
        "metadata": {"dagcontent": "0123456789abcdef0123456789abcdef"},
    }  # fmt: skip


def test_a_form_has_files_and_fields(vendor: Loopback) -> None:
    """Lists and numbers of `options` are written as a form has them."""
    files = Inputs(a=b"RIFFxxxx")
    post = posted(
        vendor,
        call(
            "transcriptions",
            "audio.transcribe",
            "whisper-1",
            "json",
            {"language": "en", "temperature": 0.2},
            {"audio": files.blob("a", "audio", "audio/wav")},
        ),
        files,
    )
    for part in (
        b'name="file"; filename="audio.wav"',
        b"Content-Type: audio/wav",
        b'name="timestamp_granularities[]"',
        b'name="temperature"',
        b"verbose_json",
        b"RIFFxxxx",
    ):
        assert part in post.body


def test_a_mask_is_turned_to_openais_form(vendor: Loopback) -> None:
    """White is where the picture changes; OpenAI wants that transparent."""
    mask = Image.new("L", (2, 1), 0)
    mask.putpixel((1, 0), 255)
    out = io.BytesIO()
    mask.save(out, "PNG")
    files = Inputs(d1=png(), m=out.getvalue())
    fields = {
        "prompt": "p",
        "image": files.blob("d1", "image", "image/png"),
        "mask": files.blob("m", "image", "image/png"),
    }
    made = run(
        vendor.base_url,
        lambda one: one.prepare(call("images.edit", "image.edit", "gpt-image-2", "image", fields), files),
    )
    alpha = Image.open(io.BytesIO(made["mask"]["data"])).getchannel("A")
    assert [alpha.getpixel((x, 0)) for x in range(2)] == [255, 0]


@pytest.mark.parametrize(
    ("operation", "kind", "fields", "params"),
    [
        ("chat", "text.generate", {"stream": True}, {"prompt": "x"}),
        ("chat", "text.generate", {"n": 2}, {"prompt": "x"}),
        ("chat", "text.generate", {"store": False}, {"prompt": "x"}),
        ("chat", "video.generate", {}, {"prompt": "x"}),
        ("images.generate", "image.generate", {"n": 3, "prompt": "x"}, {}),
        ("images.generate", "image.generate", {"partial_images": 2, "prompt": "x"}, {}),
        ("images.edit", "image.edit", {"prompt": "x"}, {}),
        ("speech", "speech.generate", {"input": "x" * 4097, "voice": "alloy"}, {}),
        ("speech", "speech.generate", {"input": "x", "voice": "alloy", "response_format": "pcm"}, {}),
        ("transcriptions", "audio.transcribe", {}, {}),
        ("transcriptions", "audio.transcribe", {"response_format": "srt"}, {"audio": Inputs(a=b"x").blob("a", "audio", "audio/wav")}),
        ("transcriptions", "audio.transcribe", {}, {"audio": Inputs(a=b"x").blob("a", "audio", "audio/aiff")}),
        ("videos", "video.generate", {}, {}),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_not_sent(vendor: Loopback, operation: str, kind: str, fields: Any, params: Any) -> None:
    """What would be refused, lost or not fit into one artifact costs nothing and says why."""
    files = Inputs(a=b"x")
    with pytest.raises(NodeError) as caught:
        run(vendor.base_url, lambda one: one.prepare(call(operation, kind, "m", "text", fields, params), files))
    assert caught.value.hint
    assert vendor.asked == []


def test_each_operation_says_how_it_is_recovered(vendor: Loopback) -> None:
    """Only what has our mark in a list is exact; all else is asked about, in a sentence."""
    operations = run(vendor.base_url, lambda one: asyncio.sleep(0, one.operations))
    assert {name for name, one in operations.items() if one.recovery is Recovery.EXACT} == {"chat"}
    assert {name for name, one in operations.items() if one.handle} == {"responses", "responses.image"}
    assert all(one.window and one.cost and one.bounds.poll_s == BOUNDS["poll_s"] for one in operations.values())


# -- a lost answer ---------------------------------------------------------------------------------------------------

TEXT = call("chat", "text.generate", "gpt-6-sol", "text", {}, {"prompt": "x"})
AT = 1_795_348_800


def row(completion_id: str, marker: str | None, created: int = AT) -> dict[str, Any]:
    return {"id": completion_id, "created": created, "metadata": {} if marker is None else {"dagcontent": marker}}


def find(vendor: Loopback) -> Any:
    return run(vendor.base_url, lambda one: one.find(TEXT, "", AT * 1000, AT * 1000 + 60_000))


def test_a_list_that_ignores_the_mark_is_looked_through(vendor: Loopback) -> None:
    """A server that returns everything does not make others' completions ours; pages are followed to the time of the call."""

    def pages(asked: Asked) -> Said:
        assert asked.query["metadata[dagcontent]"] == [TEXT.marker]
        if "after" not in asked.query:
            return Said({"data": [row("c1", "0" * 32)], "has_more": True})
        assert asked.query["after"] == ["c1"]
        return Said({"data": [row("c2", TEXT.marker)], "has_more": False})

    vendor.on("GET", "/chat/completions", pages)
    assert [(one.handle.ids, one.exact) for one in find(vendor)] == [({"completion": "c2"}, True)]


def test_silence_of_an_account_that_stores_nothing_proves_nothing(vendor: Loopback) -> None:
    """An empty list tells that a request never was only where the list has shown something of ours."""
    vendor.on("GET", "/chat/completions", Said({"data": [], "has_more": False}))
    with pytest.raises(ListInDoubt) as caught:
        find(vendor)
    doubt = run(vendor.base_url, lambda one: asyncio.sleep(0, one.fault(caught.value)))
    assert (doubt.error_class, doubt.billed) == (E.GONE, None)
    ours = Said({"data": [row("c1", "0" * 32)], "has_more": True})
    empty = Said({"data": [], "has_more": False})
    vendor.on("GET", "/chat/completions", lambda asked: empty if "metadata[dagcontent]" in asked.query else ours)
    assert find(vendor) == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"[]", ProviderError),
        ({"data": {}}, ProviderError),
        ({"data": [], "has_more": True}, ProviderError),
        ({"data": [row("c1", None)], "has_more": True}, ProviderError),
        ({"data": [{"id": "c1", "created": AT}]}, ListInDoubt),
        ({"data": [row("../c1", None)]}, ListInDoubt),
        ({"data": [{**row("c1", None), "created": "now"}]}, ListInDoubt),
    ],
)
def test_a_list_that_cannot_be_read_is_no_empty_list(vendor: Loopback, body: Any, error: type[Exception]) -> None:
    """What is no whole list never means that a request was not made."""
    vendor.on("GET", "/chat/completions", Said(body))
    with pytest.raises(error):
        find(vendor)


def test_a_forgotten_job_is_gone_and_a_closed_door_is_not(vendor: Loopback) -> None:
    """OpenAI's own 404 says that it is kept no longer; a proxy's does not, nor does a refused key."""
    handle = Handle({"response": "resp_1"})

    async def polled(one: Any) -> Any:
        try:
            return await one.poll(TEXT, handle)
        except Exception as error:  # noqa: BLE001 - the adapter's words for it are what is asked for
            return one.fault(error)

    vendor.on(
        "GET",
        "/responses/resp_1",
        Said({"error": {"message": "not found", "type": "invalid_request_error", "code": None}}, 404),
    )
    assert run(vendor.base_url, polled).error_class is E.GONE
    vendor.on("GET", "/responses/resp_1", Said(b"<html>", 404))
    assert run(vendor.base_url, polled).error_class is E.UNKNOWN
    vendor.on("GET", "/responses/resp_1", Said({"error": {"message": "who?", "code": "invalid_api_key"}}, 401))
    refused = run(vendor.base_url, polled)
    assert (refused.error_class, refused.billed) == (E.AUTH, False)
    assert len(vendor.asked) == 3
    with pytest.raises(ProviderError):
        run(vendor.base_url, lambda one: one.poll(TEXT, Handle({"response": "../models"})))


# -- what answers mean -----------------------------------------------------------------------------------------------


def answer(status: int, body: Any, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, body if isinstance(body, bytes) else json.dumps(body).encode())


def wrong(code: str | None, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": "no", "type": kind, "param": None, "code": code}}


@pytest.mark.parametrize(
    ("status", "body", "error_class", "billed"),
    [
        (400, wrong("invalid_value"), E.INVALID, False),
        (400, wrong("moderation_blocked", "image_generation_user_error"), E.BLOCKED, True),
        (400, wrong("content_policy_violation"), E.BLOCKED, True),
        (400, wrong("billing_hard_limit_reached"), E.QUOTA, False),
        (401, wrong("invalid_api_key"), E.AUTH, False),
        (402, wrong(None), E.QUOTA, False),
        (403, wrong("unsupported_country_region_territory"), E.AUTH, False),
        (404, wrong("model_not_found"), E.NOT_FOUND, False),
        (413, wrong(None), E.INVALID, False),
        (415, wrong(None), E.INVALID, False),
        (422, wrong(None), E.INVALID, False),
        (429, wrong("rate_limit_exceeded", "requests"), E.RATE_LIMIT, False),
        (429, wrong("rate_limit_exceeded", "tokens"), E.RATE_LIMIT, False),
        (429, wrong("concurrency_limit_exceeded"), E.CONCURRENCY, False),
        (429, wrong("insufficient_quota", "insufficient_quota"), E.QUOTA, False),
        (408, wrong(None), E.TRANSIENT, None),
        (409, wrong(None), E.UNKNOWN, None),
        (425, wrong(None), E.TRANSIENT, None),
        (500, wrong("server_error"), E.TRANSIENT, None),
        (503, wrong(None), E.TRANSIENT, None),
        (400, {"error": "no object"}, E.UNKNOWN, None),
        (401, {"detail": "a proxy"}, E.UNKNOWN, None),
        (429, b"<html>", E.UNKNOWN, None),
        (404, b"", E.UNKNOWN, None),
        (307, b"", E.UNKNOWN, None),
    ],
)  # fmt: skip
def test_a_refusal_is_unbilled_only_if_it_is_openais_own(
    status: int, body: Any, error_class: ErrorClass, billed: bool | None
) -> None:
    """The table of refusals: what is not in it, or not in OpenAI's form, leaves open whether it was charged."""
    failure = refusal(answer(status, body))
    assert (failure.error_class, failure.billed) == (error_class, billed)
    assert failure.message


def test_a_pause_may_be_in_milliseconds() -> None:
    """OpenAI's finer header goes first."""
    assert refusal(answer(429, wrong(None), retry_after_ms="1500", retry_after="9")).retry_after_s == 1.5


def completion(content: Any, reason: str = "stop", **message: Any) -> dict[str, Any]:
    return {
        "id": "c", "model": "m", "usage": {"prompt_tokens": 10, "completion_tokens": 5},
        "choices": [{"message": {"content": content, **message}, "finish_reason": reason}],
    }  # fmt: skip


JSON = call("chat", "text.generate", "m", "json", {}, {"prompt": "x", "returns": {"title": "text"}})


@pytest.mark.parametrize(
    ("one_call", "body", "error_class"),
    [
        (TEXT, completion(None, "content_filter"), E.BLOCKED),
        (TEXT, completion(None, refusal="I will not"), E.BLOCKED),
        (TEXT, completion("  "), E.UNKNOWN),
        (JSON, completion('{"title": "a'), E.UNKNOWN),
        (JSON, completion('{"title": "a', "length"), E.UNKNOWN),
    ],
)
def test_a_completion_that_brings_nothing_was_charged(one_call: Any, body: Any, error_class: ErrorClass) -> None:
    """Refusals, empty words and broken JSON are failures that were paid for, and are not sent again by themselves."""
    failure = read(one_call, answer(200, body))
    assert isinstance(failure, Failure)
    assert (failure.error_class, failure.billed) == (error_class, True)


def test_json_in_a_fence_and_text_that_is_cut_are_read() -> None:
    """A fence around JSON is no part of it; text that ended at its longest is kept, and marked."""
    fenced = read(JSON, answer(200, completion('```json\n{"title": "a"}\n```')))
    cut = read(TEXT, answer(200, completion("and then", "length")))
    assert isinstance(fenced, Result)
    assert isinstance(cut, Result)
    assert (fenced.value, cut.value, cut.extras["cut"]) == ({"title": "a"}, "and then", True)
    assert cut.cost.units == 15.0


IMAGE = call("responses.image", "image.generate", "m", "image", {"prompt": "x"})


@pytest.mark.parametrize(
    ("body", "error_class", "billed"),
    [
        ({"status": "failed", "error": {"code": "server_error", "message": "x"}}, E.TRANSIENT, None),
        ({"status": "failed", "error": {"code": "server_error", "message": "x"}, "usage": {"input_tokens": 0, "output_tokens": 0}}, E.TRANSIENT, False),
        ({"status": "failed", "error": {"code": "image_content_policy_violation"}, "usage": {"input_tokens": 9}}, E.BLOCKED, None),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, E.BLOCKED, True),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, E.UNKNOWN, True),
        ({"status": "cancelled"}, E.UNKNOWN, None),
        ({"status": "completed", "output": [{"type": "message"}]}, E.UNKNOWN, True),
    ],
)  # fmt: skip
def test_a_response_that_failed_says_whether_it_was_billed(
    body: Any, error_class: ErrorClass, billed: bool | None
) -> None:
    """Only a count of no tokens at all says that a failed response cost nothing."""
    failure = read_response(IMAGE, answer(200, body))
    assert isinstance(failure, Failure)
    assert (failure.error_class, failure.billed) == (error_class, billed)


def test_a_diarized_transcript_has_speakers() -> None:
    """Speakers, times and tokens of the model that tells voices apart."""
    body = {
        "text": "Hi. Ho.",
        "duration": 3,
        "segments": [{"id": "s", "start": 0, "end": 1, "speaker": "A", "text": "Hi."}],
        "usage": {"type": "tokens", "input_tokens": 7, "output_tokens": 2},
    }
    made = read(call("transcriptions", "audio.transcribe", "m", "json", {}, {}), answer(200, body))
    assert isinstance(made, Result)
    assert made.value["segments"][0]["speaker"] == "A"
    assert (made.cost.units, made.cost.unit) == (9.0, "token")


@pytest.mark.parametrize("headers", [{"content_type": "application/json"}, {"content_type": "text/html; charset=x"}])
def test_a_page_is_no_recording(headers: dict[str, str]) -> None:
    """A success that brings text where sound belongs cannot be read."""
    with pytest.raises(ProviderError):
        read(call("speech", "speech.generate", "m", "audio", {}), answer(200, b"<html>", **headers))


def test_a_sound_without_bytes_is_none() -> None:
    """Nor is an empty body a recording."""
    with pytest.raises(ProviderError):
        read(call("speech", "speech.generate", "m", "audio", {}), answer(200, b"", content_type="audio/mpeg"))


def test_a_key_never_comes_back() -> None:
    """A vendor that repeats the key has it hidden in what is kept."""
    Secret(KEY, "OPENAI_API_KEY", [])
    failure = refusal(
        answer(401, {"error": {"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}})
    )
    assert KEY not in repr(failure)


names = st.sampled_from(
    "id status output data b64_json choices message content error code type usage input_tokens text words segments start end result refusal "
    "languages metadata finish_reason".split()
)  # fmt: skip
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["completed", "failed", "AAAA", "image_generation_call", "output_text"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=14,
)
bodies = st.binary(max_size=40) | json_values.map(lambda value: json.dumps(value).encode())
headers = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "content-type", "x-request-id"]), st.text(max_size=12)
)
calls = st.sampled_from([
    call(name, kind, "m", output, {}, {"prompt": "x", "returns": ["text"]})
    for name, kind, output in (
        ("chat", "text.generate", "json"), ("chat", "text.generate", "text"), ("responses", "text.generate", "json"), ("responses.image", "image.generate", "image"),
        ("images.generate", "image.generate", "image"), ("speech", "speech.generate", "audio"), ("transcriptions", "audio.transcribe", "json"),
    )
])  # fmt: skip


@given(calls, st.sampled_from([200, 201, 204, 302, 400, 401, 404, 429, 500]), headers, bodies)
def test_no_answer_makes_it_stumble(one: Any, status: int, given_headers: dict[str, str], body: bytes) -> None:
    """Whatever a vendor says becomes an outcome, or a ProviderError; what it becomes can be written down."""
    said = Answer(status, given_headers, body)
    for reader in (read, read_response):
        with contextlib.suppress(ProviderError):
            msgspec.msgpack.encode(reader(one, said))


def test_a_picture_is_read_from_its_base64() -> None:
    """The bytes and their type are the artifact; what is no base64 cannot be read."""
    one_call = call("images.generate", "image.generate", "m", "image", {"output_format": "jpeg"})
    made = read(one_call, answer(200, {"data": [{"b64_json": base64.b64encode(b"JFIF").decode()}]}))
    assert isinstance(made, Result)
    assert made.value == Part(data=b"JFIF", media_type="image/jpeg")
    with pytest.raises(ProviderError):
        read(one_call, answer(200, {"data": [{"b64_json": "%%%"}]}))


@pytest.mark.parametrize("depth", [60, 900, 100_000])
def test_nesting_without_end_is_no_answer(depth: int) -> None:
    """A body that is nested to make its reader fall over is a body that cannot be read."""
    nested = b"[" * depth + b"]" * depth
    said = answer(400, b'{"detail": "x", "error": {"message": "x"}, "more": ' + nested + b"}")
    assert refusal(said).billed in {None, False}
    msgspec.msgpack.encode(refusal(said).message)


WHOLE = [
    json.dumps(body).encode()
    for body in (
        completion('{"value": ["a"]}'), completion(None, "content_filter", refusal="no"), wrong("moderation_blocked"),
        {"data": [{"b64_json": "AAAA", "revised_prompt": "x"}], "output_format": "png", "usage": {"input_tokens": 1, "output_tokens": 2}},
        {"id": "resp_1", "status": "completed", "output": [
            {"type": "image_generation_call", "result": "AAAA", "output_format": "png"},
            {"type": "message", "content": [{"type": "output_text", "text": "[1]"}]},
        ]},
        {"id": "resp_1", "status": "failed", "error": {"code": "server_error", "message": "x"}},
        {"text": "a", "language": "en", "segments": [{"id": 0, "start": 0, "end": 1, "text": "a"}], "words": [{"word": "a", "start": 0, "end": 1}],
         "usage": {"type": "duration", "seconds": 3}},
    )
]  # fmt: skip


@given(calls, st.sampled_from([200, 400, 429, 500]), mutated(st.sampled_from(WHOLE)))
def test_a_damaged_answer_is_an_answer_or_none(one: Any, status: int, body: bytes) -> None:
    """Answers that were right once, changed anywhere: an outcome that can be written down, or a ProviderError."""
    for reader in (read, read_response):
        with contextlib.suppress(ProviderError):
            msgspec.msgpack.encode(reader(one, Answer(status, {}, body)))


def test_the_catalog_names_operations_that_there_are(vendor: Loopback) -> None:
    """Every way of calling that a catalogued model names is one of the adapter's."""
    operations = run(vendor.base_url, lambda one: asyncio.sleep(0, set(one.operations)))
    for name in names_of("openai"):
        model = find_model(f"openai/{name}")
        assert model is not None
        assert set(model.operations.values()) <= operations, name


def test_the_environment_says_nothing_of_who_pays(vendor: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Organization, project and address are the configuration's: a shell that happens to have others changes nothing."""
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/elsewhere")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer other\nX-Other: 1")
    post = posted(vendor, TEXT)
    assert (post.headers["X-Other"], post.headers["X-Team"]) == (None, "seven")
    assert (post.headers["OpenAI-Organization"], post.headers["OpenAI-Project"]) == (None, None)
    assert post.headers["Authorization"] == f"Bearer {KEY}"


def test_a_vendor_that_is_not_there_is_a_moments_failure(vendor: Loopback) -> None:
    """A refused connection is worded, and cost nothing."""

    async def polled(one: Any) -> Any:
        try:
            return await one.poll(TEXT, Handle({"completion": "c1"}))
        except Exception as error:  # noqa: BLE001 - the adapter's words for it are what is asked for
            return one.fault(error)

    failure = run("http://127.0.0.1:9/v1", polled)
    assert (failure.error_class, failure.billed) == (E.TRANSIENT, False)
    assert run(vendor.base_url, lambda one: asyncio.sleep(0, one.fault(KeyError("x")))) is None


def test_a_refusal_within_a_response_was_charged() -> None:
    """What a background response says instead of an answer is a refusal; what it says is otherwise the answer."""
    one_call = call("responses", "text.generate", "m", "text", {}, {"prompt": "x"})
    said = {"status": "completed", "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]}
    failure = read_response(one_call, answer(200, said))
    assert isinstance(failure, Failure)
    assert (failure.error_class, failure.billed, failure.message) == (E.BLOCKED, True, "OpenAI: no")
    assert read_response(one_call, answer(200, {"status": "queued"})) == Waiting("in queue")


@pytest.mark.parametrize(
    ("blobs", "why"),
    [
        ({"image": ("image/gif", 1)}, "image/gif"),
        ({"image": ("image/png", 60_000_000)}, "60000000"),
        ({"mask": ("image/png", 1)}, "mask"),
    ],
)
def test_pictures_that_are_not_taken_are_not_sent(vendor: Loopback, blobs: Any, why: str) -> None:
    """A form, a size or a mask that OpenAI would refuse is refused here, before anything is sent."""
    files = Inputs(ok=png(), bad=b"x")
    fields: dict[str, Any] = {"prompt": "p", "image": files.blob("ok", "image", "image/png")}
    for name, (media_type, size) in blobs.items():
        fields[name] = Blob(Digest("bad"), "image", media_type, size)
    with pytest.raises(NodeError, match=why):
        run(vendor.base_url, lambda one: one.prepare(call("images.edit", "image.edit", "m", "image", fields), files))
