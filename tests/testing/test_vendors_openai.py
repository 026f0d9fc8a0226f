from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from dagcontent.media.probe import measure
from dagcontent.testing.vendors import media
from dagcontent.testing.vendors.client import FakeVendors

SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "mood": {"type": "string", "enum": ["calm", "wild"]},
        "scenes": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "seconds": {"type": "integer"}},
                "required": ["text", "seconds"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["title", "mood", "scenes"],
    "additionalProperties": False,
}


def call(vendors: FakeVendors, body: Callable[[AsyncOpenAI], Awaitable[Any]], key: str = "") -> Any:
    """Run a body with the real SDK against the program, its own retries off."""

    async def run() -> Any:
        where = vendors.base_urls["openai"]
        async with AsyncOpenAI(base_url=where, api_key=key or vendors.key("openai"), max_retries=0) as client:
            return await body(client)

    return asyncio.run(run())


def facts(folder: Path, data: bytes, kind: str, media_type: str) -> dict[str, Any]:
    """Return what the engine's own measuring says of an artifact."""
    path = folder / "artifact"
    path.write_bytes(data)
    return measure(path, kind, media_type)


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_pictures_are_real_and_as_large_as_asked(vendors: FakeVendors, tmp_path: Path, form: Any) -> None:
    """Each of the pictures decodes whole in the size asked for, and their tokens are what the ledger charged for."""
    answer = call(
        vendors,
        lambda c: c.images.generate(
            model="gpt-image-2", prompt="a quiet harbor", n=2, size="1024x1536", quality="low", output_format=form
        ),
    )
    pictures = [base64.b64decode(one.b64_json) for one in answer.data]
    for data in pictures:
        seen = facts(tmp_path, data, "image", f"image/{form}")
        assert (seen["width"], seen["height"]) == (1024, 1536)
    assert pictures[0] != pictures[1]
    (charge,) = vendors.charges("openai")
    assert charge.microusd == 5 * answer.usage.input_tokens + 30 * answer.usage.output_tokens
    assert (charge.operation, charge.model) == ("images.generate", "gpt-image-2")


def test_the_same_request_is_answered_with_the_same_picture(vendors: FakeVendors) -> None:
    """Answers follow from requests: a form's boundary, which is by chance, makes no difference."""
    own = media.picture(64, 64, "png", "input")

    def edit(client: AsyncOpenAI) -> Awaitable[Any]:
        files = [("one.png", own), ("two.png", own)]
        return client.images.edit(model="gpt-image-2", image=files, mask=("mask.png", own), prompt="brighter")

    first, second = call(vendors, edit), call(vendors, edit)
    assert first.data[0].b64_json == second.data[0].b64_json
    assert first.usage.input_tokens_details.image_tokens == 3 * 258
    charges = vendors.charges()
    assert len(charges) == 2
    assert charges[0].body == charges[1].body


@pytest.mark.parametrize("size", ["1000x1001", "4096x1024", "3200x1024", "big"])
def test_sizes_that_the_vendor_refuses_are_refused_here(vendors: FakeVendors, size: Any) -> None:
    """A refused request is answered with 400 in the vendor's form, and costs nothing."""
    with pytest.raises(openai.BadRequestError) as caught:
        call(vendors, lambda c: c.images.generate(model="gpt-image-2", prompt="x", size=size))
    assert caught.value.param == "size"
    assert vendors.charges() == []


def test_structured_output_conforms_to_its_schema(vendors: FakeVendors) -> None:
    """What chat answers is JSON of the schema that was sent, with lists that can be looped over."""
    import json

    import jsonschema

    form: Any = {"type": "json_schema", "json_schema": {"name": "plan", "schema": SCHEMA, "strict": True}}
    messages: Any = [{"role": "user", "content": "Plan a film."}]
    answer = call(
        vendors, lambda c: c.chat.completions.create(model="gpt-5.5", messages=messages, response_format=form)
    )
    value = json.loads(answer.choices[0].message.content)
    jsonschema.validate(value, SCHEMA)
    assert 2 <= len(value["scenes"]) <= 4
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_strict_output_refuses_a_schema_that_leaves_something_open(vendors: FakeVendors) -> None:
    """A schema that the vendor would refuse is refused: every object closed, every property required."""
    loose = {"type": "object", "properties": {"a": {"type": "string"}}, "required": []}
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": loose, "strict": True}}
    messages: Any = [{"role": "user", "content": "x"}]
    with pytest.raises(openai.BadRequestError, match="additionalProperties"):
        call(vendors, lambda c: c.chat.completions.create(model="gpt-5.5", messages=messages, response_format=form))
    assert vendors.charges() == []


def test_stored_completions_are_found_by_their_metadata(vendors: FakeVendors) -> None:
    """What was stored with a mark is listed by the mark alone, holds the whole answer, and the ledger knows the mark."""
    marks = ["1" * 32, "2" * 32]

    async def body(client: AsyncOpenAI) -> Any:
        for mark in marks:
            messages: Any = [{"role": "user", "content": mark}]
            await client.chat.completions.create(
                model="gpt-5.5", messages=messages, store=True, metadata={"dagcontent": mark}
            )
        messages = [{"role": "user", "content": "not stored"}]
        await client.chat.completions.create(model="gpt-5.5", messages=messages, metadata={"dagcontent": marks[0]})
        found = [one async for one in client.chat.completions.list(metadata={"dagcontent": marks[0]})]
        return found, await client.chat.completions.retrieve(found[0].id)

    found, one = call(vendors, body)
    assert [c.id for c in found] == [one.id]
    assert one.choices[0].message.content
    assert [charge.marker for charge in vendors.charges()] == [*marks, marks[0]]


def test_a_late_list_shows_nothing_at_first(vendors: FakeVendors) -> None:
    """A completion that was charged stays out of the list for as long as the fault says; by its id it is there."""
    vendors.set_faults([{"fault": "delay", "at": "listing", "seconds": 60, "operation": "chat"}])

    async def body(client: AsyncOpenAI) -> Any:
        messages: Any = [{"role": "user", "content": "x"}]
        made = await client.chat.completions.create(model="gpt-5.5", messages=messages, store=True)
        listed = [one async for one in client.chat.completions.list()]
        return listed, (await client.chat.completions.retrieve(made.id)).id == made.id

    assert call(vendors, body) == ([], True)
    assert len(vendors.charges()) == 1


async def finished(client: AsyncOpenAI, response: Any) -> Any:
    """Ask for a response until it is no longer at work."""
    stages = [response.status]
    while response.status in ("queued", "in_progress"):
        response = await client.responses.retrieve(response.id)
        if response.status != stages[-1]:
            stages.append(response.status)
    return response, stages


@pytest.mark.slow
def test_a_background_response_is_a_job_with_a_picture(vendors: FakeVendors, tmp_path: Path) -> None:
    """It is answered at once, charged once, worked on, and ends with a picture and its tokens."""

    async def body(client: AsyncOpenAI) -> Any:
        tool: Any = {"type": "image_generation", "size": "1536x1024", "output_format": "jpeg", "quality": "low"}
        made = await client.responses.create(
            model="gpt-5.5", input="a tall ship", tools=[tool], background=True, store=True
        )
        return await finished(client, made)

    response, stages = call(vendors, body)
    assert stages[0] == "queued"
    assert stages[-1] == "completed"
    (picture,) = [item for item in response.output if item.type == "image_generation_call"]
    seen = facts(tmp_path, base64.b64decode(picture.result), "image", "image/jpeg")
    assert (seen["width"], seen["height"]) == (1536, 1024)
    assert response.tool_usage.image_gen.output_tokens == 294
    assert [charge.job for charge in vendors.charges()] == [response.id]


def test_responses_hold_structured_text(vendors: FakeVendors) -> None:
    """A response that is no job is complete when it comes, in the form of its schema."""
    import json

    import jsonschema

    text: Any = {"format": {"type": "json_schema", "name": "plan", "schema": SCHEMA, "strict": True}}
    response = call(vendors, lambda c: c.responses.create(model="gpt-5.5", input="Plan.", text=text))
    assert response.status == "completed"
    jsonschema.validate(json.loads(response.output_text), SCHEMA)


def test_a_cancelled_response_stays_cancelled(vendors: FakeVendors) -> None:
    """A job that is told to stop while at work never completes."""
    vendors.set(job_s=60)

    async def body(client: AsyncOpenAI) -> Any:
        made = await client.responses.create(model="gpt-5.5", input="x", background=True, store=True)
        await client.responses.cancel(made.id)
        return (await client.responses.retrieve(made.id)).status

    assert call(vendors, body) == "cancelled"


@pytest.mark.parametrize(("form", "media_type"), [("mp3", "audio/mpeg"), ("wav", "audio/wav"), ("flac", "audio/flac")])
def test_speech_is_as_long_as_its_text_and_can_be_heard_again(
    vendors: FakeVendors, tmp_path: Path, form: Any, media_type: str
) -> None:
    """Speech decodes, lasts as its text takes to say, comes in chunks, and is transcribed to what was said."""
    text = "The tall ship leaves the quiet harbor before the early light."

    async def body(client: AsyncOpenAI) -> Any:
        speech = client.audio.speech.with_streaming_response.create(
            model="gpt-4o-mini-tts", voice="alloy", input=text, response_format=form
        )
        async with speech as answer:
            data = b"".join([chunk async for chunk in answer.iter_bytes()])
            coding = answer.headers["transfer-encoding"]
        heard = await client.audio.transcriptions.create(
            model="whisper-1",
            file=(f"a.{form}", data),
            response_format="verbose_json",
            timestamp_granularities=["word"],
        )
        return data, coding, heard

    data, coding, heard = call(vendors, body)
    assert facts(tmp_path, data, "audio", media_type)["duration_ms"] == pytest.approx(len(text) / 15 * 1000, abs=60)
    assert coding == "chunked"
    assert (heard.text, len(heard.words), heard.usage.type) == (text, len(text.split()), "duration")
    assert [c.operation for c in vendors.charges()] == ["speech", "transcriptions"]


def test_transcriptions_refuse_forms_that_their_model_has_not(vendors: FakeVendors) -> None:
    """Subtitles and times come from whisper-1 alone; what is no recording is refused."""
    sound = media.recording(1.0, "wav", "x")

    def asked(model: str, data: bytes, form: Any) -> Callable[[AsyncOpenAI], Awaitable[Any]]:
        return lambda c: c.audio.transcriptions.create(model=model, file=("a.wav", data), response_format=form)

    assert call(vendors, asked("whisper-1", sound, "srt")).startswith("1\n00:00:00,000 --> 00:00:01,000\n")
    assert call(vendors, asked("gpt-4o-transcribe", sound, "json")).usage.type == "tokens"
    for model, data, form in (("gpt-4o-transcribe", sound, "srt"), ("whisper-1", b"no sound", "json")):
        with pytest.raises(openai.BadRequestError):
            call(vendors, asked(model, data, form))
    assert len(vendors.charges()) == 2


def test_only_fake_keys_are_let_in(vendors: FakeVendors) -> None:
    """A key that could be real is refused and never kept: neither in the notes nor in the ledger."""
    with pytest.raises(openai.AuthenticationError):
        call(vendors, lambda c: c.images.generate(model="gpt-image-2", prompt="x"), key="sk-looks-real")
    assert vendors.charges() == []
    assert "sk-looks-real" not in str(vendors.requests())
    assert "fake-key" not in str(vendors.requests())


def test_models_are_listed_and_gone_ones_are_not_found(vendors: FakeVendors) -> None:
    """What the vendor has shut down answers 404, as the vendor's own list says."""

    async def body(client: AsyncOpenAI) -> list[str]:
        return [one.id async for one in client.models.list()]

    assert "gpt-image-2" in call(vendors, body)
    with pytest.raises(openai.NotFoundError):
        call(vendors, lambda c: c.images.generate(model="dall-e-3", prompt="x"))


def chat(vendors: FakeVendors, content: Any, **more: Any) -> Any:
    """Ask one thing of a chat model."""
    messages: Any = [{"role": "user", "content": content}]
    return call(vendors, lambda c: c.chat.completions.create(model="gpt-5.5", messages=messages, **more))


def test_chat_reads_pictures_and_recordings(vendors: FakeVendors) -> None:
    """What is sent beside words is decoded, and counts: another picture is another answer."""

    def parts(seed: str) -> list[Any]:
        picture = base64.b64encode(media.picture(32, 32, "png", seed)).decode()
        sound = base64.b64encode(media.recording(0.5, "wav", "x")).decode()
        return [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
            {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}},
        ]

    one, other = chat(vendors, parts("one")), chat(vendors, parts("other"))
    assert one.choices[0].message.content
    assert one.usage.prompt_tokens > 258 + 100
    assert [one.choices[0].finish_reason, other.choices[0].finish_reason] == ["stop", "stop"]


@pytest.mark.parametrize(
    ("content", "form", "said"),
    [
        ([], {"type": "json_object"}, "word 'json'"),
        ([{"type": "image_url", "image_url": {"url": "picture.png"}}], None, "Invalid image URL"),
        ([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}], None, "unsupported image"),
        ([{"type": "image_url", "image_url": {"url": "data:image/png;base64,?"}}], None, "unsupported image"),
        ([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "ogg"}}], None, "wav or mp3"),
        ([{"type": "telepathy"}], None, "telepathy"),
        ("x", {"type": "xml"}, "xml"),
        ("x", {"type": "json_schema", "json_schema": {"name": "x"}}, "schema"),
        ("x", {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "matrix"}}}, "matrix"),
        (None, None, "content"),
    ],
)
def test_chat_refuses_what_its_vendor_refuses(vendors: FakeVendors, content: Any, form: Any, said: str) -> None:
    """A message or a form that is wrong is a 400 that says what, and is free."""
    more = {"response_format": form} if form is not None else {}
    with pytest.raises(openai.BadRequestError, match=said):
        chat(vendors, content, **more)
    assert vendors.charges() == []


def test_json_without_a_schema_is_json(vendors: FakeVendors) -> None:
    """Any object will do where no schema is given."""
    import json

    answer = chat(vendors, "Answer in JSON.", response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


def test_a_refusal_for_content_is_an_answer_of_chat(vendors: FakeVendors) -> None:
    """Chat refuses within a complete answer that is charged; a response with a picture fails; one with words refuses."""
    vendors.set_faults([{"fault": "moderation"}])
    refused = chat(vendors, "x").choices[0]
    assert (refused.finish_reason, refused.message.content) == ("content_filter", None)
    assert refused.message.refusal
    words = call(vendors, lambda c: c.responses.create(model="gpt-5.5", input="x"))
    assert words.output[0].content[0].type == "refusal"
    tools: Any = [{"type": "image_generation"}]
    picture = call(vendors, lambda c: c.responses.create(model="gpt-5.5", input="x", tools=tools))
    assert (picture.status, picture.error.code) == ("failed", "image_content_policy_violation")
    assert len(vendors.charges()) == 3


def test_what_is_overcharged_is_reported_so(vendors: FakeVendors) -> None:
    """The usage of an answer is the ledger's, times the fault's factor."""
    vendors.set_faults([{"fault": "overcharge", "factor": 10, "nth": 2}])
    plain, dear = chat(vendors, "x" * 400), chat(vendors, "x" * 400)
    assert dear.usage.prompt_tokens == 10 * plain.usage.prompt_tokens
    first, second = vendors.charges()
    assert second.microusd == 10 * (first.microusd or 0)
